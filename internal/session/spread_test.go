package session

import (
	"math"
	"slices"
	"testing"
)

func TestSpread(t *testing.T) {
	for name, c := range map[string]struct {
		blocks [][]float32
		want   []float64 // variances
		still  int
	}{
		"two of three": {[][]float32{{1, 5, 0, 2, 5, 0, 3, 5, 0}}, []float64{2. / 3, 0, 0}, 2},
		"in blocks":    {[][]float32{{1, 5, 0}, nil, {2, 5, 0, 3, 5, 0}}, []float64{2. / 3, 0, 0}, 2},
		"zeros":        {[][]float32{make([]float32, 6)}, []float64{0, 0, 0}, 3},
		"alike":        {[][]float32{{0.1, 0.7, -0.3, 0.1, 0.7, -0.3, 0.1, 0.7, -0.3}}, []float64{0, 0, 0}, 3},
		"many alike":   {[][]float32{slices.Repeat([]float32{-0.99, 0.7, 1. / 3}, 101)}, []float64{0, 0, 0}, 3},
		"far from 0":   {[][]float32{{3e7, 1, 1, 3e7 + 2, 1, 1, 3e7 + 4, 1, 1}}, []float64{8. / 3, 0, 0}, 3}, // beside its size it is rounding
	} {
		s := newSpread(3)
		for _, b := range c.blocks {
			s.add(b)
		}
		for i, v := range s.variances() {
			if math.Abs(v-c.want[i]) > 1e-9 || c.want[i] == 0 && v != 0 {
				t.Errorf("%s: variance %d is %v, want %v", name, i, v, c.want[i])
			}
		}
		if got := s.constants(); got != (constants{constant: c.still, all: 3}) {
			t.Errorf("%s: %+v, want %d of 3", name, got, c.still)
		}
	}
}
