package analysis

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"aegis/internal/vm/cpu/kernel"

	"gonum.org/v1/gonum/mat"
)

// PCA is the first principal components of some rows: Pearson, "On Lines and
// Planes of Closest Fit to Systems of Points in Space" (1901).
type PCA struct {
	Mean       []float64 // (p)
	Components []float64 // (k, p): orthonormal, the largest variance first; each points where its largest weight is positive
	Variances  []float64 // (k): along each component, of n − 1
	Total      float64   // the variance along all p axes
	P, K       int
}

// pcaRows is how many rows are added up in float32 before their sum is added
// to the float64 one.
const pcaRows = 256

// exactColumns is the most columns whose covariance is factorized: the time that
// takes grows by their third power.
const exactColumns = 1024

// FitPCA finds the first k principal components of rows of p values, which come
// any whole number at a time. k is at most p; where there are fewer rows than
// that, the last components have no variance. Of more than 1,024 columns the
// components are those of a randomised range finder, which reads the rows six
// times: a sequence gives the same rows each time.
func FitPCA(ctx context.Context, rows iter.Seq2[[]float32, error], p, k int) (*PCA, error) {
	return fitPCA(ctx, rows, p, k, exactColumns)
}

// fitPCA factorises the covariance of at most so many columns.
func fitPCA(ctx context.Context, rows iter.Seq2[[]float32, error], p, k, exact int) (*PCA, error) {
	if p < 1 || k < 1 || k > p {
		return nil, fmt.Errorf("analysis: PCA: want at least one column and 1 to as many components, got %d columns and %d components", p, k)
	}
	pool, err := newPool()
	if err != nil {
		return nil, err
	}
	if p > exact {
		return findRange(ctx, pool, rows, p, k)
	}
	return fitExact(ctx, pool, rows, p, k)
}

// fitExact reads rows once.
func fitExact(ctx context.Context, pool *pool, rows iter.Seq2[[]float32, error], p, k int) (*PCA, error) {
	c := &moments{pool: pool, p: p, sum: make([]float64, p), products: make([]float64, p*p)}
	for block, err := range wholeRows(rows, p) {
		if err != nil {
			return nil, err
		}
		if err := c.add(ctx, block); err != nil {
			return nil, err
		}
	}
	if c.n < 2 {
		return nil, fmt.Errorf("analysis: PCA: want at least two rows, got %d", c.n)
	}
	return c.solve(k)
}

// wholeRows holds blocks to whole rows of finite values.
func wholeRows(rows iter.Seq2[[]float32, error], p int) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		n := 0
		for block, err := range rows {
			if err == nil && len(block)%p != 0 {
				err = fmt.Errorf("analysis: PCA: want whole rows of %d values, got a block of %d values", p, len(block))
			}
			if err == nil {
				if i := notFinite(block); i >= 0 {
					err = fmt.Errorf("analysis: PCA: want finite values, got %v in row %d, column %d", block[i], n+i/p, i%p)
				}
			}
			if !yield(block, err) || err != nil {
				return
			}
			n += len(block) / p
		}
	}
}

// moments is the first two moments of rows, less a point near their mean.
type moments struct {
	pool     *pool
	n, p     int
	shift    []float32 // (p)
	sum      []float64 // (p)
	products []float64 // (p, p): what lies on and right of the diagonal
}

// add adds rows.
func (c *moments) add(ctx context.Context, block []float32) error {
	m := Matrix{block, len(block) / c.p, c.p}
	if m.Rows > 0 && c.shift == nil {
		c.shift = m.mean()
	}
	less := make([]float32, min(pcaRows, m.Rows)*c.p)
	for from := 0; from < m.Rows; from += pcaRows {
		to := min(m.Rows, from+pcaRows)
		lessMean(less, m, from, to, c.shift)
		if err := c.addProducts(ctx, less[:(to-from)*c.p]); err != nil {
			return err
		}
	}
	c.n += m.Rows
	return nil
}

// pcaStripe is how many rows of the covariance are one task.
const pcaStripe = 32

// addProducts adds XᵀX of rows, one stripe of its rows a task.
func (c *moments) addProducts(ctx context.Context, rows []float32) error {
	n, p := len(rows)/c.p, c.p
	for i := range n {
		for j, v := range rows[i*p : (i+1)*p] {
			c.sum[j] += float64(v)
		}
	}
	return c.pool.each(ctx, (p+pcaStripe-1)/pcaStripe, func(w *worker, task int) {
		first := task * pcaStripe
		high, wide := min(pcaStripe, p-first), p-first
		dst := w.buffer(0, high*wide)
		w.set.Gemm(&kernel.Product{
			M: high, N: wide, K: n,
			A: rows[first:], RowA: 1, ColA: p,
			B: rows[first:], LdB: p,
			C: dst, LdC: wide,
		}, w.scratch)
		for i := range high {
			to := c.products[(first+i)*p+first : (first+i+1)*p]
			for j, v := range dst[i*wide : (i+1)*wide] {
				to[j] += float64(v)
			}
		}
	})
}

// solve factorizes the covariance.
func (c *moments) solve(k int) (*PCA, error) {
	n, p := float64(c.n), c.p
	a := &PCA{Mean: make([]float64, p), P: p, K: k}
	for i := range p {
		a.Mean[i] = float64(c.shift[i]) + c.sum[i]/n
		row := c.products[i*p : (i+1)*p]
		for j := i; j < p; j++ {
			row[j] = (row[j] - c.sum[i]*c.sum[j]/n) / (n - 1)
		}
		row[i] = max(0, row[i])
		a.Total += row[i]
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(mat.NewSymDense(p, c.products), true) {
		return nil, errors.New("analysis: PCA: the eigenvalues of the covariance did not converge")
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	values := eigen.Values(nil) // ascending
	a.Components, a.Variances = make([]float64, k*p), make([]float64, k)
	for i := range k {
		component := a.component(i)
		mat.Col(component, p-1-i, &vectors)
		point(component)
		a.Variances[i] = max(0, values[p-1-i])
	}
	return a, nil
}

func (a *PCA) component(i int) []float64 { return a.Components[i*a.P : (i+1)*a.P] }

// point turns a vector to where its first largest weight is positive.
func point(v []float64) {
	largest := 0
	for j := range v {
		if math.Abs(v[j]) > math.Abs(v[largest]) {
			largest = j
		}
	}
	if v[largest] < 0 {
		for j := range v {
			v[j] = -v[j]
		}
	}
}

// Shares returns the share of the whole variance along each component, (k); 0
// where there is none.
func (a *PCA) Shares() []float64 {
	shares := make([]float64, a.K)
	for i := range shares {
		if a.Total > 0 {
			shares[i] = a.Variances[i] / a.Total
		}
	}
	return shares
}

// Project writes the coordinates of rows on the components into dst (n,k).
// rows is (n,p).
func (a *PCA) Project(ctx context.Context, dst, rows []float32) error {
	if len(rows)%a.P != 0 || len(dst) != len(rows)/a.P*a.K {
		return fmt.Errorf("analysis: PCA: want rows of %d values and %d coordinates for each, got %d values and %d coordinates", a.P, a.K, len(rows), len(dst))
	}
	// (x − mean)·Cᵀ, of what was rounded to float32 after the mean is gone.
	turned := make([]float32, a.P*a.K)
	for i := range a.K {
		for j, v := range a.component(i) {
			turned[j*a.K+i] = float32(v)
		}
	}
	m := Matrix{rows, len(rows) / a.P, a.P}
	mean := narrow(a.Mean)
	return a.blocks(ctx, m.Rows, func(w *worker, from, to int) {
		less := w.buffer(0, (to-from)*a.P)
		lessMean(less, m, from, to, mean)
		w.set.Gemm(&kernel.Product{
			M: to - from, N: a.K, K: a.P, A: less, RowA: a.P, ColA: 1,
			B: turned, LdB: a.K, C: dst[from*a.K : to*a.K], LdC: a.K,
		}, w.scratch)
	})
}

// Reconstruct writes the rows of coordinates (n,k) into dst (n,p).
func (a *PCA) Reconstruct(ctx context.Context, dst, coordinates []float32) error {
	if len(coordinates)%a.K != 0 || len(dst) != len(coordinates)/a.K*a.P {
		return fmt.Errorf("analysis: PCA: want %d coordinates for each row of %d values, got %d coordinates and %d values", a.K, a.P, len(coordinates), len(dst))
	}
	components, mean := narrow(a.Components), narrow(a.Mean)
	return a.blocks(ctx, len(coordinates)/a.K, func(w *worker, from, to int) {
		w.set.Gemm(&kernel.Product{
			M: to - from, N: a.P, K: a.K, A: coordinates[from*a.K : to*a.K], RowA: a.K, ColA: 1,
			B: components, LdB: a.P, C: dst[from*a.P : to*a.P], LdC: a.P, Bias: mean,
		}, w.scratch)
	})
}

// Residuals writes into dst (n,p) what the components leave of rows (n,p):
// their reconstructions less they themselves.
func (a *PCA) Residuals(ctx context.Context, dst, rows []float32) error {
	coordinates := make([]float32, len(rows)/a.P*a.K)
	if err := a.Project(ctx, coordinates, rows); err != nil {
		return err
	}
	if err := a.Reconstruct(ctx, dst, coordinates); err != nil {
		return err
	}
	for i, v := range rows {
		dst[i] -= v
	}
	return nil
}

// blocks does rows by blocks on all cores.
func (a *PCA) blocks(ctx context.Context, n int, do func(w *worker, from, to int)) error {
	pool, err := newPool()
	if err != nil {
		return err
	}
	return pool.each(ctx, (n+pcaRows-1)/pcaRows, func(w *worker, task int) {
		do(w, task*pcaRows, min(n, (task+1)*pcaRows))
	})
}

func narrow(values []float64) []float32 {
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = float32(v)
	}
	return out
}
