package aegis

import (
	"context"
	"errors"
	"fmt"
	"io"

	"aegis/data"
	"aegis/data/dataset"
	"aegis/internal/session"
)

// DataOptions says how data are opened beside what a configuration says.
type DataOptions struct {
	// Cache is a folder for images that do not fit into memory once they are
	// decoded, or whose decoding takes seconds; "": the first are an error.
	Cache string
	// Progress hears what is going on, such as decoding, and how much of how much
	// is done; it may be nil.
	Progress func(what string, done, of int)
}

// OpenData opens what a configuration's Data names, as its Reading says: the
// embedded MNIST where it is empty; else mnist, fashion-mnist, "-" for standard
// input, or a path, as [dataset.Open] takes it.
func OpenData(ctx context.Context, c Config, o DataOptions) (*data.Source, error) {
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
		return nil, &ConfigError{Err: err}
	}
	return keys, nil
}

// RowOptions says how rows are read for a model beside what it knows of those
// that it was trained on; each may be empty.
type RowOptions struct {
	Set                        string    // one of Sets; empty: the test set or, without one, all
	Label                      string    // the column of a table with each row's class; empty: the model's, where it is there
	Header, Delimiter, Decimal string    // as in Reading
	Keys                       string    // as in Reading
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

// OpenRows reads rows for the model out of what a user names: they are made as
// those that it was trained on were.
func (m *Model) OpenRows(ctx context.Context, what string, o RowOptions) (data.Reader, error) {
	if err := m.loaded().Ready(ctx); err != nil {
		return nil, err
	}
	opt, err := o.options()
	if err != nil {
		return nil, err
	}
	spec := m.Spec()
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

// OpenCodes reads codes for the model, rows of as many values as a code has:
// the columns z1, z2, … of a table, or all columns of a .npy.
func (m *Model) OpenCodes(ctx context.Context, what string, o RowOptions) (data.Reader, error) {
	if err := m.loaded().Ready(ctx); err != nil {
		return nil, err
	}
	opt, err := o.options()
	if err != nil {
		return nil, err
	}
	z := m.Spec().Latent
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
