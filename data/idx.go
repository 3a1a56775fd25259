package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// An IDX file is two zero bytes, a byte for the element type, a byte for the
// number of dimensions, each dimension as a big-endian uint32, then the
// elements, the last dimension fastest (Y. LeCun, "The MNIST database").
const (
	unsignedByte = 0x08
	magicSize    = 4
	mostRank     = 4
	maxHeader    = magicSize + 4*mostRank
)

const again = "the file is damaged; get it again"

// form is what a kind of file may have in its header.
type form struct {
	least, most int // dimensions
	types       map[byte]int
	wantTypes   string
	typeAdvice  string
	rankAdvice  string
}

// A type's number is its size in bytes.
var (
	imagesForm = form{
		least: 3, most: 4, // magic 0x00000803: (N,H,W); 0x00000804: with channels
		types: map[byte]int{unsignedByte: 1}, wantTypes: "unsigned byte (0x08)",
		typeAdvice: "save the values as unsigned bytes, 0 to 255",
		rankAdvice: "images have 3 (N,H,W), or 4 with channels, and labels 1 (N); check that the two are not swapped",
	}
	labelsForm = form{
		least: 1, most: 2, // magic 0x00000801: (N); of (N,K) the first column is the class
		types: map[byte]int{unsignedByte: 1, 0x09: 1, 0x0B: 2, 0x0C: 4}, wantTypes: "an integer such as unsigned byte (0x08)",
		typeAdvice: "save the classes as unsigned bytes, 0 to 255",
		rankAdvice: "labels have 1 (N) or 2 (N,K), and images 3 (N,H,W); check that the two are not swapped",
	}
)

// ReadImages reads an IDX file of unsigned bytes, plain or in gzip, to its end:
// (N,H,W), or four dimensions, of which the second is the channels where it is
// 1 to 4 or no larger than the last, else the last. Errors call the file name. A
// broken file is a [*FormatError], one of another type or rank an
// [*UnsupportedError].
func ReadImages(r io.Reader, name string) (Rows, error) {
	m, _, err := readImages(r, name)
	return m, err
}

// readImages also returns the file's dimensions.
func readImages(r io.Reader, name string) (Rows, []int, error) {
	head, pixels, err := readIDX(r, name, imagesForm)
	if err != nil {
		return Rows{}, nil, err
	}
	return arrange(head.dims, pixels), head.dims, nil
}

// ReadLabels reads an IDX file of integers, (N) or (N,K), plain or in gzip, to
// its end. Of K columns the first one is the class. Its errors are those of
// [ReadImages].
func ReadLabels(r io.Reader, name string) ([]byte, error) {
	head, elements, err := readIDX(r, name, labelsForm)
	if err != nil || len(head.dims) == 1 && head.kind == unsignedByte {
		return elements, err
	}
	return head.classes(elements, name)
}

// header is that of an IDX file.
type header struct {
	kind byte
	dims []int
}

// classes returns the first column of elements.
func (h header) classes(elements []byte, name string) ([]byte, error) {
	width := labelsForm.types[h.kind]
	row := len(elements) / h.dims[0]
	labels := make([]byte, h.dims[0])
	for i := range labels {
		v := uint32(0)
		for _, b := range elements[i*row:][:width] {
			v = v<<8 | uint32(b)
		}
		if v > math.MaxUint8 || h.kind == 0x09 && v > math.MaxInt8 {
			shift := 32 - 8*width
			return nil, &UnsupportedError{
				File: name, Problem: "class", Want: "0 to 255",
				Got:    fmt.Sprintf("%d of image %d", int32(v<<shift)>>shift, i),
				Advice: "number the classes from 0",
			}
		}
		labels[i] = byte(v)
	}
	return labels, nil
}

func readIDX(r io.Reader, name string, want form) (h header, elements []byte, err error) {
	src, err := newStream(r, name)
	if err != nil {
		return h, nil, err
	}
	var head [maxHeader]byte
	magic := head[:magicSize]
	if err := src.fill(magic, magicSize+4*want.least); err != nil {
		return h, nil, err
	}
	if err := src.checkMagic(magic, want); err != nil {
		return h, nil, err
	}
	h.kind = magic[2]
	rest := head[magicSize : magicSize+4*int(magic[3])]
	if err := src.fill(rest, magicSize+len(rest)); err != nil {
		return h, nil, err
	}
	dims, size, err := dimensions(rest, want.types[h.kind], name)
	if err != nil {
		return h, nil, err
	}
	h.dims = dims
	if elements, err = src.body(size); err != nil {
		return h, nil, err
	}
	return h, elements, src.end()
}

// checkMagic says whether a file's first bytes are those of the form wanted.
func (s *stream) checkMagic(magic []byte, want form) error {
	typeName, known := elementType(magic[2])
	rank := int(magic[3])
	switch {
	case magic[0] != 0 || magic[1] != 0 || !known || rank == 0:
		more := make([]byte, lookAt)
		n, _ := io.ReadFull(s.r, more) // what can be read is enough to guess by
		got := fmt.Sprintf("0x%X", magic)
		if kind := Look(append(magic[:magicSize:magicSize], more[:n]...)); kind != "" {
			got += ", which looks like " + kind
		}
		return &FormatError{
			File: s.name, Problem: "wrong magic bytes",
			Want:   fmt.Sprintf("0x0000%02X%02X", unsignedByte, want.least),
			Got:    got,
			Advice: "this is not an IDX file; check that it is the right one",
		}
	case want.types[magic[2]] == 0:
		return &UnsupportedError{
			File: s.name, Problem: "element type",
			Want:   want.wantTypes,
			Got:    fmt.Sprintf("%s (0x%02X)", typeName, magic[2]),
			Advice: want.typeAdvice,
		}
	case rank < want.least || rank > want.most:
		return &UnsupportedError{
			File: s.name, Problem: "number of dimensions",
			Want:   fmt.Sprintf("%d or %d", want.least, want.most),
			Got:    fmt.Sprint(rank),
			Advice: want.rankAdvice,
		}
	}
	return nil
}

func elementType(b byte) (name string, known bool) {
	switch b {
	case unsignedByte:
		return "unsigned byte", true
	case 0x09:
		return "signed byte", true
	case 0x0B:
		return "int16", true
	case 0x0C:
		return "int32", true
	case 0x0D:
		return "float32", true
	case 0x0E:
		return "float64", true
	}
	return "", false
}

// dimensions decodes a header's dimensions and returns them with the bytes of
// that many elements of width bytes.
func dimensions(head []byte, width int, name string) (dims []int, size int, err error) {
	dims = make([]int, len(head)/4)
	empty := false
	for i := range dims {
		d := binary.BigEndian.Uint32(head[4*i:])
		dims[i] = int(d)
		empty = empty || d == 0
	}
	size, ok := product(append([]int{width}, dims...)...)
	switch {
	case empty:
		return nil, 0, &FormatError{
			File: name, Problem: "empty dimension",
			Want: "each at least 1", Got: fmt.Sprint(dims), Advice: again,
		}
	case !ok:
		return nil, 0, &FormatError{
			File: name, Problem: "impossible dimensions",
			Want: fmt.Sprintf("a product below %d", math.MaxInt-maxHeader), Got: fmt.Sprint(dims), Advice: again,
		}
	}
	return dims, size, nil
}

// WriteImages writes images as an IDX file, which [ReadImages] reads: (N,H,W)
// where C is 1, else (N,C,H,W).
func WriteImages(w io.Writer, m Rows) error {
	if err := m.check(); err != nil {
		return fmt.Errorf("data: write %w", err)
	}
	if !m.IsBytes() || m.IsVector() {
		return fmt.Errorf("data: write images: want images of bytes, got %v of %s", m.Shape, m.valueType())
	}
	if m.C == 1 {
		return writeIDX(w, "images", m.Bytes, m.N, m.H, m.W)
	}
	if channelsLast(m.C, m.W) {
		return fmt.Errorf("data: write images: %s would be read as %d channels of %d×%d; want fewer channels or wider images",
			m.Shape, m.W, m.C, m.H)
	}
	return writeIDX(w, "images", m.Bytes, m.N, m.C, m.H, m.W)
}

// WriteLabels writes at least one label as an IDX file, which [ReadLabels]
// reads.
func WriteLabels(w io.Writer, labels []byte) error {
	if len(labels) == 0 {
		return errors.New("data: write labels: want at least 1, got 0; leave the file out")
	}
	return writeIDX(w, "labels", labels, len(labels))
}

func writeIDX(w io.Writer, what string, elements []byte, dims ...int) error {
	if w == nil {
		return fmt.Errorf("data: write %s: the writer is nil; want one, such as a file", what)
	}
	head := []byte{0, 0, unsignedByte, byte(len(dims))}
	for _, d := range dims {
		if uint64(d) > math.MaxUint32 {
			return fmt.Errorf("data: write %s: dimension %d; IDX holds at most %d", what, d, uint32(math.MaxUint32))
		}
		head = binary.BigEndian.AppendUint32(head, uint32(d))
	}
	for _, part := range [][]byte{head, elements} {
		if _, err := w.Write(part); err != nil {
			return fmt.Errorf("data: write %s: %w", what, err)
		}
	}
	return nil
}
