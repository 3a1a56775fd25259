package table

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path"

	"aegis/data"
	"aegis/data/memory"
)

// loading is the reading of a whole table.
type loading struct {
	opened
	choice
	opt    Options
	file   string
	form   data.TableForm
	labels []string // names of the classes
	rows   int
	found  []string // for notes
}

// load reads a table twice: for what it is, and for its values.
func load(ctx context.Context, t opened, file string, opt Options) (*data.Source, error) {
	c, err := choose(t, file, opt)
	if err != nil {
		return nil, err
	}
	l := &loading{opened: t, choice: c, opt: opt, file: file, found: t.notes()}
	if err := l.scan(ctx); err != nil {
		return nil, err
	}
	set, err := l.read(ctx)
	if err != nil {
		return nil, err
	}
	return l.source(set)
}

func (l *loading) progress() {
	if done, of := l.done(); l.opt.Progress != nil && of > 0 {
		l.opt.Progress(min(done, of), of)
	}
}

// scan finds the fields, the classes and the number of rows. Of a model's form
// only the classes are looked for.
func (l *loading) scan(ctx context.Context) error {
	what := scanner{choice: l.choice, file: l.file, impute: l.opt.Impute != ""}
	if l.opt.Form != nil {
		n := l.values()
		what.use, what.names = what.use[n:], what.names[n:]
	}
	from, err := l.begin(what.use)
	if err != nil {
		return err
	}
	seen, err := what.all(ctx, from, l.progress)
	if err != nil {
		return err
	}
	if l.rows = seen.rows; l.rows == 0 {
		return noRows(l.file)
	}
	if l.rows > math.MaxInt32 {
		return fmt.Errorf("table: %s: %d rows; want at most %d", l.file, l.rows, math.MaxInt32)
	}
	if l.labels = l.opt.Classes; l.label && l.labels == nil {
		if l.labels, err = seen.columns[len(seen.columns)-1].classes(l.file, l.labelName()); err != nil {
			return err
		}
	}
	return l.fields(seen)
}

// fields makes the form.
func (l *loading) fields(seen *scanned) error {
	if l.opt.Form != nil {
		l.form = *l.opt.Form
		l.form.Label = l.labelName()
		if l.ignored != nil {
			l.found = append(l.found, "columns that the model does not have are left out: "+listed(l.ignored))
		}
		return nil
	}
	l.form.Label = l.labelName()
	l.form.Window, l.form.Step = l.opt.window()
	for i := range l.values() {
		field, notes, err := seen.columns[i].field(l.file, l.names[i], l.opt.Impute != "")
		if err != nil {
			return err
		}
		l.form.Fields = append(l.form.Fields, field)
		l.found = append(l.found, notes...)
	}
	return nil
}

// read reads the values into one piece of memory.
func (l *loading) read(ctx context.Context) (data.Set, error) {
	f := newFiller(l.choice, l.file, l.form.Fields, l.labels, l.opt.Impute != "")
	if err := tooSmall(l.file, f.width*max(1, l.form.Window)); err != nil {
		return data.Set{}, err
	}
	if err := fits(l.file, l.rows, f.width); err != nil {
		return data.Set{}, err
	}
	set := data.Set{Rows: data.Rows{N: l.rows, Shape: data.Shape{W: f.width}, Floats: make([]float32, l.rows*f.width)}}
	if l.label {
		set.Labels = make([]byte, l.rows)
	}
	from, err := l.begin(l.use)
	if err != nil {
		return data.Set{}, err
	}
	fills := make([]int, len(f.fields))
	for at := 0; ; {
		found, err := round(ctx, from, f.part)
		for _, some := range found {
			if at+some.rows > l.rows {
				return data.Set{}, changed(l.file)
			}
			copy(set.Floats[at*f.width:], some.values)
			if l.label {
				copy(set.Labels[at:], some.labels)
			}
			at += some.rows
			for i, n := range some.fills {
				fills[i] += n
			}
		}
		switch {
		case err == io.EOF && at < l.rows:
			return data.Set{}, changed(l.file)
		case err == io.EOF:
			return set, l.impute(set, fills)
		case err != nil:
			return data.Set{}, moved(err, at)
		}
		l.progress()
	}
}

// source makes windows where they are wanted, and names all.
func (l *loading) source(set data.Set) (*data.Source, error) {
	form := l.form
	s := &data.Source{Name: l.file, Train: set, Form: data.Form{Columns: form.Columns(), Classes: l.labels, Table: &form}}
	if form.Window > 0 {
		var err error
		if s.Train, err = Windows(set, form.Window, form.Step); err != nil {
			return nil, fmt.Errorf("%w, in %s", err, l.file)
		}
		s.Columns = windowNames(s.Columns, form.Window)
		l.found = append(l.found, fmt.Sprintf("%d lines become %d windows of %d lines, a step of %d between them", set.N, s.Train.N, form.Window, form.Step))
	}
	for _, note := range l.found {
		s.Notes = append(s.Notes, path.Base(l.file)+": "+note)
	}
	return s, s.Validate()
}

func noRows(file string) error {
	return &data.FormatError{File: file, Problem: "no row", Want: "at least one", Got: "none, or a header alone", Advice: "check that it is the right file"}
}

func changed(file string) error {
	return fmt.Errorf("table: %s: it has another number of rows than a moment ago; leave the file alone while it is read", file)
}

// tooSmall refuses rows in which there is nothing to compress.
func tooSmall(file string, width int) error {
	if width > 1 {
		return nil
	}
	return fmt.Errorf("table: %s: rows of one value; want at least two in a row, so that there is something to compress: take more columns, or windows of several lines", file)
}

// fits says that rows are more than memory holds.
func fits(file string, rows, width int) error {
	err := room(rows, width)
	if err == nil {
		return nil
	}
	return fmt.Errorf("table: %s: %d rows of %d values: %w; take fewer rows or columns, or save the values as a .npy array of float32, which can stay in its file", file, rows, width, err)
}

// room asks for the memory of rows of float32.
func room(rows, width int) error {
	const float, most = 4, math.MaxInt / 8
	if rows > 0 && width > most/rows {
		return &memory.Error{Bytes: math.MaxInt64, Err: errors.New("larger than any memory")}
	}
	return memory.Fits(float * uint64(rows) * uint64(width))
}
