package aegis

import (
	"context"
	"io"

	"aegis/data"
	"aegis/internal/picture"
)

// Bytes turns rows as [Model.Reconstruct] and [Model.Decode] return them into
// bytes: 0 is black and 255 white, what is beyond is cut off. Of images that were
// standardised these are three deviations below and above the mean. Of a model
// of vectors it is an error.
func (m *Model) Bytes(values []float32) ([]byte, error) { return m.loaded().Bytes(values) }

// WriteImage writes one image of a model, of bytes (C,H,W), as PNG: grey of one
// channel, colours of three; of others the first.
func (m *Model) WriteImage(w io.Writer, pixels []byte) error {
	if err := haveWriter("write an image", w); err != nil {
		return err
	}
	return picture.Write(w, m.Spec(), pixels)
}

// WriteSheet writes images of a model, of bytes (n,C,H,W), line by line on one
// picture as PNG, at most 1,024 of them.
func (m *Model) WriteSheet(w io.Writer, pixels []byte, s Sheet) error {
	if err := haveWriter("write a sheet", w); err != nil {
		return err
	}
	return picture.WriteSheet(w, m.Spec(), pixels, s)
}

// WriteHeat writes one map of heat, as [Detector.Heat] gives it (H,W), as PNG:
// black where nothing is strange, then red, yellow and white.
func (d *Detector) WriteHeat(w io.Writer, heat []float32) error {
	if err := haveWriter("write heat", w); err != nil {
		return err
	}
	return picture.WriteHeat(w, d.Model().Spec(), heat)
}

// WriteHeatSheet writes images on one picture as PNG: above each, what the model
// rebuilds of it below, and at the bottom where it is strange. Captions, nil or one
// an image, stand above.
func (d *Detector) WriteHeatSheet(ctx context.Context, w io.Writer, rows data.Rows, captions []string, labels ...byte) error {
	if err := haveWriter("write a sheet of heat", w); err != nil {
		return err
	}
	return picture.WriteHeatSheet(ctx, w, d.fitted(), d.Model().loaded(), rows, captions, labels...)
}
