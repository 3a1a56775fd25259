package run

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"aegis/model/program"
)

// TensorFile is an open safetensors file whose header is known to be sound.
// Its values are read tensor by tensor.
type TensorFile struct {
	Metadata map[string]string

	file    *os.File // nil where the bytes are the caller's
	data    io.ReaderAt
	start   int64 // of the data
	size    int64 // bytes of data
	headers map[string]header
}

// OpenTensors opens a safetensors file and reads its header. The error is a
// *[FormatError] where the file is broken.
func OpenTensors(path string) (*TensorFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("run: read tensors: %w", err)
	}
	t, err := openTensorFile(f)
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	t.file = f
	return t, nil
}

func openTensorFile(f *os.File) (*TensorFile, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("run: read tensors: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("run: read tensors: %s is not a file", f.Name())
	}
	t, err := NewTensorFile(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("run: read %s: %w", f.Name(), err)
	}
	return t, nil
}

// NewTensorFile reads the header of size bytes of safetensors, which may be
// hostile: it allocates in proportion to size only. Of a model's file all is read
// once, to hold it to its checksum. The bytes stay the caller's and are read
// later.
func NewTensorFile(r io.ReaderAt, size int64) (*TensorFile, error) {
	head, start, err := readHeader(r, size)
	if err != nil {
		return nil, err
	}
	d := headerDecoder{Decoder: json.NewDecoder(bytes.NewReader(head))}
	d.UseNumber()
	headers, metadata, err := d.decode()
	if err != nil {
		return nil, err
	}
	if err := checkHeaders(headers, size-start); err != nil {
		return nil, err
	}
	if err := checkSum(r, size, head, metadata); err != nil {
		return nil, err
	}
	return &TensorFile{Metadata: metadata, data: r, start: start, size: size - start, headers: headers}, nil
}

// Size returns the bytes of all tensors.
func (t *TensorFile) Size() int64 { return t.size }

// TensorInfo is what the header says of a tensor.
type TensorInfo struct {
	Name  string `json:"name"`
	Type  string `json:"dtype"` // F32, BF16, …
	Shape []int  `json:"shape"`
	Bytes int64  `json:"bytes"`
}

// List returns what the header says of all tensors, in the order of the file.
func (t *TensorFile) List() []TensorInfo {
	all := make([]TensorInfo, 0, len(t.headers))
	for _, name := range byOffset(t.headers) {
		h := t.headers[name]
		all = append(all, TensorInfo{Name: name, Type: h.Dtype, Shape: h.Shape, Bytes: h.Offsets[1] - h.Offsets[0]})
	}
	return all
}

// Has says whether there is a tensor of a name.
func (t *TensorFile) Has(name string) bool {
	_, ok := t.headers[name]
	return ok
}

// Read reads one tensor. The error is an *[UnsupportedError] where its values
// are not float32.
func (t *TensorFile) Read(name string, shape []int) (program.Tensor, error) {
	h, ok := t.headers[name]
	switch {
	case !ok:
		return program.Tensor{}, fmt.Errorf("safetensors: no tensor %q in the file; want one of shape %v", name, shape)
	case h.Dtype != dtypeF32:
		return program.Tensor{}, &UnsupportedError{Tensor: name, Dtype: h.Dtype}
	case !slices.Equal(h.Shape, shape):
		return program.Tensor{}, fmt.Errorf("safetensors: tensor %q has shape %v; want %v", name, h.Shape, shape)
	}
	return t.read(name, h)
}

func (t *TensorFile) read(name string, h header) (program.Tensor, error) {
	size := h.Offsets[1] - h.Offsets[0]
	data := make([]float32, size/float32Size)
	if err := readFloats(data, io.NewSectionReader(t.data, t.start+h.Offsets[0], size)); err != nil {
		return program.Tensor{}, fmt.Errorf("safetensors: read %s: %w", name, err)
	}
	return program.Tensor{Shape: h.Shape, Data: data}, nil
}

// readAll reads every F32 tensor. Those of other types are left out.
func (t *TensorFile) readAll() (map[string]program.Tensor, error) {
	tensors := make(map[string]program.Tensor, len(t.headers))
	for name, h := range t.headers {
		if h.Dtype != dtypeF32 {
			continue
		}
		var err error
		if tensors[name], err = t.read(name, h); err != nil {
			return nil, err
		}
	}
	return tensors, nil
}

// Close closes the file.
func (t *TensorFile) Close() error {
	if t.file == nil {
		return nil
	}
	return t.file.Close()
}

// ReadTensors reads the F32 tensors of a safetensors file and its metadata.
// The error is a *[FormatError] where the file is broken.
func ReadTensors(path string) (tensors map[string]program.Tensor, metadata map[string]string, err error) {
	t, err := OpenTensors(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = t.Close() }() // nothing was written
	if tensors, err = t.readAll(); err != nil {
		return nil, nil, fmt.Errorf("run: read %s: %w", path, err)
	}
	return tensors, t.Metadata, nil
}

// DecodeTensors reads size bytes of safetensors as [ReadTensors] does. The
// bytes may be hostile: it allocates in proportion to size only.
func DecodeTensors(r io.ReaderAt, size int64) (tensors map[string]program.Tensor, metadata map[string]string, err error) {
	t, err := NewTensorFile(r, size)
	if err != nil {
		return nil, nil, err
	}
	if tensors, err = t.readAll(); err != nil {
		return nil, nil, err
	}
	return tensors, t.Metadata, nil
}

// readHeader returns the JSON and where the data starts.
func readHeader(r io.ReaderAt, size int64) (head []byte, start int64, err error) {
	var prefix [prefixSize]byte
	if size < prefixSize {
		return nil, 0, broken("%d bytes; want at least %d", size, prefixSize)
	}
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, prefixSize), prefix[:]); err != nil {
		return nil, 0, fmt.Errorf("safetensors: read the header's length: %w", err)
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	if limit := min(size-prefixSize, maxHeader); n > uint64(limit) {
		return nil, 0, broken("header of %d bytes; want at most %d in a file of %d bytes", n, limit, size)
	}
	head = make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(r, prefixSize, int64(n)), head); err != nil {
		return nil, 0, fmt.Errorf("safetensors: read the header: %w", err)
	}
	if n == 0 || head[0] != '{' || !utf8.Valid(head) {
		return nil, 0, broken("no header; want a JSON object in UTF-8")
	}
	return head, prefixSize + int64(n), nil
}

// valueBytes returns the bytes of a value of a type, 0 of one that is not known.
func valueBytes(dtype string) int64 {
	switch dtype {
	case dtypeF32, "I32", "U32":
		return float32Size
	case "F64", "I64", "U64", "C64":
		return 8
	case "F16", "BF16", "I16", "U16":
		return 2
	case "BOOL", "I8", "U8", "F8_E5M2", "F8_E4M3", "F8_E8M0":
		return 1
	}
	return 0
}

// byOffset returns the names of tensors in the order in which they lie.
func byOffset(headers map[string]header) []string {
	return slices.SortedFunc(maps.Keys(headers), func(a, b string) int {
		oa, ob := headers[a].Offsets, headers[b].Offsets
		return cmp.Or(slices.Compare(oa[:], ob[:]), strings.Compare(a, b))
	})
}

// checkHeaders holds shapes and offsets against each other and against the
// bytes of data. All of it is known to be sound before any data is read. How
// many bytes a tensor of an unknown type has cannot be checked.
func checkHeaders(headers map[string]header, size int64) error {
	var end int64
	for _, name := range byOffset(headers) {
		h := headers[name]
		n, ok := elements(h.Shape)
		if !ok {
			return broken("tensor %q: shape %v is too large", name, h.Shape)
		}
		if h.Offsets[0] != end {
			return broken("tensor %q starts at byte %d of the data; want %d, where the one before it ends",
				name, h.Offsets[0], end)
		}
		if end = h.Offsets[1]; end < h.Offsets[0] {
			return broken("tensor %q ends at byte %d of the data, before it starts at %d", name, end, h.Offsets[0])
		}
		bytes := valueBytes(h.Dtype)
		if got, want := end-h.Offsets[0], int64(n)*bytes; bytes > 0 && got != want {
			return broken("tensor %q of shape %v has %d bytes; want %d", name, h.Shape, got, want)
		}
	}
	if end != size {
		return broken("%d bytes of data; want %d; it may have been cut short", size, end)
	}
	return nil
}
