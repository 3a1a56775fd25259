package data

import (
	"errors"
	"fmt"
	"io"
)

// Reader gives rows in their order, some at a time, so that no more of them than
// these lie in memory. It is used from one goroutine at a time.
type Reader interface {
	// Shape is that of every row.
	Shape() Shape
	// Next returns the next rows, at least one and at most n of them; they are
	// valid until the next call. After the last it returns io.EOF; another error
	// ends the reading.
	Next(n int) (Chunk, error)
	// Close lets go of files, and stops what reads ahead.
	Close() error
}

// Chunk is rows that follow each other.
type Chunk struct {
	Set
	Names []string // what rows are called, such as the file of each; nil where they have no name
}

// Sized is a [Reader] that knows how many rows it gives in all, or -1 where it
// does not.
type Sized interface{ Len() int }

// Len returns how many rows a reader gives in all, -1 where that is not known.
func Len(r Reader) int {
	if s, ok := r.(Sized); ok {
		return s.Len()
	}
	return -1
}

// Named is a [Reader] whose labels have names that it may only know as it comes
// to them.
type Named interface{ ClassNames() []string }

// ClassNames are the names of the labels that a reader has given so far, nil
// where they have none that it knows.
func ClassNames(r Reader) []string {
	if n, ok := r.(Named); ok {
		return n.ClassNames()
	}
	return nil
}

// setReader reads a set in memory.
type setReader struct {
	set Set
	at  int
}

// NewReader reads rows that lie in memory or are mapped.
func NewReader(s Set) Reader { return &setReader{set: s} }

func (r *setReader) Shape() Shape { return r.set.Shape }

func (r *setReader) Len() int { return r.set.N }

func (r *setReader) Next(n int) (Chunk, error) {
	if r.at == r.set.N {
		return Chunk{}, io.EOF
	}
	if r.at == 0 {
		if err := r.set.whole(); err != nil {
			return Chunk{}, err
		}
	}
	from := r.at
	r.at += min(max(1, n), r.set.N-r.at)
	return Chunk{Set: r.set.Slice(from, r.at)}, nil
}

func (r *setReader) Close() error { return nil }

// whole says why a set's rows and labels are not as many as it says.
func (s Set) whole() error {
	if err := s.Rows.Validate(); err != nil {
		return err
	}
	if s.Labels != nil && len(s.Labels) != s.N {
		return fmt.Errorf("data: %d labels of %d rows; want one each, or none", len(s.Labels), s.N)
	}
	return nil
}

// pickReader reads some rows of a set.
type pickReader struct {
	set  Set
	rows []int32 // that are still to come
	all  int     // rows
}

// NewPickReader reads some rows of a set in memory or in a mapped file, in the
// order that is given.
func NewPickReader(s Set, rows []int32) Reader {
	return &pickReader{set: s, rows: rows, all: len(rows)}
}

func (r *pickReader) Shape() Shape { return r.set.Shape }

func (r *pickReader) Len() int { return r.all }

func (r *pickReader) Next(n int) (Chunk, error) {
	if len(r.rows) == 0 {
		return Chunk{}, io.EOF
	}
	if err := r.set.whole(); len(r.rows) == r.all && err != nil {
		return Chunk{}, err
	}
	picked := r.rows[:min(max(1, n), len(r.rows))]
	r.rows = r.rows[len(picked):]
	c := Chunk{Set: Set{Rows: Rows{N: len(picked), Shape: r.set.Shape}}}
	for _, row := range picked {
		if row < 0 || int(row) >= r.set.N {
			return Chunk{}, fmt.Errorf("data: row %d of %d; want 0 to %d", row, r.set.N, r.set.N-1)
		}
		if r.set.IsBytes() {
			c.Bytes = append(c.Bytes, r.set.ByteRow(int(row))...)
		} else {
			c.Floats = append(c.Floats, r.set.FloatRow(int(row))...)
		}
		if r.set.Labels != nil {
			c.Labels = append(c.Labels, r.set.Labels[row])
		}
	}
	return c, nil
}

func (r *pickReader) Close() error { return nil }

// ReadAll reads what is left as one set that lies in memory, and the names of
// its rows where they have any.
func ReadAll(r Reader) (Set, []string, error) {
	const some = 1024
	if r == nil {
		return Set{}, nil, errors.New("data: read all: the reader of rows is nil; want one, such as NewReader of a set")
	}
	s, names := Set{Rows: Rows{Shape: r.Shape()}}, []string(nil)
	for {
		c, err := r.Next(some)
		if err == io.EOF {
			return s, names, nil
		}
		if err != nil {
			return Set{}, nil, err
		}
		s.N += c.N
		s.Bytes, s.Floats = append(s.Bytes, c.Bytes...), append(s.Floats, c.Floats...)
		s.Labels, names = append(s.Labels, c.Labels...), append(names, c.Names...)
	}
}
