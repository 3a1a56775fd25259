package detect

import (
	"context"
	"fmt"
	"io"

	"aegis/data"
	"aegis/data/philox"
)

// Of the rows that a detector is fitted on so many lie in memory at once.
const (
	sampleValues = 1 << 24
	sampleRows   = 1 << 16
)

// sample reads all rows and keeps some, each with the same chance, drawn by seed
// (Vitter's algorithm R); few rows are all kept.
func sample(ctx context.Context, r data.Reader, seed uint64) (data.Set, error) {
	room := max(1, min(sampleRows, sampleValues/max(1, r.Shape().Size())))
	s := data.Set{Rows: data.Rows{Shape: r.Shape()}}
	draws := philox.Stream{Seed: seed, Purpose: philox.For("detect/sample")}
	for seen := 0; ; {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		c, err := r.Next(1024)
		if err == io.EOF {
			return s, nil
		}
		if err != nil {
			return s, err
		}
		if c.Shape != s.Shape {
			return s, fmt.Errorf("detect: rows of %v behind rows of %v; want one shape", c.Shape, s.Shape)
		}
		for i := range c.N {
			place := s.N
			if s.N == room {
				place = int(uint64(draws.Uint32(uint32(uint64(seen)>>32), uint32(seen), 0)) * uint64(seen+1) >> 32)
			}
			if place < room {
				put(&s, place, c.Set, i)
			}
			seen++
		}
	}
}

// put writes row i of rows at a place, which is behind the last or of one before.
func put(s *data.Set, place int, rows data.Set, i int) {
	if place == s.N {
		one := rows.Slice(i, i+1)
		s.Bytes, s.Floats, s.Labels = append(s.Bytes, one.Bytes...), append(s.Floats, one.Floats...), append(s.Labels, one.Labels...)
		s.N++
		return
	}
	if rows.IsBytes() {
		copy(s.ByteRow(place), rows.ByteRow(i))
	} else {
		copy(s.FloatRow(place), rows.FloatRow(i))
	}
	if s.Labels != nil {
		s.Labels[place] = rows.Labels[i]
	}
}
