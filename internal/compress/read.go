package compress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"aegis/data"
	"aegis/internal/codec"
	"aegis/internal/infer"
)

// Reader gives what a model makes of compressed rows, in their order, as float32
// in the units that the model's rows came in: pixels of its range.
type Reader struct {
	ctx   context.Context // of the call that opened it
	model *infer.Model
	from  *codec.Reader
	codes []float32
}

// NewReader begins to read what [Write] wrote. A block of rows is checked before
// any of it is given, and the whole file before the reader's end.
func NewReader(ctx context.Context, m *infer.Model, from io.Reader) (*Reader, error) {
	fingerprint, err := sum(m)
	if err != nil {
		return nil, err
	}
	r := &Reader{ctx: ctx, model: m}
	if r.from, err = codec.NewReader(from); err != nil {
		return nil, fmt.Errorf("aegis: decompress: %w", err)
	}
	h := r.from.Header()
	if h.Model != fingerprint || h.Z != m.Spec().Latent || !slices.Equal(h.Shape, sides(r.Shape())) {
		return nil, fmt.Errorf("aegis: decompress: the rows are %w; want the one that compressed them", infer.ErrOtherModel)
	}
	return r, nil
}

// Shape is that of every row.
func (r *Reader) Shape() data.Shape {
	image := r.model.Spec().Image
	return data.Shape{C: image[0], H: image[1], W: image[2]}
}

// Next gives the next rows, at most n.
func (r *Reader) Next(n int) (data.Chunk, error) {
	const most = 1 << 16 // rows at once
	z := r.model.Spec().Latent
	n = min(n, most)
	if want := max(1, n) * z; len(r.codes) < want {
		r.codes = make([]float32, want)
	}
	rows, err := r.from.Read(r.codes[:max(1, n)*z])
	if errors.Is(err, io.EOF) {
		return data.Chunk{}, io.EOF
	}
	if err != nil {
		return data.Chunk{}, fmt.Errorf("aegis: decompress: %w", err)
	}
	decoded, err := r.model.Decode(r.ctx, r.codes[:rows*z])
	if err != nil {
		return data.Chunk{}, err
	}
	return data.Chunk{Set: data.Set{Rows: data.Rows{N: rows, Shape: r.Shape(), Floats: decoded}}}, nil
}

// Close does nothing: who opened what is read closes it.
func (r *Reader) Close() error { return nil }
