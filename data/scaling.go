package data

import (
	"fmt"
	"math"
	"slices"
)

// Range is what bytes become: v → Lo + v/255·(Hi−Lo).
type Range struct {
	Lo float32 `json:"lo"`
	Hi float32 `json:"hi"`
}

// Scale returns factor and offset: a byte v becomes v·factor + offset.
func (r Range) Scale() (factor, offset float32) { return (r.Hi - r.Lo) / 255, r.Lo }

// Decode writes bytes as pixels into dst, which is as long as src.
func (r Range) Decode(dst []float32, src []byte) {
	factor, offset := r.Scale()
	for i, v := range src {
		dst[i] = float32(float32(v)*factor) + offset // no fused multiply-add: the same bits everywhere
	}
}

func (r Range) String() string { return fmt.Sprintf("[%g,%g]", r.Lo, r.Hi) }

// Scale is a way to scale rows.
type Scale string

// The ways to scale. All but the first have for each column, or for all values
// of an image together, a shift and a factor: x → (x − shift)·factor.
const (
	ScaleRange    Scale = "range"    // bytes become pixels of a range, as images do
	ScaleNone     Scale = "none"     // values stay as they are
	ScaleMinMax   Scale = "minmax"   // the least and the greatest value become the ends of a range
	ScaleStandard Scale = "standard" // mean 0, standard deviation 1
)

// Scales returns the ways that a user may choose.
func Scales() []Scale { return []Scale{ScaleNone, ScaleMinMax, ScaleStandard} }

// Scaling is what a network reads of rows: a way, fitted on training rows.
type Scaling struct {
	Kind Scale `json:"kind"`
	// Pixels is the range of ScaleRange and of ScaleMinMax.
	Pixels Range `json:"pixels,omitzero"`
	// Shift and Factor have one value for each column, or one for all; none
	// for ScaleRange and ScaleNone.
	Shift  []float32 `json:"shift,omitempty"`
	Factor []float32 `json:"factor,omitempty"`
}

// PixelScaling is that of bytes that become pixels of a range.
func PixelScaling(r Range) Scaling { return Scaling{Kind: ScaleRange, Pixels: r} }

func (s Scaling) String() string {
	switch s.Kind {
	case ScaleRange:
		return "pixels " + s.Pixels.String()
	case ScaleMinMax:
		return "scale minmax " + s.Pixels.String()
	}
	return "scale " + string(s.Kind)
}

// Read writes row i of rows into dst as a network reads it; dst is as long as
// the row.
func (s Scaling) Read(dst []float32, rows Rows, i int) {
	switch {
	case !rows.IsBytes():
		copy(dst, rows.FloatRow(i))
	case s.Kind == ScaleRange:
		s.Pixels.Decode(dst, rows.ByteRow(i))
		return
	default:
		for j, v := range rows.ByteRow(i) {
			dst[j] = float32(v)
		}
	}
	s.Apply(dst)
}

// Apply scales whole rows of values in place. Pixels are as they should be.
func (s Scaling) Apply(values []float32) {
	switch len(s.Factor) {
	case 0:
	case 1:
		shift, factor := s.Shift[0], s.Factor[0]
		for i, v := range values {
			values[i] = (v - shift) * factor
		}
	default:
		width := len(s.Factor)
		for ; len(values) >= width; values = values[width:] {
			row, shift := values[:width], s.Shift[:width]
			for i, factor := range s.Factor {
				row[i] = (row[i] - shift[i]) * factor
			}
		}
	}
}

// Undo brings whole rows that a network rebuilt back to where its rows came
// from, in place. Pixels stay pixels.
func (s Scaling) Undo(values []float32) {
	if len(s.Factor) == 0 {
		return
	}
	width := len(s.Factor)
	for i, v := range values {
		values[i] = float32(v/s.Factor[i%width]) + s.Shift[i%width]
	}
}

// Columns returns shift and factor of each of width columns.
func (s Scaling) Columns(width int) (shift, factor []float32) {
	switch len(s.Factor) {
	case 0:
		return make([]float32, width), slices.Repeat([]float32{1}, width)
	case 1:
		return slices.Repeat(s.Shift, width), slices.Repeat(s.Factor, width)
	}
	return s.Shift, s.Factor
}

// Validate says what is wrong with a scaling of rows of width values.
func (s Scaling) Validate(width int) error {
	fitted := s.Kind == ScaleMinMax || s.Kind == ScaleStandard
	if !fitted && s.Kind != ScaleRange && s.Kind != ScaleNone {
		return fmt.Errorf("data: unknown scaling %q; want one of %q", s.Kind, append(Scales(), ScaleRange))
	}
	n := len(s.Factor)
	if n != len(s.Shift) || fitted && n != 1 && n != width || !fitted && n != 0 {
		return fmt.Errorf("data: scaling %s: %d shifts and %d factors; want one each, or %d for as many columns", s.Kind, len(s.Shift), n, width)
	}
	for i, f := range s.Factor {
		if f == 0 || !finite(f) || !finite(s.Shift[i]) {
			return fmt.Errorf("data: scaling %s: column %d: shift %g, factor %g; want finite numbers, the factor not 0", s.Kind, i, s.Shift[i], f)
		}
	}
	if span := s.Pixels.Hi - s.Pixels.Lo; s.Kind == ScaleRange && (!(span > 0) || !finite(span)) {
		return fmt.Errorf("data: pixels in %v; want finite Lo < Hi, such as [0,1]", s.Pixels)
	}
	return nil
}

// Check says why rows are none that a network of a shape reads by s.
func (s Scaling) Check(rows Rows, width int) error {
	if got := rows.Size(); got != width && rows.N > 0 {
		return fmt.Errorf("want rows of %d values, got rows of %d (%v)", width, got, rows.Shape)
	}
	if values := len(rows.Bytes) + len(rows.Floats); values != rows.N*width {
		return fmt.Errorf("want %d rows of %d values, got %d values in all", rows.N, width, values)
	}
	if !rows.IsBytes() && s.Kind == ScaleRange {
		return fmt.Errorf("want bytes, which become pixels in %v, got float32", s.Pixels)
	}
	return nil
}

func finite(v float32) bool { return v-v == 0 }

// Fit returns a scaling of rows of a shape by what was measured of them. An
// image's values have one shift and one factor, so that it stays a picture. A
// column that is constant, or whose span is below the normal numbers of float32,
// becomes 0: its factor is 1. Pixels is the range of
// ScaleMinMax.
func (k Scale) Fit(m *Measured, shape Shape, pixels Range) (Scaling, error) {
	s := Scaling{Kind: k}
	switch k {
	case ScaleNone:
		return s, nil
	case ScaleMinMax:
		s.Pixels = pixels
	case ScaleStandard:
	default:
		return s, fmt.Errorf("data: no scaling %q can be fitted; want one of %q", k, Scales())
	}
	columns := m.Columns
	if !shape.IsVector() {
		columns = []Column{m.All()}
	}
	for i, c := range columns {
		if c.Max-c.Min > math.MaxFloat32 {
			return s, fmt.Errorf("data: column %d: values from %g to %g; want a span that float32 holds", i, c.Min, c.Max)
		}
		shift, factor := c.Mean, 1/c.Deviation
		if k == ScaleMinMax {
			factor = float64(pixels.Hi-pixels.Lo) / (c.Max - c.Min)
			shift = c.Min - float64(pixels.Lo)/factor
		}
		if f := float32(factor); c.Max-c.Min < LeastNormal || !(factor > 0) || !finite(f) || f == 0 {
			shift, factor = c.Min, 1
		}
		s.Shift, s.Factor = append(s.Shift, float32(shift)), append(s.Factor, float32(factor))
	}
	return s, nil
}
