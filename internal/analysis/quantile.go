package analysis

import (
	"fmt"
	"math"
	"slices"
)

// Quantile returns the q-quantile of sorted values, 0 ≤ q ≤ 1, interpolated
// linearly between the two next to q·(n−1): definition 7 of Hyndman and Fan,
// "Sample Quantiles in Statistical Packages" (1996). NaN where there is none.
func Quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 || !(q >= 0 && q <= 1) {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return between(sorted[low], sorted[low+1], at-float64(low))
}

// between returns a + (b−a)·t, and a where both are the same, infinite too.
func between(a, b, t float64) float64 {
	if a == b || t == 0 {
		return a
	}
	return a + (b-a)*t
}

// Sketch is the quantiles of many values: about a thousand of them, from
// which any other is interpolated. They lie a 512th apart in the middle, and
// towards both ends 64 to each halving of the distance from it, as far as
// there are values. It can be kept as JSON.
type Sketch struct {
	N      int       `json:"n"`      // values sketched
	Q      []float64 `json:"q"`      // rising, from 0 to 1
	Values []float64 `json:"values"` // the quantile of each
}

// NewSketch makes the quantiles of values, which need not be sorted.
func NewSketch(values []float64) (*Sketch, error) {
	for i, v := range values {
		if v-v != 0 {
			return nil, fmt.Errorf("analysis: quantiles: want finite values, got %v in row %d", v, i)
		}
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("analysis: quantiles: want at least one value, got none")
	}
	sorted := slices.Sorted(slices.Values(values))
	s := &Sketch{N: len(values), Q: places(len(values))}
	for _, q := range s.Q {
		s.Values = append(s.Values, Quantile(sorted, q))
	}
	return s, nil
}

// places returns which quantiles of n values are kept.
func places(n int) []float64 {
	var low []float64 // below a half
	for i := 64; i < 256; i++ {
		low = append(low, float64(i)/512)
	}
	// Below an eighth: 64 to each halving, until the tail holds no value.
	for q := 0.125 * math.Exp2(-1.0/64); q*float64(n-1) > 0.5 && len(low) < 1024; q *= math.Exp2(-1.0 / 64) {
		low = append(low, q)
	}
	all := []float64{0, 0.5, 1}
	for _, q := range low {
		all = append(all, q, 1-q)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Check holds a sketch, as one read from a file, to its form.
func (s *Sketch) Check() error {
	ok := s.N > 0 && len(s.Q) == len(s.Values) && len(s.Q) >= 2 && s.Q[0] == 0 && s.Q[len(s.Q)-1] == 1
	for i := 0; ok && i < len(s.Q); i++ {
		ok = s.Values[i]-s.Values[i] == 0 && (i == 0 || s.Q[i] > s.Q[i-1] && s.Values[i] >= s.Values[i-1])
	}
	if !ok {
		return fmt.Errorf("analysis: quantiles: want rising places from 0 to 1 with a rising finite value each, got %d places and %d values of %d", len(s.Q), len(s.Values), s.N)
	}
	return nil
}

// Quantile returns the q-quantile, 0 ≤ q ≤ 1, otherwise NaN.
func (s *Sketch) Quantile(q float64) float64 {
	if !(q >= 0 && q <= 1) {
		return math.NaN()
	}
	i, found := slices.BinarySearch(s.Q, q)
	if found {
		return s.Values[i]
	}
	return between(s.Values[i-1], s.Values[i], (q-s.Q[i-1])/(s.Q[i]-s.Q[i-1]))
}

// Share returns about which share of the values lies below v: the place of
// which v is the quantile, of several such the middle one.
func (s *Sketch) Share(v float64) float64 {
	first, _ := slices.BinarySearch(s.Values, v) // values before it are below v
	last := first
	for last < len(s.Values) && s.Values[last] == v {
		last++
	}
	switch {
	case first < last:
		return (s.Q[first] + s.Q[last-1]) / 2
	case first == 0:
		return 0
	case first == len(s.Values):
		return 1
	}
	low, high := s.Values[first-1], s.Values[first]
	return between(s.Q[first-1], s.Q[first], (v-low)/(high-low))
}
