// Package compress keeps rows as the codes that a model has of them: in 8 bits a
// value, entropy-coded. What is read again is what the model makes of such a
// code.
//
// Shapes: n rows, P values in a row, Z a code.
package compress

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"

	"aegis/data"
	"aegis/internal/codec"
	"aegis/internal/infer"
)

// Report says what came of rows. Errors are of what is read again, of images
// of pixels from 0 to 1, of vectors of values as the network reads them.
type Report struct {
	Rows  int   `json:"rows"`
	Raw   int64 `json:"raw_bytes"` // of the rows, as they lie in memory
	Bytes int64 `json:"bytes"`     // of the file
	// MSE is the mean squared error of what is read again, and Codes that of
	// codes that were not quantised.
	MSE   float64 `json:"mse"`
	Codes float64 `json:"mse_of_codes"`
	// PSNR is 10·log₁₀(1/MSE) of images, in decibels.
	PSNR *float64 `json:"psnr,omitempty"`
}

// blockBytes bounds the rows that are kept until their block is written.
const blockBytes = 64 << 20

// Write writes rows as codes of a model.
func Write(ctx context.Context, m *infer.Model, to io.Writer, rows data.Reader, progress func(done, of int)) (*Report, error) {
	spec := m.Spec()
	if spec.Condition != "" {
		return nil, fmt.Errorf("aegis: compress: %s reads labels: its codes say a row only with the row's class; want a model that reads none", spec.Model)
	}
	fingerprint, err := sum(m)
	if err != nil {
		return nil, err
	}
	counted := &counter{to: to}
	p := &packing{ctx: ctx, model: m, span: 1, shape: rows.Shape()}
	if lo, hi := m.Pixels(); spec.Image[0] > 0 && hi > lo {
		p.span = float64(hi) - float64(lo)
	}
	block := max(1, min(4096, blockBytes/max(1, p.shape.Size())))
	w, err := codec.NewWriter(counted, codec.Header{Model: fingerprint, Z: spec.Latent, Shape: sides(p.shape), BlockRows: block})
	if err != nil {
		return nil, fmt.Errorf("aegis: compress: %w", err)
	}
	w.OnBlock(p.compare)
	if err := p.write(w, rows, block, progress); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("aegis: compress: %w", err)
	}
	return p.report(counted.n), nil
}

// sum is the fingerprint of a model as a file has it.
func sum(m *infer.Model) (fingerprint [32]byte, err error) {
	n, err := hex.Decode(fingerprint[:], []byte(m.Fingerprint()))
	if err != nil || n != len(fingerprint) {
		return fingerprint, errors.New("aegis: the model is empty; want one that was loaded")
	}
	return fingerprint, nil
}

// sides are those of a row's shape.
func sides(s data.Shape) []int {
	if s.IsVector() {
		return []int{s.W}
	}
	return []int{s.C, s.H, s.W}
}

// counter counts the bytes that are written.
type counter struct {
	to io.Writer
	n  int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	c.n += int64(n)
	return n, err
}

// packing is rows on their way to a file. Those of the block in progress wait,
// to be compared with what is read of it.
type packing struct {
	ctx   context.Context // of the call
	model *infer.Model
	span  float64 // of pixels, 1 of vectors
	shape data.Shape

	waiting      data.Rows
	rows, values int
	raw          int64
	squares      float64 // of errors of what is read again
	exact        float64 // and of codes that were not quantised
}

func (p *packing) write(w *codec.Writer, rows data.Reader, block int, progress func(done, of int)) error {
	const most = 2048
	of := data.Len(rows)
	for {
		c, err := rows.Next(min(most, block))
		if errors.Is(err, io.EOF) {
			if p.rows == 0 {
				return errors.New("aegis: compress: no rows; want at least one")
			}
			return nil
		}
		if err != nil {
			return err
		}
		codes, err := p.model.Encode(p.ctx, c.Rows)
		if err != nil {
			return err
		}
		if err := p.add(&p.exact, c.Rows, codes); err != nil {
			return err
		}
		p.rows, p.raw = p.rows+c.N, p.raw+int64(c.N)*int64(c.RowBytes())
		p.waiting.N, p.waiting.Shape = p.waiting.N+c.N, c.Shape
		p.waiting.Bytes, p.waiting.Floats = append(p.waiting.Bytes, c.Bytes...), append(p.waiting.Floats, c.Floats...)
		if err := w.Write(codes); err != nil {
			return fmt.Errorf("aegis: compress: %w", err)
		}
		if progress != nil {
			progress(p.rows, of)
		}
	}
}

// compare adds the errors of a block that was written.
func (p *packing) compare(codes []float32) error {
	n := len(codes) / p.model.Spec().Latent
	err := p.add(&p.squares, p.waiting.Slice(0, n), codes)
	p.values += n * p.shape.Size()
	rest := p.waiting.Slice(n, p.waiting.N)
	p.waiting.Bytes, p.waiting.Floats = append(p.waiting.Bytes[:0], rest.Bytes...), append(p.waiting.Floats[:0], rest.Floats...)
	p.waiting.N = rest.N
	return err
}

// add adds the squared errors of what codes decode to.
func (p *packing) add(sum *float64, rows data.Rows, codes []float32) error {
	const most = 512
	z, scaling := p.model.Spec().Latent, p.model.Scaling()
	for from := 0; from < rows.N; from += most {
		to := min(from+most, rows.N)
		decoded, err := p.model.Decode(p.ctx, codes[from*z:to*z])
		if err != nil {
			return err
		}
		scaling.Apply(decoded)
		values, err := p.model.Values(rows.Slice(from, to))
		if err != nil {
			return err
		}
		for i, want := range values {
			d := float64(decoded[i]) - float64(want)
			*sum += d * d
		}
	}
	return nil
}

func (p *packing) report(bytes int64) *Report {
	scale := 1 / float64(p.values) / p.span / p.span
	r := &Report{Rows: p.rows, Raw: p.raw, Bytes: bytes, MSE: p.squares * scale, Codes: p.exact * scale}
	if !p.shape.IsVector() {
		psnr := -10 * math.Log10(r.MSE)
		r.PSNR = &psnr
	}
	return r
}
