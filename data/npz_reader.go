package data

import (
	"errors"
	"fmt"
	"io"
)

// NewNPZReader reads the rows of an archive piece by piece, with the labels of
// each set where there are any: of train, val or test, of all sets one behind
// the other, or, of the empty set, of the test set where there is one and of all
// else. Arrays are found as by [ReadNPZ], but there may be no training set. The
// reader is [Sized]; it leaves r open.
func NewNPZReader(r io.ReaderAt, size int64, name, set string, keys Keys) (Reader, error) {
	a, err := openArchive(r, size, name, keys)
	if err != nil {
		return nil, err
	}
	sets, err := ChooseSets(set, func(i int) bool { return a.found[setPart{set: i}] != nil })
	if err != nil || len(sets) == 0 {
		problem := "no array is known as a set of rows"
		if err != nil {
			problem = err.Error()
		}
		return nil, a.unclear(problem)
	}
	var readers []Reader
	for _, i := range sets {
		next, err := a.reader(i)
		if err != nil {
			return nil, errors.Join(err, Chain(readers...).Close())
		}
		readers = append(readers, next)
	}
	return Chain(readers...), nil
}

// reader reads one set.
func (a *archive) reader(set int) (Reader, error) {
	f := a.found[setPart{set: set}]
	name := a.name + ":" + arrayName(f)
	labels, err := a.labels(set)
	if err != nil {
		return nil, err
	}
	in, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", name, err)
	}
	rows, err := NewNPYReader(in, name)
	if n := Len(rows); err == nil && labels != nil && len(labels) != n {
		err = fmt.Errorf("data: %s: labels: want %d, one a row, got %d", name, n, len(labels))
	}
	if err != nil {
		return nil, errors.Join(checksum(err, name), in.Close())
	}
	return &arrayReader{Reader: rows, in: in, name: name, labels: labels}, nil
}

// arrayReader reads an array of an archive, and has its labels.
type arrayReader struct {
	Reader
	in     io.Closer
	name   string
	labels []byte
	at     int
}

func (r *arrayReader) Len() int { return Len(r.Reader) }

func (r *arrayReader) Next(n int) (Chunk, error) {
	c, err := r.Reader.Next(n)
	if err != nil {
		return c, checksum(err, r.name)
	}
	if r.labels != nil {
		c.Labels = r.labels[r.at : r.at+c.N : r.at+c.N]
	}
	r.at += c.N
	return c, nil
}

func (r *arrayReader) Close() error { return r.in.Close() }
