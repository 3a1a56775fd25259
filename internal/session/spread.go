package session

import "math"

// spread gathers how far the columns of rows of values lie apart, some rows at
// a time. It measures from the first row, so that rounding makes no spread of
// columns that are constant.
type spread struct {
	rows, zeros  int       // rows, and values that are 0
	first        []float32 // nil before the first row
	sum, squares []float64 // of what the columns differ by from the first row
	largest      float64   // of all values, without their sign
}

func newSpread(width int) *spread {
	return &spread{sum: make([]float64, width), squares: make([]float64, width)}
}

// add takes rows, one after the other.
func (s *spread) add(values []float32) {
	width := len(s.sum)
	if s.first == nil {
		s.first = append(s.first, values[:min(width, len(values))]...)
	}
	for row := values; len(row) >= width; row = row[width:] {
		for i, v := range row[:width] {
			d := float64(v) - float64(s.first[i])
			s.sum[i] += d
			s.squares[i] += d * d
			if v == 0 {
				s.zeros++
			}
			s.largest = max(s.largest, math.Abs(float64(v)))
		}
		s.rows++
	}
}

// zeroShare returns the share of values that are 0.
func (s *spread) zeroShare() float64 {
	return float64(s.zeros) / (float64(s.rows) * float64(len(s.sum)))
}

// means returns that of each column.
func (s *spread) means() []float64 {
	all := make([]float64, len(s.sum))
	for i, sum := range s.sum {
		all[i] = float64(s.first[i]) + sum/float64(s.rows)
	}
	return all
}

// variances returns that of each column.
func (s *spread) variances() []float64 {
	all := make([]float64, len(s.sum))
	for i, sum := range s.sum {
		mean := sum / float64(s.rows)
		all[i] = max(0, s.squares[i]/float64(s.rows)-mean*mean)
	}
	return all
}

// constants counts the columns that never change, or by rounding alone.
type constants struct{ constant, all int }

func (s *spread) constants() constants {
	c := constants{all: len(s.sum)}
	for _, v := range s.variances() {
		const nothing = 1e-12 // of what the largest value would give
		if v <= nothing*s.largest*s.largest {
			c.constant++
		}
	}
	return c
}
