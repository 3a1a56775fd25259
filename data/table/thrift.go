package table

import (
	"encoding/binary"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// The end of a Parquet file, and what stands before each of its pages, is a
// structure in Thrift's compact protocol. The library takes its word for how long
// lists and maps are, and is busy for hours, or makes room for gigabytes, where
// that is damaged. walk looks through one first.

// Types of the compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftInt16  = 4
	thriftInt32  = 5
	thriftInt64  = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

// walk is what is left of a structure.
type walk struct{ rest []byte }

// structure goes over a structure that the library reads as one of a type. A
// field of another type than that has is an error: the library would take what
// stands in it for the next fields.
func (w *walk) structure(t reflect.Type) error { return w.value(thriftStruct, t, 0) }

func (w *walk) byte() (byte, error) {
	if len(w.rest) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	b := w.rest[0]
	w.rest = w.rest[1:]
	return b, nil
}

func (w *walk) varint() (uint64, error) {
	v, n := binary.Uvarint(w.rest)
	if n <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	w.rest = w.rest[n:]
	return v, nil
}

func (w *walk) skip(n uint64) error {
	if n > uint64(len(w.rest)) {
		return io.ErrUnexpectedEOF
	}
	w.rest = w.rest[n:]
	return nil
}

// value goes over a value, so many structures deep; t is nil where the library
// does not know it, and skips it.
func (w *walk) value(kind byte, t reflect.Type, depth int) error {
	const deepest = 64
	if depth > deepest {
		return fmt.Errorf("structures %d deep", depth)
	}
	switch {
	case kind == thriftTrue || kind == thriftFalse || kind == thriftByte:
		return w.skip(1)
	case kind >= thriftInt16 && kind <= thriftInt64:
		_, err := w.varint()
		return err
	case kind == thriftDouble:
		return w.skip(8)
	case kind == thriftBinary:
		n, err := w.varint()
		if err != nil {
			return err
		}
		return w.skip(n)
	case kind == thriftList || kind == thriftSet:
		return w.list(t, depth)
	case kind == thriftMap:
		return w.pairs(depth)
	case kind == thriftStruct:
		return w.fields(t, depth)
	}
	return fmt.Errorf("a value of type %d", kind)
}

func (w *walk) fields(t reflect.Type, depth int) error {
	known := fieldsOf(t)
	for id := int64(0); ; {
		head, err := w.byte()
		if err != nil || head == 0 {
			return err
		}
		if step := int64(head >> 4); step > 0 {
			id += step
		} else if id, err = w.signed(); err != nil {
			return err
		}
		kind, of := head&15, known[int16(id)]
		truth := kind == thriftTrue || kind == thriftFalse
		switch {
		case id != int64(int16(id)) || of == nil && truth || of != nil && !isThrift(kind, of):
			return fmt.Errorf("a field %d of type %d", id, kind)
		case truth: // the type is the value
			continue
		}
		if err := w.value(kind, of, depth+1); err != nil {
			return err
		}
	}
}

// fieldsOf are the types of the fields of a structure.
func fieldsOf(t reflect.Type) map[int16]reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	fields := map[int16]reflect.Type{}
	for f := range t.Fields() {
		number, _, _ := strings.Cut(f.Tag.Get("thrift"), ",")
		if id, err := strconv.ParseInt(number, 10, 16); err == nil {
			fields[int16(id)] = f.Type
		}
	}
	return fields
}

// isThrift says that a type of the compact protocol is that of a Go type.
func isThrift(kind byte, t reflect.Type) bool {
	want := byte(thrift.TypeOf(t))
	return kind == want || want == thriftFalse && kind == thriftTrue
}

// signed reads a number that may be negative.
func (w *walk) signed() (int64, error) {
	v, err := w.varint()
	return int64(v>>1) ^ -int64(v&1), err
}

func (w *walk) list(t reflect.Type, depth int) error {
	head, err := w.byte()
	if err != nil {
		return err
	}
	n, kind := uint64(head>>4), head&15
	if n == 15 {
		if n, err = w.varint(); err != nil {
			return err
		}
	}
	var of reflect.Type
	if t != nil && t.Kind() == reflect.Slice {
		if of = t.Elem(); n > 0 && !isThrift(kind, of) {
			return fmt.Errorf("a list of type %d", kind)
		}
	}
	return w.elements(n, of, depth, kind)
}

// pairs goes over a map, of which Parquet has none.
func (w *walk) pairs(depth int) error {
	n, err := w.varint()
	if err != nil || n == 0 {
		return err
	}
	head, err := w.byte()
	if err != nil {
		return err
	}
	return w.elements(n, nil, depth, head>>4, head&15)
}

// elements goes over n values of each kind by turns, of which each has a byte
// at least.
func (w *walk) elements(n uint64, t reflect.Type, depth int, kinds ...byte) error {
	if n > uint64(len(w.rest)) {
		return fmt.Errorf("a list of %d in %d bytes", n, len(w.rest))
	}
	for range n {
		for _, kind := range kinds {
			if err := w.value(kind, t, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
