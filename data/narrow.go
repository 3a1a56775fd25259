package data

import (
	"fmt"
	"math"
	"strings"
)

// LeastNormal is the least positive number that float32 holds at its full
// precision; processors may take what is below it for 0.
const LeastNormal = 0x1p-126

// narrowed reads count values of a type as float32, and notes what is lost.
func (s *stream) narrowed(e element, count int, shape Shape) (values []float32, notes []string, err error) {
	const piece = 1 << 13
	want := s.got + e.bytes*count
	s.sized = true
	if s.onDisk >= want {
		room, err := s.buffer(floatBytes * count)
		if err != nil {
			return nil, nil, err
		}
		values = floatsOf(room)[:0]
	}
	spans := newSpans(shape)
	raw := make([]byte, e.bytes*min(piece, count))
	for len(values) < count {
		part := raw[:e.bytes*min(piece, count-len(values))]
		if err := s.fill(part, want); err != nil {
			return nil, nil, err
		}
		if values, err = s.narrow(values, e, part, 0, shape, spans); err != nil {
			return nil, nil, err
		}
	}
	return values, spans.notes(e.name), nil
}

// narrow appends raw values of a type as float32; the first of values is the
// first one of a row, and spans may be nil.
func (s *stream) narrow(values []float32, e element, raw []byte, row int, shape Shape, spans *spans) ([]float32, error) {
	for ; len(raw) > 0; raw = raw[e.bytes:] {
		v := e.value(raw)
		if !finite(float32(v)) && !math.IsInf(v, 0) && !math.IsNaN(v) {
			return nil, &UnsupportedError{
				File: s.name, Problem: "value", Want: fmt.Sprintf("at most %g, as float32 holds", math.MaxFloat32),
				Got:    fmt.Sprintf("%g in row %d, value %d, both counted from 0", v, row+len(values)/shape.Size(), len(values)%shape.Size()),
				Advice: "divide such values, in float64, before they are saved",
			}
		}
		if spans != nil {
			spans.add(len(values), v)
		}
		values = append(values, float32(v))
	}
	return values, nil
}

// span is from the least to the greatest value of a column.
type span struct{ min, max float64 }

func (s *span) add(v float64) { s.min, s.max = min(s.min, v), max(s.max, v) }

// lost says that float32 holds less than some 256 steps of a span.
func (s span) lost() bool {
	const steps = 0x1p-16 // float32 has 24 bits
	width, size := s.max-s.min, max(math.Abs(s.min), math.Abs(s.max))
	return width > 0 && (width < steps*size || size < LeastNormal)
}

// spans are those of the columns; an image has a single one, as in [Scale.Fit].
// They grow with the values that arrive: a header can claim any width.
type spans struct {
	width int
	all   []span
}

func newSpans(shape Shape) *spans {
	if shape.IsVector() {
		return &spans{width: shape.W}
	}
	return &spans{width: 1}
}

// add takes the value at a place of all values, which come in their order.
func (s *spans) add(at int, v float64) {
	column := at % s.width
	if column == len(s.all) {
		s.all = append(s.all, span{math.Inf(1), math.Inf(-1)})
	}
	s.all[column].add(v)
}

// notes says which columns lose what tells their values apart, which had a type.
func (s *spans) notes(from string) []string {
	const most = 3
	var lost []string
	for i, c := range s.all {
		if c.lost() {
			lost = append(lost, fmt.Sprintf("column %d (%.12g to %.12g)", i, c.min, c.max))
		}
	}
	if lost == nil {
		return nil
	}
	return []string{strings.Join(lost[:min(most, len(lost))], ", ") + more(max(0, len(lost)-most)) +
		": " + from + " becomes float32, which hardly tells these values apart; subtract an offset or multiply them, in float64, before they are saved"}
}
