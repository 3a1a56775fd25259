package run

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"aegis/internal/program"
)

// The safetensors format (https://github.com/huggingface/safetensors, section
// "Format"), all little-endian:
//
//	uint64 n, then n bytes of JSON, then the data
//	{"__metadata__": {key: value, …}, name: {"dtype", "shape", "data_offsets": [begin, end]}, …}
//
// Offsets count from the first byte of data. The tensors cover the data
// without a gap or an overlap.
const (
	metadataKey = "__metadata__"
	dtypeF32    = "F32"
	float32Size = 4
	prefixSize  = 8           // bytes of n
	alignment   = 8           // of the data; the header is padded with spaces
	maxHeader   = 100_000_000 // bytes; the limit of the format's own library
	maxRank     = 64          // dimensions, as in PyTorch
	chunkSize   = 1 << 16     // bytes converted at a time
)

// FormatError says how a safetensors file is broken.
type FormatError struct{ Problem string }

func (e *FormatError) Error() string { return "safetensors: broken file: " + e.Problem }

func broken(format string, args ...any) error {
	return &FormatError{Problem: fmt.Sprintf(format, args...)}
}

// UnsupportedError tells of a tensor, in a file that may be sound, whose
// values are not float32.
type UnsupportedError struct{ Tensor, Dtype string }

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("safetensors: tensor %q has dtype %q; want %s; convert it before it is saved",
		e.Tensor, e.Dtype, dtypeF32)
}

// EncodeTensors writes tensors as safetensors, F32, sorted by name, with the
// data at a multiple of 8 bytes. The same tensors and metadata always give the
// same bytes, those that the format's own library writes. It needs no memory
// for a copy of the data.
func EncodeTensors(w io.Writer, tensors map[string]program.Tensor, metadata map[string]string) error {
	names := slices.Sorted(maps.Keys(tensors))
	head, err := encodeHeader(names, tensors, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return fmt.Errorf("safetensors: write the header: %w", err)
	}
	chunk := make([]byte, 0, chunkSize)
	for _, name := range names {
		for part := range slices.Chunk(tensors[name].Data, chunkSize/float32Size) {
			chunk = chunk[:0]
			for _, v := range part {
				chunk = binary.LittleEndian.AppendUint32(chunk, math.Float32bits(v))
			}
			if _, err := w.Write(chunk); err != nil {
				return fmt.Errorf("safetensors: write %s: %w", name, err)
			}
		}
	}
	return nil
}

// header is what the JSON says of a tensor.
type header struct {
	Dtype   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// encodeHeader returns everything before the data.
func encodeHeader(names []string, tensors map[string]program.Tensor, metadata map[string]string) ([]byte, error) {
	var b bytes.Buffer
	b.Write(make([]byte, prefixSize))
	b.WriteByte('{')
	if len(metadata) > 0 {
		for key, value := range metadata {
			if !utf8.ValidString(key) || !utf8.ValidString(value) {
				return nil, fmt.Errorf("safetensors: metadata %q: %q is not UTF-8", key, value)
			}
		}
		if err := encodeMember(&b, metadataKey, metadata); err != nil {
			return nil, err
		}
	}
	var end int64
	for _, name := range names {
		t := tensors[name]
		if err := checkTensor(name, t); err != nil {
			return nil, err
		}
		h := header{Dtype: dtypeF32, Shape: t.Shape, Offsets: [2]int64{end, end + int64(len(t.Data))*float32Size}}
		if h.Shape == nil {
			h.Shape = []int{} // a scalar; nil would become null
		}
		if err := encodeMember(&b, name, h); err != nil {
			return nil, err
		}
		end = h.Offsets[1]
	}
	b.WriteByte('}')
	for b.Len()%alignment != 0 {
		b.WriteByte(' ')
	}
	size := b.Len() - prefixSize
	if size > maxHeader {
		return nil, fmt.Errorf("safetensors: header of %d bytes; want at most %d", size, maxHeader)
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(size))
	return b.Bytes(), nil
}

func encodeMember(b *bytes.Buffer, key string, value any) error {
	if b.Len() > prefixSize+len("{") {
		b.WriteByte(',')
	}
	for i, v := range []any{key, value} {
		if i == 1 {
			b.WriteByte(':')
		}
		if err := encoder(b).Encode(v); err != nil {
			return fmt.Errorf("safetensors: header: %w", err)
		}
		b.Truncate(b.Len() - len("\n")) // which Encode adds
	}
	return nil
}

func checkTensor(name string, t program.Tensor) error {
	if name == metadataKey || !utf8.ValidString(name) {
		return fmt.Errorf("safetensors: tensor name %q; want UTF-8 other than %s", name, metadataKey)
	}
	n, ok := elements(t.Shape)
	if !ok || len(t.Shape) > maxRank {
		return fmt.Errorf("safetensors: tensor %s has shape %v; want at most %d dimensions, none negative",
			name, t.Shape, maxRank)
	}
	if n != len(t.Data) {
		return fmt.Errorf("safetensors: tensor %s of shape %v has %d values; want %d", name, t.Shape, len(t.Data), n)
	}
	return nil
}

// elements returns the product of a shape, and whether it is one that fits:
// no negative dimension, and its bytes an int.
func elements(shape []int) (int, bool) {
	n := 1
	for _, d := range shape {
		if d < 0 || d > 0 && n > math.MaxInt/float32Size/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}

// ReadTensors reads a safetensors file of F32 tensors. The error is a
// *[FormatError] where the file is broken and an *[UnsupportedError] where a
// tensor has another dtype.
func ReadTensors(path string) (tensors map[string]program.Tensor, metadata map[string]string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("run: read tensors: %w", err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("run: read tensors: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("run: read tensors: %s is not a file", path)
	}
	tensors, metadata, err = DecodeTensors(f, info.Size())
	if err != nil {
		return nil, nil, fmt.Errorf("run: read %s: %w", path, err)
	}
	return tensors, metadata, nil
}

// DecodeTensors reads size bytes of safetensors. The bytes may be hostile: it
// allocates in proportion to size only. Errors are those of [ReadTensors].
func DecodeTensors(r io.ReaderAt, size int64) (tensors map[string]program.Tensor, metadata map[string]string, err error) {
	head, start, err := readHeader(r, size)
	if err != nil {
		return nil, nil, err
	}
	d := headerDecoder{Decoder: json.NewDecoder(bytes.NewReader(head))}
	d.UseNumber()
	headers, metadata, err := d.decode()
	if err != nil {
		return nil, nil, err
	}
	if err := checkHeaders(headers, size-start); err != nil {
		return nil, nil, err
	}
	tensors = make(map[string]program.Tensor, len(headers))
	for name, h := range headers {
		bytes := h.Offsets[1] - h.Offsets[0]
		data := make([]float32, bytes/float32Size)
		if err := readFloats(data, io.NewSectionReader(r, start+h.Offsets[0], bytes)); err != nil {
			return nil, nil, fmt.Errorf("safetensors: read %s: %w", name, err)
		}
		tensors[name] = program.Tensor{Shape: h.Shape, Data: data}
	}
	return tensors, metadata, nil
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

// checkHeaders holds dtypes, shapes and offsets against each other and against
// the bytes of data. All of it is known to be sound before any data is read.
func checkHeaders(headers map[string]header, size int64) error {
	names := slices.SortedFunc(maps.Keys(headers), func(a, b string) int {
		oa, ob := headers[a].Offsets, headers[b].Offsets
		return cmp.Or(slices.Compare(oa[:], ob[:]), strings.Compare(a, b))
	})
	var end int64
	for _, name := range names {
		h := headers[name]
		if h.Dtype != dtypeF32 {
			return &UnsupportedError{Tensor: name, Dtype: h.Dtype}
		}
		n, ok := elements(h.Shape)
		if !ok {
			return broken("tensor %q: shape %v is too large", name, h.Shape)
		}
		if h.Offsets[0] != end {
			return broken("tensor %q starts at byte %d of the data; want %d, where the one before it ends",
				name, h.Offsets[0], end)
		}
		end = h.Offsets[1]
		if got, want := end-h.Offsets[0], int64(n)*float32Size; got != want {
			return broken("tensor %q of shape %v has %d bytes; want %d", name, h.Shape, got, want)
		}
	}
	if end != size {
		return broken("%d bytes of data; want %d; it may have been cut short", size, end)
	}
	return nil
}

func readFloats(dst []float32, r io.Reader) error {
	chunk := make([]byte, min(chunkSize, len(dst)*float32Size))
	for part := range slices.Chunk(dst, chunkSize/float32Size) {
		bytes := chunk[:len(part)*float32Size]
		if _, err := io.ReadFull(r, bytes); err != nil {
			return err
		}
		for i := range part {
			part[i] = math.Float32frombits(binary.LittleEndian.Uint32(bytes[i*float32Size:]))
		}
	}
	return nil
}
