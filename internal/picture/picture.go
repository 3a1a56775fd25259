// Package picture says what is to be seen of models and runs: their losses, codes,
// reconstructions, filters, traversals and heat. Package report draws it.
package picture

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"aegis/data"
	"aegis/internal/infer"
	"aegis/internal/report"
	"aegis/model"
)

// Format is how a picture is written.
type Format string

// The formats.
const (
	PNG Format = "png"
	SVG Format = "svg" // with what is an image in it pixel by pixel
)

// FormatOf returns the format that a file's name ends in.
func FormatOf(path string) (Format, error) {
	switch f := Format(strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))); f {
	case PNG, SVG:
		return f, nil
	}
	return "", fmt.Errorf("aegis: %s: want a name that ends in .png or .svg", path)
}

// PlotOptions are those of every picture.
type PlotOptions struct {
	Title  string // empty: one that says what is to be seen
	Format Format // empty: PNG
}

func (o PlotOptions) format() report.Format { return report.Format(o.Format) }

// title is what a user chose, or what says what is to be seen.
func (o PlotOptions) title(format string, args ...any) string {
	if o.Title != "" {
		return o.Title
	}
	return fmt.Sprintf(format, args...)
}

// plotted says of which picture an error is.
func plotted(what string, err error) error {
	if err != nil {
		return fmt.Errorf("aegis: plot %s: %w", what, err)
	}
	return nil
}

// drawn are the images of values that the model returns, of pixels from 0 to 255
// as its Bytes has them.
func drawn(m *infer.Model, values []float32) ([][]float32, error) {
	pixels, err := m.Bytes(values)
	if err != nil {
		return nil, err
	}
	images, size := [][]float32(nil), sizeOf(m.Spec())
	for ; len(pixels) > 0; pixels = pixels[size:] {
		image := make([]float32, size)
		for i, v := range pixels[:size] {
			image[i] = float32(v)
		}
		images = append(images, image)
	}
	return images, nil
}

// drawnAs is the form of those.
func drawnAs(spec model.Spec) report.Pixels {
	image := spec.Image
	return report.Pixels{C: image[0], H: image[1], W: image[2], Lo: 0, Hi: 255}
}

// isVector says that the network's rows are no images.
func isVector(spec model.Spec) bool { return spec.Image[0] == 0 }

// sizeOf is how many values a row of the network has.
func sizeOf(spec model.Spec) int {
	image := spec.Image
	return data.Shape{C: image[0], H: image[1], W: image[2]}.Size()
}

// values returns rows in the units in which the model returns them.
func values(m *infer.Model, rows data.Rows) []float32 {
	if !rows.IsBytes() {
		return rows.Floats[:rows.N*rows.Size()]
	}
	lo, hi := m.Pixels()
	out := make([]float32, rows.N*rows.Size())
	data.Range{Lo: lo, Hi: hi}.Decode(out, rows.Bytes[:len(out)])
	return out
}

// readSome reads at most n rows from the beginning of a reader into memory; none
// at all are an error.
func readSome(rows data.Reader, n int) (data.Set, error) {
	s := data.Set{Rows: data.Rows{Shape: rows.Shape()}}
	for s.N < n {
		c, err := rows.Next(n - s.N)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s, err
		}
		s.N += c.N
		s.Bytes, s.Floats, s.Labels = append(s.Bytes, c.Bytes...), append(s.Floats, c.Floats...), append(s.Labels, c.Labels...)
	}
	if s.N == 0 {
		return s, errors.New("aegis: plot: no rows; want at least one")
	}
	return s, nil
}
