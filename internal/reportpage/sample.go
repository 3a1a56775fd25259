package reportpage

import (
	"context"
	"errors"
	"fmt"
	"io"

	"aegis/data"
)

// sampled is rows that a model is judged by.
type sampled struct {
	data.Set
	Numbers []int    // of each in what they were read of, from 0
	Names   []string // nil where they have none
	Total   int      // how many there were
	Of      string   // what they are
	Stride  int      // of a stream each so manieth is kept; 0: they are drawn
}

// words says how many of how many rows they are.
func (s sampled) words() string {
	if s.N == s.Total {
		return fmt.Sprintf("all %d rows of %s", s.N, s.Of)
	}
	if s.Stride > 1 {
		return fmt.Sprintf("%d of the %d rows of %s, one of each %d", s.N, s.Total, s.Of, s.Stride)
	}
	return fmt.Sprintf("%d of the %d rows of %s, drawn by seed 1", s.N, s.Total, s.Of)
}

// room is how many rows of a width may lie in memory.
func room(most, width int) int {
	const values = 1 << 26
	return max(16, min(most, values/max(1, width)))
}

// sample reads all rows and keeps some of them, in their order.
func sample(ctx context.Context, rows data.Reader, most int, progress func(what string, done, of int)) (s sampled, err error) {
	s.Shape = rows.Shape()
	keep := room(most, s.Shape.Size())
	n := data.Len(rows)
	if n < 0 { // a stream, whose length nobody knows
		s.Stride = 1
	}
	var picked []int32 // nil: all are kept
	if n > keep {
		picked = data.Sample(n, keep, 1, "report")
	}
	for {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		c, err := rows.Next(1024)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s, err
		}
		for i := range c.N {
			at := s.Total + i
			if s.Stride > 1 && at%s.Stride != 0 {
				continue
			}
			if picked != nil {
				if len(picked) == 0 || int(picked[0]) != at {
					continue
				}
				picked = picked[1:]
			}
			s.put(c, i, at)
		}
		s.Total += c.N
		for s.Stride > 0 && s.N > keep {
			s.thin()
		}
		progress("read", s.Total, n)
	}
	if s.N == 0 {
		return s, errors.New("reportpage: no rows to judge the model by; want at least one")
	}
	return s, nil
}

// put keeps row i of a chunk.
func (s *sampled) put(c data.Chunk, i, number int) {
	one := c.Slice(i, i+1)
	s.Bytes, s.Floats, s.Labels = append(s.Bytes, one.Bytes...), append(s.Floats, one.Floats...), append(s.Labels, one.Labels...)
	s.Numbers = append(s.Numbers, number)
	if c.Names != nil {
		s.Names = append(s.Names, c.Names[i])
	}
	s.N++
}

// thin keeps each second row of those that are kept.
func (s *sampled) thin() {
	all := *s
	*s = sampled{Total: s.Total, Of: s.Of, Stride: 2 * s.Stride}
	s.Shape = all.Shape
	for i := 0; i < all.N; i += 2 {
		c := data.Chunk{Set: all.Set, Names: all.Names}
		s.put(c, i, all.Numbers[i])
	}
}
