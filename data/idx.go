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
	labelsRank   = 1 // magic 0x00000801: (N)
	imagesRank   = 3 // magic 0x00000803: (N, H, W)
	magicSize    = 4
	maxHeader    = magicSize + 4*imagesRank
)

const again = "the file is damaged; get it again"

// ReadImages reads an IDX file of unsigned bytes (N, H, W), plain or in gzip,
// to its end; C is 1. Errors call the file name. A broken file is a
// [*FormatError], one of another type or rank an [*UnsupportedError].
func ReadImages(r io.Reader, name string) (Images, error) {
	dims, pixels, err := readIDX(r, name, imagesRank)
	if err != nil {
		return Images{}, err
	}
	return Images{N: dims[0], C: 1, H: dims[1], W: dims[2], Pixels: pixels}, nil
}

// ReadLabels reads an IDX file of unsigned bytes (N), plain or in gzip, to its
// end. Its errors are those of [ReadImages].
func ReadLabels(r io.Reader, name string) ([]byte, error) {
	_, labels, err := readIDX(r, name, labelsRank)
	return labels, err
}

func readIDX(r io.Reader, name string, rank int) (dims []int, elements []byte, err error) {
	src, err := newSource(r, name)
	if err != nil {
		return nil, nil, err
	}
	var head [maxHeader]byte
	headSize := magicSize + 4*rank
	magic, rest := head[:magicSize], head[magicSize:headSize]
	if err := src.fill(magic, headSize); err != nil {
		return nil, nil, err
	}
	if err := checkMagic(magic, name, rank); err != nil {
		return nil, nil, err
	}
	if err := src.fill(rest, headSize); err != nil {
		return nil, nil, err
	}
	dims, size, err := dimensions(rest, name)
	if err != nil {
		return nil, nil, err
	}
	if elements, err = src.body(size); err != nil {
		return nil, nil, err
	}
	return dims, elements, src.end()
}

func checkMagic(magic []byte, name string, rank int) error {
	typeName, known := elementType(magic[2])
	gotRank := int(magic[3])
	switch {
	case magic[0] != 0 || magic[1] != 0 || !known || gotRank == 0:
		return &FormatError{
			File: name, Problem: "wrong magic bytes",
			Want:   fmt.Sprintf("0x0000%02X%02X", unsignedByte, rank),
			Got:    fmt.Sprintf("0x%X", magic),
			Advice: "this is not an IDX file; check that it is the right one",
		}
	case magic[2] != unsignedByte:
		return &UnsupportedError{
			File: name, Problem: "element type",
			Want:   "unsigned byte (0x08)",
			Got:    fmt.Sprintf("%s (0x%02X)", typeName, magic[2]),
			Advice: "save the values as unsigned bytes, 0 to 255",
		}
	case gotRank != rank:
		return &UnsupportedError{
			File: name, Problem: "number of dimensions",
			Want:   fmt.Sprint(rank),
			Got:    fmt.Sprint(gotRank),
			Advice: "images have 3 (N, H, W) and labels 1 (N); check that the two are not swapped",
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

// dimensions decodes a header's dimensions and returns them with their product.
func dimensions(head []byte, name string) (dims []int, size int, err error) {
	dims = make([]int, len(head)/4)
	empty := false
	for i := range dims {
		d := binary.BigEndian.Uint32(head[4*i:])
		dims[i] = int(d)
		empty = empty || d == 0
	}
	size, ok := product(dims...)
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

// WriteImages writes images as an IDX file, which [ReadImages] reads. C must
// be 1.
func WriteImages(w io.Writer, m Images) error {
	if err := m.check(); err != nil {
		return fmt.Errorf("data: write %w", err)
	}
	if m.C != 1 {
		return fmt.Errorf("data: write images: want 1 channel, got %d; IDX images have none", m.C)
	}
	return writeIDX(w, "images", m.Pixels, m.N, m.H, m.W)
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
