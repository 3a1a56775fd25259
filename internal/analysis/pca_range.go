package analysis

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"aegis/data/philox"
	"aegis/internal/vm/cpu/kernel"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

const (
	rangeMore   = 10 // directions beyond those that are wanted at least, or half as many
	rangePasses = 5  // times that the covariance turns the directions
	rangeSeed   = 1
	rangeRows   = 32  // less their mean are one task
	rangeStripe = 256 // columns are one task
)

// rangeFinder finds the first components of rows that are too wide for their
// covariance: Halko, Martinsson and Tropp, "Finding Structure with Randomness"
// (2011). Directions that are drawn by a seed are multiplied by the covariance,
// rows by rows, and made orthonormal, over and over; each time they lean more
// towards the components. Within their span the components are found exactly.
type rangeFinder struct {
	pool  *pool
	rows  iter.Seq2[[]float32, error]
	p, l  int
	n     int
	mean  []float32 // (p)
	total float64   // the sum of squares less the mean

	basis   []float64 // (p,l): orthonormal columns
	narrow  []float32 // the same
	turned  []float64 // (p,l): the sum of x·xᵀ·basis over rows x less their mean
	less    []float32 // (pcaRows,p): rows less their mean
	onBasis []float32 // (pcaRows,l): their coordinates
}

// findRange reads rows rangePasses+1 times.
func findRange(ctx context.Context, pool *pool, rows iter.Seq2[[]float32, error], p, k int) (*PCA, error) {
	l := min(p, k+max(rangeMore, k/2))
	f := &rangeFinder{
		pool: pool, rows: rows, p: p, l: l,
		basis: make([]float64, p*l), narrow: make([]float32, p*l), turned: make([]float64, p*l),
		less: make([]float32, pcaRows*p), onBasis: make([]float32, pcaRows*l),
	}
	if err := f.measure(ctx); err != nil {
		return nil, err
	}
	draw, normals := philox.Stream{Seed: rangeSeed, Purpose: philox.For("principal components")}, make([]float32, l)
	for i := range p {
		draw.Normals(normals, 0, uint32(i))
		for j, v := range normals {
			f.basis[i*l+j] = float64(v)
		}
	}
	f.orthonormalise()
	for pass := range rangePasses {
		if err := f.turn(ctx); err != nil {
			return nil, err
		}
		if pass < rangePasses-1 {
			f.basis, f.turned = f.turned, f.basis
			f.orthonormalise()
		}
	}
	return f.solve(k)
}

// measure makes the mean and the sum of squares.
func (f *rangeFinder) measure(ctx context.Context) error {
	sums, squares := make([]float64, f.p), make([]float64, f.p)
	var shift []float32
	for block, err := range wholeRows(f.rows, f.p) {
		if err != nil {
			return err
		}
		m := Matrix{block, len(block) / f.p, f.p}
		if shift == nil && m.Rows > 0 {
			shift = m.mean()
		}
		err := f.stripes(ctx, func(_ *worker, from, to int) {
			for i := range m.Rows {
				for j, v := range m.Row(i)[from:to] {
					d := float64(v) - float64(shift[from+j])
					sums[from+j] += d
					squares[from+j] += d * d
				}
			}
		})
		if err != nil {
			return err
		}
		f.n += m.Rows
	}
	if f.n < 2 {
		return fmt.Errorf("analysis: PCA: want at least two rows, got %d", f.n)
	}
	f.mean = make([]float32, f.p)
	for j, sum := range sums {
		f.mean[j] = float32(float64(shift[j]) + sum/float64(f.n))
		f.total += max(0, squares[j]-sum*sum/float64(f.n))
	}
	return nil
}

// stripes does columns by stripes on all cores.
func (f *rangeFinder) stripes(ctx context.Context, do func(w *worker, from, to int)) error {
	return f.pool.each(ctx, (f.p+rangeStripe-1)/rangeStripe, func(w *worker, task int) {
		do(w, task*rangeStripe, min(f.p, (task+1)*rangeStripe))
	})
}

// turn multiplies the basis by the covariance, times n − 1.
func (f *rangeFinder) turn(ctx context.Context) error {
	for i, v := range f.basis {
		f.narrow[i] = float32(v)
	}
	clear(f.turned)
	n := 0
	for block, err := range wholeRows(f.rows, f.p) {
		if err != nil {
			return err
		}
		m := Matrix{block, len(block) / f.p, f.p}
		for from := 0; from < m.Rows; from += pcaRows {
			if err := f.add(ctx, m, from, min(m.Rows, from+pcaRows)); err != nil {
				return err
			}
		}
		n += m.Rows
	}
	if n != f.n {
		return fmt.Errorf("analysis: PCA: want the same rows each time that they are read, got %d and then %d", f.n, n)
	}
	return nil
}

// add adds x·(xᵀ·basis) of some rows x.
func (f *rangeFinder) add(ctx context.Context, m Matrix, from, to int) error {
	n, p, l := to-from, f.p, f.l
	err := f.pool.each(ctx, (n+rangeRows-1)/rangeRows, func(w *worker, task int) {
		first, last := task*rangeRows, min(n, (task+1)*rangeRows)
		lessMean(f.less[first*p:], m, from+first, from+last, f.mean)
		w.set.Gemm(&kernel.Product{
			M: last - first, N: l, K: p, A: f.less[first*p:], RowA: p, ColA: 1,
			B: f.narrow, LdB: l, C: f.onBasis[first*l:], LdC: l,
		}, w.scratch)
	})
	if err != nil {
		return err
	}
	return f.stripes(ctx, func(w *worker, first, last int) {
		dst := w.buffer(0, (last-first)*l)
		w.set.Gemm(&kernel.Product{
			M: last - first, N: l, K: n, A: f.less[first:], RowA: 1, ColA: p,
			B: f.onBasis, LdB: l, C: dst, LdC: l,
		}, w.scratch)
		for i, v := range dst {
			f.turned[first*l+i] += float64(v)
		}
	})
}

// orthonormalise makes the columns of the basis so, by Householder's
// reflections: where rows are fewer than directions too.
func (f *rangeFinder) orthonormalise() {
	q := blas64.General{Rows: f.p, Cols: f.l, Stride: f.l, Data: f.basis}
	tau, size := make([]float64, f.l), make([]float64, 1)
	lapack64.Geqrf(q, tau, size, -1)
	work := make([]float64, int(size[0]))
	lapack64.Geqrf(q, tau, work, len(work))
	lapack64.Orgqr(q, tau, size, -1)
	work = make([]float64, int(size[0]))
	lapack64.Orgqr(q, tau, work, len(work))
}

// solve finds the components within the basis: the covariance there is
// basisᵀ·turned.
func (f *rangeFinder) solve(k int) (*PCA, error) {
	basis, turned := mat.NewDense(f.p, f.l, f.basis), mat.NewDense(f.p, f.l, f.turned)
	var within mat.Dense
	within.Mul(basis.T(), turned)
	covariance := mat.NewSymDense(f.l, nil)
	for i := range f.l {
		for j := i; j < f.l; j++ {
			covariance.SetSym(i, j, (within.At(i, j)+within.At(j, i))/2/float64(f.n-1))
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(covariance, true) {
		return nil, errors.New("analysis: PCA: the eigenvalues of the covariance did not converge")
	}
	var vectors, components mat.Dense
	eigen.VectorsTo(&vectors)
	components.Mul(basis, &vectors)
	a := &PCA{
		Mean: make([]float64, f.p), Components: make([]float64, k*f.p), Variances: make([]float64, k),
		Total: f.total / float64(f.n-1), P: f.p, K: k,
	}
	for j, v := range f.mean {
		a.Mean[j] = float64(v)
	}
	values := eigen.Values(nil) // ascending
	for i := range k {
		component := a.component(i)
		mat.Col(component, f.l-1-i, &components)
		point(component)
		a.Variances[i] = math.Max(0, values[f.l-1-i])
	}
	return a, nil
}
