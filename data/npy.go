package data

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"unsafe"
)

// ReadNPY reads a NumPy array, plain or in gzip, to its end: (N,W) are vectors,
// (N,H,W) images, (N,C,H,W) images with channels, or with channels last as in
// [ReadImages], in C order. uint8 stay bytes and float32 what they are; bool,
// float16, float64 and other whole numbers become float32, and a value that
// float32 cannot reach is an error. Errors are those of [ReadImages].
func ReadNPY(r io.Reader, name string) (Rows, error) {
	rows, _, err := readNPY(r, name)
	return rows, err
}

// readNPY also returns notes, without the array's name.
func readNPY(r io.Reader, name string) (rows Rows, notes []string, err error) {
	s, err := newStream(r, name)
	if err != nil {
		return Rows{}, nil, err
	}
	h, err := s.npyHead()
	if err != nil {
		return Rows{}, nil, err
	}
	if rows, notes, err = s.npyRows(h); err == nil && len(h.shape) == mostRank {
		notes = append(notes, arranged(h.shape))
	}
	return rows, notes, err
}

// npyRows reads the values behind a header.
func (s *stream) npyRows(h npyHeader) (rows Rows, notes []string, err error) {
	if rows, err = h.rows(s.name); err != nil {
		return rows, nil, err
	}
	count := rows.N * rows.Size()
	switch h.descr {
	case "|u1":
		rows.Bytes, err = s.body(count)
	case "<f4":
		var raw []byte
		if raw, err = s.body(floatBytes * count); err == nil {
			rows.Floats = floatsOf(raw)
		}
	default:
		rows.Floats, notes, err = s.narrowed(h.element(), count, rows.Shape)
	}
	if err != nil {
		return rows, nil, err
	}
	h.arrange(rows)
	return rows, notes, s.end()
}

// channelsLast says that an array's images have their channels last.
func (h npyHeader) channelsLast() bool {
	return len(h.shape) == mostRank && channelsLast(h.shape[1], h.shape[3])
}

// arrange puts the channels of rows first, in place, where they are last.
func (h npyHeader) arrange(rows Rows) {
	if h.channelsLast() {
		transpose(rows.Bytes, rows.H*rows.W, rows.C)
		transpose(rows.Floats, rows.H*rows.W, rows.C)
	}
}

// rows returns the shape of the rows that a header describes, without values.
func (h npyHeader) rows(name string) (Rows, error) {
	refuse := func(problem, want, got, advice string) (Rows, error) {
		return Rows{}, &UnsupportedError{File: name, Problem: problem, Want: want, Got: got, Advice: advice}
	}
	size := h.valueBytes()
	shape := tuple(h.shape)
	switch {
	case size == 0:
		return refuse("element type", "little-endian numbers such as float32 (<f4), float64 (<f8) or uint8 (|u1)", fmt.Sprintf("%q", h.descr), asFloat32)
	case h.fortran:
		return refuse("order", "C order, a row's values together", "Fortran order", "save it with numpy.save(name, numpy.ascontiguousarray(a))")
	case len(h.shape) < 2 || len(h.shape) > mostRank:
		return refuse("shape", "(rows, values), (rows, height, width) or (rows, channels, height, width)", shape, "reshape it")
	case h.shape[0] == 0:
		return refuse("shape", "at least one row", shape, "check what was saved")
	}
	var rows Rows
	if len(h.shape) == 2 {
		rows = Rows{N: h.shape[0], Shape: Shape{W: h.shape[1]}}
	} else {
		rows = Rows{N: h.shape[0], Shape: imageShape(h.shape)}
	}
	total, ok := product(append([]int{size}, h.shape...)...)
	switch {
	case !ok || total > math.MaxInt-mostNPYText || rows.N > math.MaxInt32:
		return refuse("shape", fmt.Sprintf("sizes of at least 1, in memory's reach, and at most %d rows", math.MaxInt32), shape, saveAgain)
	case rows.Size() == 1:
		return refuse("shape", "at least two values in a row, so that there is something to compress", shape, "check what was saved")
	}
	return rows, nil
}

// tuple is a shape as Python writes it.
func tuple(dims []int) string {
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(dims), " ", ", "), "[]")
	if len(dims) == 1 {
		text += ","
	}
	return "(" + text + ")"
}

// floatsOf returns little-endian bytes as float32, in the same memory where the
// processor can read them there.
func floatsOf(raw []byte) []float32 {
	n := len(raw) / floatBytes
	if canView(raw) {
		return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(raw))), n)
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[floatBytes*i:]))
	}
	return values
}

// canView says that bytes are float32 as they lie in memory.
func canView(raw []byte) bool {
	return littleEndian() && uintptr(unsafe.Pointer(unsafe.SliceData(raw)))%floatBytes == 0
}

func littleEndian() bool { return binary.NativeEndian.Uint16([]byte{1, 0}) == 1 }

// readNPYLabels reads integers (N) or (N,1) as classes.
func readNPYLabels(r io.Reader, name string) ([]byte, error) {
	s, err := newStream(r, name)
	if err != nil {
		return nil, err
	}
	h, err := s.npyHead()
	if err != nil {
		return nil, err
	}
	width := map[string]int{"|u1": 1, "|i1": 1, "<u2": 2, "<i2": 2, "<u4": 4, "<i4": 4, "<u8": 8, "<i8": 8}[h.descr]
	if width == 0 || len(h.shape) != 1 && (len(h.shape) != 2 || h.shape[1] != 1) {
		return nil, &UnsupportedError{
			File: name, Problem: "labels", Want: "whole numbers (rows,)", Got: fmt.Sprintf("%q %s", h.descr, tuple(h.shape)),
			Advice: "save one class a row, as a.astype('uint8'), or leave the labels out",
		}
	}
	size, ok := product(width, h.shape[0])
	if !ok {
		return nil, &UnsupportedError{File: name, Problem: "labels", Want: "at least one row", Got: tuple(h.shape), Advice: saveAgain}
	}
	raw, err := s.body(size)
	if err != nil {
		return nil, err
	}
	labels := make([]byte, h.shape[0])
	for i := range labels {
		var word [8]byte
		copy(word[:], raw[i*width:][:width])
		v := binary.LittleEndian.Uint64(word[:])
		if v > math.MaxUint8 || h.descr == "|i1" && v > math.MaxInt8 {
			return nil, &UnsupportedError{
				File: name, Problem: "class", Want: "0 to 255", Got: fmt.Sprintf("another one in row %d", i), Advice: "number the classes from 0",
			}
		}
		labels[i] = byte(v)
	}
	return labels, s.end()
}
