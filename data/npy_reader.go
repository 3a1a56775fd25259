package data

import (
	"errors"
	"fmt"
	"io"
)

// pieceBytes is what a reader of an array holds of its values, or one row where
// that is more.
const pieceBytes = 4 << 20

// npyReader reads an array piece by piece.
type npyReader struct {
	s    *stream
	h    npyHeader
	rows Rows // the shape of all, without values
	at   int  // rows that were read
	head int  // bytes before the values
	raw  []byte
	// floats is for values that become float32.
	floats []float32
	failed error
}

// NewNPYReader reads a NumPy array piece by piece, so that any number of rows
// takes little memory: what [ReadNPY] reads, from a pipe too. Values beyond the
// last row, or too few of them, are an error at the end. The reader is [Sized];
// it leaves r open.
func NewNPYReader(r io.Reader, name string) (Reader, error) {
	s, err := newStream(r, name)
	if err != nil {
		return nil, err
	}
	h, err := s.npyHead()
	if err != nil {
		return nil, err
	}
	rows, err := h.rows(name)
	if err != nil {
		return nil, err
	}
	s.sized = true
	return &npyReader{s: s, h: h, rows: rows, head: s.got}, nil
}

// rowBytes is the size of a row in the file, want that of the file.
func (r *npyReader) rowBytes() int { return r.rows.Size() * r.h.valueBytes() }
func (r *npyReader) want() int     { return r.head + r.rows.N*r.rowBytes() }

func (r *npyReader) Shape() Shape { return r.rows.Shape }

// Len is how many rows the header says there are.
func (r *npyReader) Len() int { return r.rows.N }

func (r *npyReader) Close() error { return nil }

func (r *npyReader) Next(n int) (Chunk, error) {
	if r.failed != nil {
		return Chunk{}, r.failed
	}
	rows, err := r.next(n)
	if err != nil {
		r.failed = err
		return Chunk{}, err
	}
	r.at += rows.N
	return Chunk{Set: Set{Rows: rows}}, nil
}

func (r *npyReader) next(n int) (Rows, error) {
	if r.at == r.rows.N {
		if err := r.s.end(); err != nil {
			return Rows{}, err
		}
		return Rows{}, io.EOF
	}
	rows := Rows{N: min(max(1, n), max(1, pieceBytes/r.rowBytes()), r.rows.N-r.at), Shape: r.rows.Shape}
	raw, err := r.read(rows.N * r.rowBytes())
	if err != nil {
		return Rows{}, r.upTo(err)
	}
	switch r.h.descr {
	case "|u1":
		rows.Bytes = raw
	case "<f4":
		rows.Floats = floatsOf(raw)
	default:
		if r.floats, err = r.s.narrow(r.floats[:0], r.h.element(), raw, r.at, rows.Shape, nil); err != nil {
			return Rows{}, err
		}
		rows.Floats = r.floats
	}
	r.h.arrange(rows)
	return rows, nil
}

// read reads so many bytes. A header can claim rows of any size: memory grows
// with what arrives.
func (r *npyReader) read(size int) (raw []byte, err error) {
	if size <= cap(r.raw) {
		raw = r.raw[:size]
		return raw, r.s.fill(raw, r.want())
	}
	if raw, err = r.s.piece(size, r.want()); err == nil {
		r.raw = raw
	}
	return raw, err
}

// upTo says in an error how many rows came before it.
func (r *npyReader) upTo(err error) error {
	var broken *FormatError
	if errors.As(err, &broken) {
		broken.Got += fmt.Sprintf(", after %d of %d rows", (r.s.got-r.head)/r.rowBytes(), r.rows.N)
	}
	return err
}
