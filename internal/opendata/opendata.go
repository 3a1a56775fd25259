// Package opendata opens data: what a run is trained on, rows and codes for a model
// that is used, and the sets of a run, divided as when it was trained.
package opendata

import (
	"context"
	"errors"
	"fmt"
	"io"

	"aegis/data"
	"aegis/data/dataset"
	"aegis/internal/session"
	"aegis/model"
)

// Options says how data are opened beside what a configuration says.
type Options struct {
	// Cache is a folder for images that do not fit into memory once they are
	// decoded, or whose decoding takes seconds; "": the first are an error.
	Cache string
	// Progress hears what is going on, such as decoding, and how much of how much
	// is done; it may be nil.
	Progress func(what string, done, of int)
}

// Open opens what a configuration's Data names, as its Reading says: the embedded
// MNIST where it is empty; else mnist, fashion-mnist, "-" for standard input, or a
// path, as [dataset.Open] takes it.
func Open(ctx context.Context, c session.Config, o Options) (*data.Source, error) {
	if err := session.CheckContext(ctx); err != nil {
		return nil, err
	}
	if c.Data == data.NoData && data.IsName(data.NoData) {
		return nil, errors.New("aegis: the run was trained on rows that a program had, or was imported: it has no data of its own; name the data")
	}
	r := c.Reading
	opt := dataset.Options{
		Height: r.Size.Height, Width: r.Size.Width, Fit: r.ImageFit, Gray: r.Gray, Strict: r.Strict, Cache: o.Cache,
		Columns: r.Columns, Drop: r.Drop, Label: r.Label, Header: r.Header, Delimiter: r.Delimiter, Decimal: r.Decimal,
		Impute: r.Impute, Window: r.Window.Lines, Step: r.Window.Step, Progress: o.Progress,
	}
	var err error
	if opt.Keys, err = parseKeys(r.Keys); err != nil {
		return nil, err
	}
	initial, err := c.InitialModel()
	if err != nil {
		return nil, err
	}
	if initial != nil { // its rows are read as those that it was trained on
		opt.Form, opt.Shape = &initial.Form, data.Shape{C: initial.Image[0], H: initial.Image[1], W: initial.Image[2]}
	}
	return dataset.Open(ctx, string(c.Data), opt)
}

func parseKeys(text string) (data.Keys, error) {
	if text == "" {
		return nil, nil
	}
	keys, err := data.ParseKeys(text)
	if err != nil {
		return nil, &session.ConfigError{Err: err}
	}
	return keys, nil
}

// RowOptions says how rows are read for a model beside what it knows of those
// that it was trained on; each may be empty.
type RowOptions struct {
	Set                        string    // one of the session's; empty: the test set or, without one, all
	Label                      string    // the column of a table with each row's class; empty: the model's, where it is there
	Header, Delimiter, Decimal string    // as in a Reading
	Keys                       string    // as in a Reading
	Strict                     bool      // an image that cannot be read is an error
	Lines                      bool      // of a model of windows: the lines of the table, each a row
	Stdin                      io.Reader // what "-" reads; nil: standard input
	Progress                   func(what string, done, of int)
}

func (o RowOptions) options() (dataset.Options, error) {
	keys, err := parseKeys(o.Keys)
	return dataset.Options{
		Label: o.Label, Header: o.Header, Delimiter: o.Delimiter, Decimal: o.Decimal,
		Strict: o.Strict, Keys: keys, Stdin: o.Stdin, Progress: o.Progress,
	}, err
}

// Rows reads rows for a network out of what a user names: they are made as those
// that it was trained on were.
func Rows(ctx context.Context, spec model.Spec, what string, o RowOptions) (data.Reader, error) {
	opt, err := o.options()
	if err != nil {
		return nil, err
	}
	form, shape := spec.Form, data.Shape{C: spec.Image[0], H: spec.Image[1], W: spec.Image[2]}
	if form.Table != nil {
		table := *form.Table
		if o.Lines && table.Window > 0 {
			shape.W /= table.Window
			table.Window, table.Step, form.Columns = 0, 0, table.Columns()
		}
		form.Table = &table
	}
	opt.Form, opt.Shape = &form, shape
	opt.OtherClasses = spec.Condition == "" // which would have to know them
	return dataset.NewReader(ctx, what, o.Set, opt)
}

// Codes reads codes for a network, rows of as many values as a code has: the
// columns z1, z2, … of a table, or all columns of a .npy.
func Codes(ctx context.Context, spec model.Spec, what string, o RowOptions) (data.Reader, error) {
	opt, err := o.options()
	if err != nil {
		return nil, err
	}
	z := spec.Latent
	fields := make([]data.Field, z)
	for i := range fields {
		fields[i].Name = fmt.Sprintf("z%d", i+1)
	}
	opt.Form, opt.OtherClasses = &data.Form{Table: &data.TableForm{Fields: fields}}, true
	rows, err := dataset.NewReader(ctx, what, o.Set, opt)
	if err != nil {
		return nil, fmt.Errorf("aegis: open codes, rows of %d values: %w", z, err)
	}
	if rows.Shape() != (data.Shape{W: z}) {
		return nil, errors.Join(fmt.Errorf("aegis: %s: want rows of %d values, which are codes, got %v", what, z, rows.Shape()), rows.Close())
	}
	return rows, nil
}
