package table

import (
	"encoding/binary"
	"fmt"
	"io"
)

// The end of a Parquet file is a structure in Thrift's compact protocol. The
// library takes its word for how long lists and maps are, and is busy for hours,
// or makes room for gigabytes, where that is damaged. walk looks through one
// first.

// Types of the compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftInt16  = 4
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

// check says what is wrong with a structure.
func checkThrift(b []byte) error {
	w := walk{b}
	return w.value(thriftStruct, 0)
}

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

// value goes over a value of a type, so many structures deep.
func (w *walk) value(kind byte, depth int) error {
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
		return w.list(depth)
	case kind == thriftMap:
		return w.pairs(depth)
	case kind == thriftStruct:
		return w.fields(depth)
	}
	return fmt.Errorf("a value of type %d", kind)
}

func (w *walk) fields(depth int) error {
	for {
		head, err := w.byte()
		if err != nil || head == 0 {
			return err
		}
		if head>>4 == 0 {
			if _, err := w.varint(); err != nil {
				return err
			}
		}
		if kind := head & 15; kind != thriftTrue && kind != thriftFalse { // the type of these is their value
			if err := w.value(kind, depth+1); err != nil {
				return err
			}
		}
	}
}

func (w *walk) list(depth int) error {
	head, err := w.byte()
	if err != nil {
		return err
	}
	n := uint64(head >> 4)
	if n == 15 {
		if n, err = w.varint(); err != nil {
			return err
		}
	}
	return w.elements(n, depth, head&15)
}

func (w *walk) pairs(depth int) error {
	n, err := w.varint()
	if err != nil || n == 0 {
		return err
	}
	head, err := w.byte()
	if err != nil {
		return err
	}
	return w.elements(n, depth, head>>4, head&15)
}

// elements goes over n values of each type by turns, of which each has a byte
// at least.
func (w *walk) elements(n uint64, depth int, kinds ...byte) error {
	if n > uint64(len(w.rest)) {
		return fmt.Errorf("a list of %d in %d bytes", n, len(w.rest))
	}
	for range n {
		for _, kind := range kinds {
			if err := w.value(kind, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
