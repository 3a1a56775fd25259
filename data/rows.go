// Package data has rows to train on and the batches made from them: readers of
// IDX and NumPy files, what values become for a network, the splits, and a
// loader that decodes ahead.
//
// Shapes: N rows, C,H,W an image, P values in a row, B batch. Rows stay as they
// are in their file until a batch needs them.
package data

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"
)

// Shape is that of a row: channels, height and width of an image; a vector has
// a width alone, and its C and H are 0.
type Shape struct{ C, H, W int }

// Size returns P, the values in a row.
func (s Shape) Size() int {
	if s.IsVector() {
		return s.W
	}
	return s.C * s.H * s.W
}

// IsVector says that a row is a vector.
func (s Shape) IsVector() bool { return s.C == 0 && s.H == 0 }

// dims are the sizes that a shape has.
func (s Shape) dims() []int {
	if s.IsVector() {
		return []int{s.W}
	}
	return []int{s.C, s.H, s.W}
}

func (s Shape) String() string {
	switch {
	case s.IsVector():
		return fmt.Sprintf("%d values", s.W)
	case s.C == 1:
		return fmt.Sprintf("%d×%d", s.H, s.W)
	}
	return fmt.Sprintf("%d channels of %d×%d", s.C, s.H, s.W)
}

// Rows is N rows of one shape, one after the other: bytes, or float32 where
// Bytes is nil. They may lie in memory or be mapped from a file.
type Rows struct {
	N int
	Shape
	Bytes  []byte    // (N, P)
	Floats []float32 // (N, P)
}

// Images makes rows of images of bytes, one after the other.
func Images(pixels []byte, channels, height, width int) (Rows, error) {
	return newRows(Rows{Shape: Shape{channels, height, width}, Bytes: pixels}, len(pixels))
}

// Vectors makes rows of float32 values, width a row, one after the other.
func Vectors(values []float32, width int) (Rows, error) {
	return newRows(Rows{Shape: Shape{W: width}, Floats: values}, len(values))
}

// Matrix makes vectors of a slice for each row; the values are copied.
func Matrix(rows [][]float32) (Rows, error) {
	var values []float32
	width := 0
	for i, row := range rows {
		if i == 0 {
			width = len(row)
			values = make([]float32, 0, len(rows)*width)
		}
		if len(row) != width {
			return Rows{}, fmt.Errorf("data: row %d has %d values; want %d as in row 0", i, len(row), width)
		}
		values = append(values, row...)
	}
	return Vectors(values, width)
}

// newRows works out how many rows so many values are.
func newRows(r Rows, values int) (Rows, error) {
	size, ok := product(r.dims()...)
	if !ok || values == 0 || values%size != 0 {
		return Rows{}, fmt.Errorf("data: %d values in rows of %v; want whole rows, at least one", values, r.Shape)
	}
	r.N = values / size
	return r, r.Validate()
}

// Len returns N.
func (r Rows) Len() int { return r.N }

// IsBytes says that values are bytes.
func (r Rows) IsBytes() bool { return r.Floats == nil }

// ByteRow returns row i of bytes, which shares memory with r. Like an index, i
// must be in [0, N).
func (r Rows) ByteRow(i int) []byte {
	p := r.Size()
	return r.Bytes[i*p : (i+1)*p : (i+1)*p]
}

// FloatRow returns row i of float32 values, as ByteRow does.
func (r Rows) FloatRow(i int) []float32 {
	p := r.Size()
	return r.Floats[i*p : (i+1)*p : (i+1)*p]
}

// Memory returns all values as they lie in memory.
func (r Rows) Memory() []byte {
	if r.IsBytes() {
		return r.Bytes
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(r.Floats))), floatBytes*len(r.Floats))
}

// floatBytes is the size of a float32.
const floatBytes = 4

// RowBytes returns the memory of one row.
func (r Rows) RowBytes() int {
	if r.IsBytes() {
		return r.Size()
	}
	return floatBytes * r.Size()
}

// Slice returns rows from to to-1, which share memory with r. The bounds are
// those of a slice expression: 0 ≤ from ≤ to ≤ N.
func (r Rows) Slice(from, to int) Rows {
	p := r.Size()
	if r.IsBytes() {
		r.Bytes = r.Bytes[from*p : to*p : to*p]
	} else {
		r.Floats = r.Floats[from*p : to*p : to*p]
	}
	r.N = to - from
	return r
}

// Set is rows with their labels.
type Set struct {
	Rows
	Labels []byte // (N), nil where there are none
}

// Slice returns rows from to to-1, which share memory with s. The bounds are
// those of a slice expression: 0 ≤ from ≤ to ≤ N.
func (s Set) Slice(from, to int) Set {
	s.Rows = s.Rows.Slice(from, to)
	if s.Labels != nil {
		s.Labels = s.Labels[from:to:to]
	}
	return s
}

// Source is what there is to train on: a training set, and sets to
// validate on and to test with whose rows are alike. Without one, Val or Test is
// the zero Set.
type Source struct {
	Name        string // such as the file that it was read from
	Train, Test Set
	Val         Set      // to validate on, where there is a set for it
	Form                 // how the rows were made of what they were read from
	Notes       []string // what a reader decided that its user should know, a line each

	mappings []mapping // of files that rows lie in
}

// String is what errors call a source: its name, quoted where a line cannot
// show it as it is.
func (s *Source) String() string {
	if strings.ContainsFunc(s.Name, func(r rune) bool { return !unicode.IsPrint(r) }) || !utf8.ValidString(s.Name) {
		return strconv.Quote(s.Name)
	}
	return cmp.Or(s.Name, "the source")
}

// Close gives mapped files back; the rows must not be touched any more.
func (s *Source) Close() error {
	var errs []error
	for i := range s.mappings {
		errs = append(errs, s.mappings[i].close())
	}
	s.mappings = nil
	return errors.Join(errs...)
}

// Mapped says that the training rows lie in a file, of which memory holds what
// was used lately: their order should go through it piece by piece.
func (s *Source) Mapped() bool {
	rows := s.Train.Memory()
	return len(rows) > 0 && slices.ContainsFunc(s.mappings, func(m mapping) bool {
		return holds(m.bytes, uintptr(unsafe.Pointer(unsafe.SliceData(rows))))
	})
}

// holds says that an address lies in memory.
func holds(memory []byte, address uintptr) bool {
	start := uintptr(unsafe.Pointer(unsafe.SliceData(memory)))
	return address >= start && address-start < uintptr(len(memory))
}
