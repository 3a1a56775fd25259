package aegis

import (
	"context"
	"io"

	"aegis/data"
	"aegis/internal/compress"
)

// Compression says what came of rows that were compressed.
type Compression = compress.Report

// Compress writes rows, to the reader's end, as their codes: each value in 8 bits
// between the least and the greatest of its place in a block of rows, and
// Huffman-coded. Progress, which may be nil, hears how many rows of how many are
// done.
func (m *Model) Compress(ctx context.Context, w io.Writer, rows data.Reader, progress func(done, of int)) (*Compression, error) {
	if err := haveWriter("compress", w); err != nil {
		return nil, err
	}
	if err := haveRows("compress", rows); err != nil {
		return nil, err
	}
	if err := m.loaded().Ready(ctx); err != nil {
		return nil, err
	}
	return compress.Write(ctx, m.model, w, rows, progress)
}

// Decompress reads what [Model.Compress] wrote: what the model makes of each
// row's code, in order. Rows that another model compressed are an error that wraps
// [ErrOtherModel]. A file that is damaged anywhere is an error, before any
// row of the damaged block is given.
func (m *Model) Decompress(ctx context.Context, r io.Reader) (data.Reader, error) {
	if err := haveReader("decompress", r); err != nil {
		return nil, err
	}
	if err := m.loaded().Ready(ctx); err != nil {
		return nil, err
	}
	rows, err := compress.NewReader(ctx, m.model, r)
	if err != nil { // a nil of another type is no nil
		return nil, err
	}
	return rows, nil
}
