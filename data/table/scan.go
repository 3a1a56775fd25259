package table

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"

	"aegis/internal/advice"
)

const (
	mostClasses    = 256
	mostCategories = 256
)

// place is a row of a table, from 0, with its line.
type place struct{ row, line int }

// cell is a value in its place.
type cell struct {
	place
	text string
}

// column is what has been seen of one.
type column struct {
	numbers, words, missing int // how many cells are such
	min, max                float64
	unclass                 int // numbers that are no class by themselves
	texts                   map[string]bool
	many                    bool // more texts than texts holds
	word                    cell // the first text
	limit                   cell // the first number that is not finite or too large
	isLabel                 bool
}

// see counts a cell in.
func (c *column) see(v value, at place) {
	switch v.kind {
	case missing:
		c.missing++
		return
	case text:
		if c.words++; c.words == 1 {
			c.word = cell{at, strings.Clone(v.text)}
		}
	case number:
		c.span(v.number, v.number)
		if c.numbers++; !v.isClass() {
			c.unclass++
		}
	default:
		c.numbers++
		c.unclass++
		if c.limit.text == "" {
			c.limit = cell{at, strings.Clone(v.String())}
		}
	}
	switch {
	case c.isLabel:
		c.keep(v.class())
	case v.text != "" && !c.many:
		c.keep(v.text)
	}
}

func (c *column) span(least, greatest float64) {
	if c.numbers == 0 {
		c.min, c.max = math.Inf(1), math.Inf(-1)
	}
	c.min, c.max = min(c.min, least), max(c.max, greatest)
}

// keep holds a text, unless there are too many.
func (c *column) keep(s string) {
	if c.many || c.texts[s] {
		return
	}
	if len(c.texts) == mostCategories {
		c.many = true
		return
	}
	if c.texts == nil {
		c.texts = map[string]bool{}
	}
	c.texts[strings.Clone(s)] = true
}

// merge counts in what was seen of rows behind those before.
func (c *column) merge(o *column, before int) {
	if o.words > 0 && c.words == 0 {
		c.word = o.word
		c.word.row += before
	}
	if o.limit.text != "" && c.limit.text == "" {
		c.limit = o.limit
		c.limit.row += before
	}
	if o.numbers > 0 {
		c.span(o.min, o.max)
	}
	c.numbers += o.numbers
	c.words += o.words
	c.missing += o.missing
	c.unclass += o.unclass
	for s := range o.texts {
		c.keep(s)
	}
	c.many = c.many || o.many
}

// scanned is what was seen of some rows.
type scanned struct {
	rows    int
	columns []column
}

// scanner sees rows.
type scanner struct {
	choice
	file   string
	impute bool
}

func (s scanner) none() *scanned {
	n := &scanned{columns: make([]column, len(s.use))}
	if s.label {
		n.columns[len(n.columns)-1].isLabel = true
	}
	return n
}

// part sees the rows of a part. A missing value is an error where nothing can
// be filled in.
func (s scanner) part(p part) (*scanned, error) {
	found := s.none()
	err := p.each(func(row []value, line int) error {
		at := place{found.rows, line}
		found.rows++
		for i, v := range row {
			if v.kind == missing && (!s.impute || s.label && i == len(row)-1) {
				return s.absent(at, i, v)
			}
			found.columns[i].see(v, at)
		}
		return nil
	})
	return found, err
}

// absent is the error of a missing value.
func (s scanner) absent(at place, column int, v value) error {
	e := &CellError{
		File: s.file, Row: at.row, Line: at.line, Column: s.names[column], Want: "a value", Got: v.missed(),
		Advice: "fill it in, leave the row or the column out, or let the column's mean or median be taken",
	}
	if s.label && column == len(s.names)-1 {
		e.Want, e.Advice = "a label", "fill it in, or leave the row out"
		return e
	}
	return advice.With(e, imputing)
}

// all sees a whole table.
func (s scanner) all(ctx context.Context, from parts, progress func()) (*scanned, error) {
	sum := s.none()
	for {
		found, err := round(ctx, from, s.part)
		for _, f := range found {
			for i := range f.columns {
				sum.columns[i].merge(&f.columns[i], sum.rows)
			}
			sum.rows += f.rows
		}
		if err == io.EOF {
			return sum, nil
		}
		if err != nil {
			return nil, moved(err, sum.rows)
		}
		if err := s.early(sum); err != nil {
			return nil, err
		}
		progress()
	}
}

// early ends the reading of a table that has a column which is none already.
func (s scanner) early(sum *scanned) error {
	for i := range s.values() {
		if c := &sum.columns[i]; c.many && c.words > 0 {
			return c.tooMany(s.file, s.names[i])
		}
	}
	return nil
}

// moved counts the rows before a part into an error of the part.
func moved(err error, rows int) error {
	var e *CellError
	if errors.As(err, &e) {
		e.Row += rows
	}
	return err
}
