// Package table reads tables.
package table

import (
	"context"
	"errors"
	"io"

	"aegis/data"
)

// Options say how the lines of a table become rows.
type Options struct {
	Columns, Drop []string
	Label         string
	Header        string
	Delimiter     string
	Decimal       string
	Impute        string
	Window, Step  int
	Form          *data.TableForm
	Classes       []string
	Progress      func(done, of int)
}

var errStub = errors.New("table: not here yet")

// Is says whether a file that starts so is a table of text.
func Is(_ []byte) bool { return false }

// Open reads a file.
func Open(_ context.Context, _ string, _ Options) (*data.Source, error) { return nil, errStub }

// Read reads text to its end.
func Read(_ context.Context, _ io.Reader, _ string, _ Options) (*data.Source, error) {
	return nil, errStub
}

// NewReader reads text, some lines at a time.
func NewReader(_ context.Context, _ io.Reader, _ string, _ Options) (data.Reader, error) {
	return nil, errStub
}

// NewParquetReader reads a Parquet file, some lines at a time.
func NewParquetReader(_ context.Context, _ io.ReaderAt, _ int64, _ string, _ Options) (data.Reader, error) {
	return nil, errStub
}
