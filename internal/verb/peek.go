package verb

import (
	"errors"
	"io"

	"aegis/data"
)

// peeked is a reader whose first rows were looked at.
type peeked struct {
	data.Reader
	first data.Chunk
}

// peek reads the first rows and returns them, and a reader that gives them
// again. No rows at all are an error.
func peek(rows data.Reader, n int) (data.Chunk, data.Reader, error) {
	c, err := rows.Next(max(1, n))
	if errors.Is(err, io.EOF) {
		return c, nil, errors.New("aegis: no rows; want at least one")
	}
	if err != nil {
		return c, nil, err
	}
	return c, &peeked{Reader: rows, first: c}, nil
}

// Next gives the first rows once, and then those behind them.
func (p *peeked) Next(n int) (data.Chunk, error) {
	if p.first.N == 0 {
		return p.Reader.Next(n)
	}
	c := p.first
	if n < c.N {
		c.Set = c.Slice(0, n)
		p.first.Set = p.first.Slice(n, p.first.N)
		if c.Names != nil {
			c.Names, p.first.Names = c.Names[:n], p.first.Names[n:]
		}
		return c, nil
	}
	p.first = data.Chunk{}
	return c, nil
}

// Len returns how many rows there are.
func (p *peeked) Len() int { return data.Len(p.Reader) }
