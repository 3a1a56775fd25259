package data

import (
	"errors"
	"fmt"
	"io"
)

// chain reads readers one behind the other.
type chain struct {
	readers []Reader
	at      int
}

// Chain reads the rows of readers, at least one, one behind the other; their
// rows are of one shape and type. Close closes all.
func Chain(readers ...Reader) Reader {
	if len(readers) == 1 {
		return readers[0]
	}
	return &chain{readers: readers}
}

func (c *chain) Shape() Shape { return c.readers[0].Shape() }

// Len is known where it is known of all.
func (c *chain) Len() int {
	sum := 0
	for _, r := range c.readers {
		n := Len(r)
		if n < 0 {
			return -1
		}
		sum += n
	}
	return sum
}

func (c *chain) Next(n int) (Chunk, error) {
	for ; c.at < len(c.readers); c.at++ {
		r := c.readers[c.at]
		if want, got := c.Shape(), r.Shape(); got != want {
			return Chunk{}, fmt.Errorf("data: rows of %v behind rows of %v; want all alike: read the sets one at a time", got, want)
		}
		if rows, err := r.Next(n); err != io.EOF {
			return rows, err
		}
	}
	return Chunk{}, io.EOF
}

func (c *chain) Close() error {
	var errs []error
	for _, r := range c.readers {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}
