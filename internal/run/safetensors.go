package run

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"slices"
	"unicode/utf8"

	"aegis/model/program"
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
	dtypeI64    = "I64"
	counterSize = 8
	// maxValueSize is the bytes of the widest value.
	maxValueSize = 8
	prefixSize   = 8           // bytes of n
	alignment    = 8           // of the data; the header is padded with spaces
	maxHeader    = 100_000_000 // bytes; the limit of the format's own library
	maxRank      = 64          // dimensions, as in PyTorch
)

// FormatError says how a safetensors file is broken.
type FormatError struct{ Problem string }

func (e *FormatError) Error() string { return "safetensors: broken file: " + e.Problem }

func broken(format string, args ...any) error {
	return &FormatError{Problem: fmt.Sprintf(format, args...)}
}

// UnsupportedError tells of a tensor that was asked for, in a file that may be
// sound, whose values are not float32.
type UnsupportedError struct{ Tensor, Dtype string }

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("safetensors: tensor %q has dtype %q; want %s; convert it before it is saved",
		e.Tensor, e.Dtype, dtypeF32)
}

// EncodeTensors writes tensors as safetensors, F32, sorted by name, with the
// data at a multiple of 8 bytes. The same tensors and metadata always give the
// same bytes, those that the format's own library writes. It needs no memory
// for a copy of the data. The file of a model or a program has a checksum.
func EncodeTensors(w io.Writer, tensors map[string]program.Tensor, metadata map[string]string) error {
	names := slices.Sorted(maps.Keys(tensors))
	if ofModel(metadata) {
		metadata = maps.Clone(metadata)
		metadata[checksumKey] = noChecksum
	}
	var e headerEncoder
	head, err := e.encode(names, tensors, metadata)
	if err != nil {
		return err
	}
	if ofModel(metadata) {
		sum := summing(crc32.Checksum(head, castagnoli))
		if err := encodeData(&sum, names, tensors); err != nil {
			return err
		}
		seal(head, uint32(sum))
	}
	if _, err := w.Write(head); err != nil {
		return fmt.Errorf("safetensors: write the header: %w", err)
	}
	return encodeData(w, names, tensors)
}

// EncodeStateDict writes tensors as PyTorch's library writes a state dict: before
// them, as it does with wider types, counters, which are whole numbers without a
// dimension and 0.
func EncodeStateDict(w io.Writer, tensors map[string]program.Tensor, counters []string) error {
	names, e := slices.Sorted(maps.Keys(tensors)), headerEncoder{counters: slices.Sorted(slices.Values(counters))}
	head, err := e.encode(names, tensors, map[string]string{"format": "pt"})
	if err != nil {
		return err
	}
	if _, err := w.Write(append(head, make([]byte, counterSize*len(counters))...)); err != nil {
		return fmt.Errorf("safetensors: write the header: %w", err)
	}
	return encodeData(w, names, tensors)
}

// encodeData writes the values of tensors.
func encodeData(w io.Writer, names []string, tensors map[string]program.Tensor) error {
	for _, name := range names {
		if err := writeFloats(w, tensors[name].Data); err != nil {
			return fmt.Errorf("safetensors: write %s: %w", name, err)
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

// headerEncoder writes what stands before the data, which begins with counters.
type headerEncoder struct{ counters []string }

// encode returns everything before the data.
func (e headerEncoder) encode(names []string, tensors map[string]program.Tensor, metadata map[string]string) ([]byte, error) {
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
	for _, name := range e.counters {
		h := header{Dtype: dtypeI64, Shape: []int{}, Offsets: [2]int64{end, end + counterSize}}
		if err := encodeMember(&b, name, h); err != nil {
			return nil, err
		}
		end = h.Offsets[1]
	}
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
		if d < 0 || d > 0 && n > math.MaxInt/maxValueSize/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}
