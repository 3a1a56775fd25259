// Package analysis has the algorithms by which codes and scores are judged and
// used: principal components, clusters, nearest neighbours, a logistic probe,
// mixtures of normal distributions, t-SNE, and the metrics beside them.
//
// It knows flat slices and their sizes and nothing of models. Shapes: n rows of
// p values, k clusters, components or neighbours. Values are float32 as models
// have them; whatever is added up over rows is float64.
//
// What takes long runs on all cores. Work is cut into pieces by sizes alone and
// the pieces' sums are added in order, and random numbers are those of package
// philox by a seed, so that results do not depend on the number of threads.
package analysis

import (
	"fmt"
	"iter"
	"math"
)

// Matrix is rows of values, one behind the other.
type Matrix struct {
	Values []float32 // (Rows, Cols)
	Rows   int       // n
	Cols   int       // p
}

// Row returns row i, (p).
func (m Matrix) Row(i int) []float32 { return m.Values[i*m.Cols : (i+1)*m.Cols : (i+1)*m.Cols] }

// Blocks goes through a matrix by blocks of at most rows rows, as [FitPCA]
// reads it. A block is a part of the matrix, not a copy.
func (m Matrix) Blocks(rows int) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		for from := 0; from < m.Rows; from += rows {
			to := min(m.Rows, from+rows)
			if !yield(m.Values[from*m.Cols:to*m.Cols], nil) {
				return
			}
		}
	}
}

// check holds a matrix to its sizes and its values to finite numbers.
func (m Matrix) check(operation string) error {
	if m.Rows < 1 || m.Cols < 1 || m.Rows > math.MaxInt/m.Cols || len(m.Values) != m.Rows*m.Cols {
		return fmt.Errorf("analysis: %s: want at least one row and one column and a value for each place, got %d rows of %d with %d values", operation, m.Rows, m.Cols, len(m.Values))
	}
	if i := notFinite(m.Values); i >= 0 {
		return fmt.Errorf("analysis: %s: want finite values, got %v in row %d, column %d", operation, m.Values[i], i/m.Cols, i%m.Cols)
	}
	return nil
}

// notFinite returns the place of the first value that is NaN or infinite, or
// -1.
func notFinite(values []float32) int {
	for i, v := range values {
		if v-v != 0 {
			return i
		}
	}
	return -1
}

// mean returns the mean of each column, (p).
func (m Matrix) mean() []float32 {
	sum := make([]float64, m.Cols)
	for i := range m.Rows {
		for j, v := range m.Row(i) {
			sum[j] += float64(v)
		}
	}
	mean := make([]float32, m.Cols)
	for j := range mean {
		mean[j] = float32(sum[j] / float64(m.Rows))
	}
	return mean
}

// squaredDistance returns |a − b|².
func squaredDistance(a, b []float32) float64 {
	var sum float64
	for j, v := range a {
		d := float64(v) - float64(b[j])
		sum += d * d
	}
	return sum
}
