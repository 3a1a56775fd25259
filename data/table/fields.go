package table

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"aegis/data"
	"aegis/internal/advice"
)

// field decides what a column is of what was seen of it.
func (c *column) field(file, name string, impute bool) (f data.Field, notes []string, err error) {
	f.Name = name
	bad := &CellError{File: file, Column: name, Advice: "correct it, or leave the row or the column out"}
	switch {
	case c.words == 0 && c.limit.text != "":
		bad.Row, bad.Line, bad.Got = c.limit.row, c.limit.line, clip(c.limit.text)
		bad.Want = fmt.Sprintf("a finite number, at most %g", float32(math.MaxFloat32))
		return f, nil, bad
	case c.words == 0 && c.numbers == 0:
		return f, nil, advice.With(fmt.Errorf("table: %s: column %q: want at least one value, got none in any row; drop the column", file, name), dropping)
	case c.words == 0:
		if lost(c.min, c.max) {
			notes = append(notes, fmt.Sprintf("column %q (%.12g to %.12g): float32 hardly tells these numbers apart; subtract an offset from them first", name, c.min, c.max))
		}
		return f, notes, nil
	case c.many, c.unclass > 0 && c.numbers > c.words: // 1.5 is no category
		return f, nil, c.tooMany(file, name)
	}
	f.Categories = slices.Sorted(maps.Keys(c.texts))
	if i := slices.IndexFunc(f.Categories, func(s string) bool { return !utf8.ValidString(s) }); i >= 0 {
		return f, nil, &data.UnsupportedError{File: file, Problem: fmt.Sprintf("text in column %q", name), Want: "UTF-8", Got: quoted(f.Categories[i]), Advice: "save it as UTF-8"}
	}
	if c.dates() {
		return f, nil, dated(file, name, c.word.text)
	}
	note := fmt.Sprintf("column %q: %d categories", name, len(f.Categories))
	if c.numbers > 0 {
		note += fmt.Sprintf(", since it has text beside numbers, such as %s in row %d", quoted(c.word.text), c.word.row)
	}
	if impute {
		f.Fill = new(float64)
	}
	return f, append(notes, note), nil
}

// tooMany is the error of a column with more texts than categories may be.
func (c *column) tooMany(file, name string) error {
	if c.dates() {
		return dated(file, name, c.word.text)
	}
	if c.numbers > c.words {
		return &CellError{
			File: file, Row: c.word.row, Line: c.word.line, Column: name, Want: "a number, as in other rows", Got: quoted(c.word.text),
			Advice: "correct it, or leave the row or the column out",
		}
	}
	return advice.With(fmt.Errorf("table: %s: column %q: want numbers, or at most %d different texts as categories, got more, such as %s; it looks like an id or free text: drop the column",
		file, name, mostCategories, quoted(c.word.text)), dropping)
}

func dated(file, name, example string) error {
	return advice.With(fmt.Errorf("table: %s: column %q: want numbers or categories, got dates or times such as %s; drop the column, or make numbers of them such as the hour of the day",
		file, name, quoted(example)), dropping)
}

// dates says that all texts are dates or times.
func (c *column) dates() bool {
	if c.numbers > 0 || len(c.texts) == 0 {
		return false
	}
	for s := range c.texts {
		if !isDate(s) {
			return false
		}
	}
	return true
}

// isDate knows the usual ways to write dates and times.
func isDate(s string) bool {
	const most = 40
	if len(s) < len("1:02:03") || len(s) > most {
		return false
	}
	for _, date := range []string{"2006-01-02", "2006/1/2", "1/2/2006", "2/1/2006", "2.1.2006", "2-Jan-2006", "Jan 2, 2006", "2 Jan 2006"} {
		for _, clock := range []string{"", " 15:04", " 15:04:05", "T15:04", "T15:04:05", " 15:04:05 PM", " 3:04 PM", " 3:04:05 PM"} {
			zones := []string{""}
			if clock != "" {
				zones = []string{"", "Z07:00", "-0700", " -0700", " MST"}
			}
			for _, zone := range zones {
				if _, err := time.Parse(date+clock+zone, s); err == nil {
					return true
				}
			}
		}
	}
	_, err := time.Parse("15:04:05", s)
	return err == nil
}

// lost says that float32 holds less than some 256 steps between numbers.
func lost(least, greatest float64) bool {
	const steps = 0x1p-16 // float32 has 24 bits
	width, size := greatest-least, max(math.Abs(least), math.Abs(greatest))
	return width > 0 && (width < steps*size || size < data.LeastNormal)
}

// classes names the labels of what was seen of their column; nil where they
// are numbers from 0 to 255 as they are.
func (c *column) classes(file, name string) ([]string, error) {
	switch {
	case c.words == 0 && c.unclass == 0:
		return nil, nil
	case c.many:
		return nil, fmt.Errorf("table: %s: label column %q: want at most %d classes, got more; choose a column with each row's class", file, name, mostClasses)
	}
	names := slices.Sorted(maps.Keys(c.texts))
	for _, n := range names {
		if !utf8.ValidString(n) {
			return nil, &data.UnsupportedError{File: file, Problem: fmt.Sprintf("text in column %q", name), Want: "UTF-8", Got: quoted(n), Advice: "save it as UTF-8"}
		}
	}
	if c.words == 0 {
		slices.SortFunc(names, func(a, b string) int {
			x, _ := strconv.ParseFloat(a, 64)
			y, _ := strconv.ParseFloat(b, 64)
			return cmp.Compare(x, y)
		})
	}
	return names, nil
}
