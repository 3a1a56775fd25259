package aegis

import (
	"context"
	"errors"
	"fmt"
	"io"

	"aegis/data"
	"aegis/data/mnist"
	"aegis/internal/session"
)

// DataOptions says how data are opened beside what a configuration says.
type DataOptions struct {
	// Cache is a folder for images that do not fit into memory once they are
	// decoded; empty: such a set is an error.
	Cache string
	// Progress hears how much of what was read; it may be nil.
	Progress func(what string, done, of int)
}

// OpenData opens what a configuration's Data names, as its Reading says.
func OpenData(_ context.Context, c Config, _ DataOptions) (*data.Source, error) {
	if c.Data == "" || c.Data == data.MNIST {
		return mnist.Load()
	}
	return data.Open(string(c.Data))
}

// RowOptions says how rows are read for a model beside what it knows of those
// that it was trained on; each may be empty.
type RowOptions struct {
	Set                        string    // one of Sets; empty: the test set or, without one, all
	Label                      string    // the column of a table with each row's class
	Header, Delimiter, Decimal string    // as in Reading
	Keys                       string    // as in Reading
	Strict                     bool      // an image that cannot be read is an error
	Stdin                      io.Reader // what "-" reads; nil: standard input
	Progress                   func(what string, done, of int)
}

// OpenRows reads rows for the model out of what a user names: they are made as
// those that it was trained on were.
func (m *Model) OpenRows(ctx context.Context, what string, o RowOptions) (data.Reader, error) {
	src, err := OpenData(ctx, Config{Data: Path(what)}, DataOptions{})
	if err != nil {
		return nil, err
	}
	from, rows, err := session.Pick(Config{}, src, o.Set)
	if err != nil {
		return nil, err
	}
	return data.NewPickReader(from, rows), nil
}

// OpenCodes reads codes for the model, rows of as many values as a code has:
// the columns z1, z2, … of a table, or all columns of a .npy.
func (m *Model) OpenCodes(ctx context.Context, what string, o RowOptions) (data.Reader, error) {
	rows, err := m.OpenRows(ctx, what, o)
	if err != nil {
		return nil, err
	}
	if z := m.Spec().Latent; rows.Shape() != (data.Shape{W: z}) {
		return nil, errors.Join(fmt.Errorf("aegis: %s: want rows of %d values, which are codes, got %v", what, z, rows.Shape()), rows.Close())
	}
	return rows, nil
}
