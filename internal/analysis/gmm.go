package analysis

import (
	"context"
	"fmt"
	"math"
	"slices"

	"aegis/data/philox"
	"aegis/internal/vm/cpu/kernel"

	"gonum.org/v1/gonum/mat"
)

// GMM is a mixture of normal distributions with full covariances.
type GMM struct {
	K, P       int
	Weights    []float64 // (k): sum to 1
	Means      []float64 // (k, p)
	Factors    []float64 // (k, p, p): lower Cholesky factors of the covariances
	Likelihood float64   // the mean log density of the rows fitted
	Iterations int
}

// GMMOptions is how [FitGMM] fits.
type GMMOptions struct {
	K          int     // components
	Seed       uint64  // of k-means's starts
	Iterations int     // at most; 0 is 100
	Tolerance  float64 // the fit has ended when the mean log density gains no more; 0 is 1e-4
	// Regularise is added to each variance, so that few rows, or columns that
	// never change, have a density too; 0 is a thousandth of the mean variance
	// of the columns.
	Regularise float64
}

// FitGMM fits a mixture by expectation maximisation (Dempster, Laird and Rubin,
// 1977) from the clusters of [KMeans].
func FitGMM(ctx context.Context, rows Matrix, o GMMOptions) (*GMM, error) {
	clusters, err := KMeans(ctx, rows, KMeansOptions{K: o.K, Seed: o.Seed, Iterations: 30})
	if err != nil {
		return nil, fmt.Errorf("analysis: mixture: %w", err)
	}
	return fitGMM(ctx, rows, clusters.Assignments, o)
}

// fitGMM fits from clusters.
func fitGMM(ctx context.Context, rows Matrix, clusters []int32, o GMMOptions) (*GMM, error) {
	if o.Iterations == 0 {
		o.Iterations = 100
	}
	if o.Tolerance == 0 {
		o.Tolerance = 1e-4
	}
	if o.Regularise == 0 {
		o.Regularise = max(meanVariance(rows)/1000, 1e-12)
	}
	pool, err := newPool()
	if err != nil {
		return nil, err
	}
	k, p := o.K, rows.Cols
	g := &GMM{K: k, P: p, Weights: make([]float64, k), Means: make([]float64, k*p), Factors: make([]float64, k*p*p)}
	e := &expectation{pool: pool, rows: rows, g: g, o: o, shares: make([]float64, rows.Rows*k), density: make([]float64, rows.Rows)}
	for i, c := range clusters {
		e.shares[i*k+int(c)] = 1
	}
	before := math.Inf(-1)
	for g.Iterations = 1; ; g.Iterations++ {
		if err := e.maximise(ctx); err != nil {
			return nil, err
		}
		if err := e.expect(ctx); err != nil {
			return nil, err
		}
		g.Likelihood = sum(e.density) / float64(rows.Rows)
		if g.Likelihood-before <= o.Tolerance || g.Iterations >= o.Iterations {
			return g, nil
		}
		before = g.Likelihood
	}
}

// meanVariance is the mean of the columns' variances.
func meanVariance(m Matrix) float64 {
	mean := m.mean()
	var total float64
	for i := range m.Rows {
		total += squaredDistance(m.Row(i), mean)
	}
	return total / float64(len(m.Values))
}

// expectation is the memory of a fit.
type expectation struct {
	pool    *pool
	rows    Matrix
	g       *GMM
	o       GMMOptions
	shares  []float64 // (n, k): of each component in each row
	density []float64 // (n): log density
}

// expect makes the shares and the log densities of rows.
func (e *expectation) expect(ctx context.Context) error {
	k := e.g.K
	scales, constants, err := e.g.precisions()
	if err != nil {
		return err
	}
	return e.pool.each(ctx, (e.rows.Rows+pcaRows-1)/pcaRows, func(w *worker, task int) {
		from, to := task*pcaRows, min(e.rows.Rows, (task+1)*pcaRows)
		for c := range k {
			e.g.logDensities(w, e.shares[from*k:], c, e.rows, from, to, scales, constants[c])
		}
		for i := from; i < to; i++ {
			shares := e.shares[i*k : (i+1)*k]
			most := 0
			for c, v := range shares {
				if v > shares[most] {
					most = c
				}
			}
			if math.IsInf(shares[most], -1) { // too far from all to be told
				e.density[i] = math.Inf(-1)
				for c := range shares {
					shares[c] = 1 / float64(k)
				}
				continue
			}
			density := shares[most]
			e.density[i] = density - softmax(shares, most)
		}
	})
}

// precisions returns the inverse of each factor transposed, in float32 (k,p,p),
// and the part of each log density that no row changes (k).
func (g *GMM) precisions() (scales []float32, constants []float64, err error) {
	k, p := g.K, g.P
	scales, constants = make([]float32, k*p*p), make([]float64, k)
	for c := range k {
		factor := mat.NewTriDense(p, mat.Lower, slices.Clone(g.Factors[c*p*p:(c+1)*p*p]))
		constants[c] = math.Log(g.Weights[c]) - float64(p)/2*math.Log(2*math.Pi)
		for j := range p {
			constants[c] -= math.Log(factor.At(j, j))
		}
		var inverse mat.TriDense
		if err := inverse.InverseTri(factor); err != nil {
			if _, badly := err.(mat.Condition); !badly {
				return nil, nil, fmt.Errorf("analysis: mixture: component %d: %w", c, err)
			}
		}
		for i := range p {
			for j := range i + 1 {
				scales[c*p*p+j*p+i] = float32(inverse.At(i, j))
			}
		}
	}
	return scales, constants, nil
}

// logDensities writes the log of weight times density of component c for rows
// from up to to into every K-th value of dst: constant − ½·|L⁻¹·(x − mean)|².
func (g *GMM) logDensities(w *worker, dst []float64, c int, rows Matrix, from, to int, scales []float32, constant float64) {
	p := g.P
	less := w.buffer(0, (to-from)*p)
	lessMean(less, rows, from, to, narrow(g.Means[c*p:(c+1)*p]))
	out := w.buffer(1, (to-from)*p)
	w.set.Gemm(&kernel.Product{M: to - from, N: p, K: p, A: less, RowA: p, ColA: 1, B: scales[c*p*p:], LdB: p, C: out, LdC: p}, w.scratch)
	for i := range to - from {
		var square float64
		for _, v := range out[i*p : (i+1)*p] {
			square += float64(v) * float64(v)
		}
		dst[i*g.K+c] = constant - square/2
	}
}

// maximise makes the mixture of the shares, one component a task.
func (e *expectation) maximise(ctx context.Context) error {
	failed := make([]error, e.g.K)
	err := e.pool.each(ctx, e.g.K, func(w *worker, c int) { failed[c] = e.component(w, c) })
	if err != nil {
		return err
	}
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	total := sum(e.g.Weights)
	for c := range e.g.Weights {
		e.g.Weights[c] /= total
	}
	return nil
}

// component makes the weight, mean and factor of one component.
func (e *expectation) component(w *worker, c int) error {
	k, p, n := e.g.K, e.g.P, e.rows.Rows
	const least = 1e-10 // a component without rows stays where it is
	weight := least
	mean := make([]float64, p)
	for i := range n {
		share := e.shares[i*k+c]
		weight += share
		for j, v := range e.rows.Row(i) {
			mean[j] += share * float64(v)
		}
	}
	e.g.Weights[c] = weight / float64(n)
	if weight <= 2*least && e.g.Factors[c*p*p] > 0 {
		return nil
	}
	for j := range mean {
		mean[j] /= weight
	}
	copy(e.g.Means[c*p:], mean)
	covariance := mat.NewSymDense(p, e.scatter(w, c, narrow(mean)))
	for i := range p {
		for j := i; j < p; j++ {
			covariance.SetSym(i, j, covariance.At(i, j)/weight)
		}
		covariance.SetSym(i, i, covariance.At(i, i)+e.o.Regularise)
	}
	var cholesky mat.Cholesky
	if !cholesky.Factorize(covariance) {
		return fmt.Errorf("analysis: mixture: the covariance of component %d of %d rows is not positive; want a larger regularisation than %v", c, n, e.o.Regularise)
	}
	var factor mat.TriDense
	cholesky.LTo(&factor)
	for i := range p {
		for j := range i + 1 {
			e.g.Factors[c*p*p+i*p+j] = factor.At(i, j)
		}
	}
	return nil
}

// scatter returns Σ share·(x − mean)·(x − mean)ᵀ, (p,p).
func (e *expectation) scatter(w *worker, c int, mean []float32) []float64 {
	k, p, n := e.g.K, e.g.P, e.rows.Rows
	total := make([]float64, p*p)
	for from := 0; from < n; from += pcaRows {
		to := min(n, from+pcaRows)
		less := w.buffer(0, (to-from)*p)
		lessMean(less, e.rows, from, to, mean)
		for i := from; i < to; i++ {
			root := float32(math.Sqrt(e.shares[i*k+c]))
			for j := range p {
				less[(i-from)*p+j] *= root
			}
		}
		out := w.buffer(1, p*p)
		w.set.Gemm(&kernel.Product{M: p, N: p, K: to - from, A: less, RowA: 1, ColA: p, B: less, LdB: p, C: out, LdC: p}, w.scratch)
		for i, v := range out {
			total[i] += float64(v)
		}
	}
	return total
}

// LogDensities returns the logarithm of the mixture's density at each row.
func (g *GMM) LogDensities(ctx context.Context, rows Matrix) ([]float64, error) {
	if err := rows.check("mixture"); err != nil {
		return nil, err
	}
	if rows.Cols != g.P {
		return nil, fmt.Errorf("analysis: mixture: want rows of %d values, got %d", g.P, rows.Cols)
	}
	pool, err := newPool()
	if err != nil {
		return nil, err
	}
	e := &expectation{pool: pool, rows: rows, g: g, shares: make([]float64, rows.Rows*g.K), density: make([]float64, rows.Rows)}
	return e.density, e.expect(ctx)
}

// Sample draws n rows, (n, p), by seed. Row i is the same whatever n is.
func (g *GMM) Sample(n int, seed uint64) []float32 {
	p := g.P
	draw := philox.Stream{Seed: seed, Purpose: philox.For("mixture")}
	rows, normals := make([]float32, n*p), make([]float32, p)
	for i := range n {
		c := pick(g.Weights, fraction(draw, 0, uint32(i), 0), 0)
		draw.Normals(normals, 1, uint32(i))
		factor := g.Factors[c*p*p : (c+1)*p*p]
		for j := range p {
			v := g.Means[c*p+j]
			for l, x := range normals[:j+1] {
				v += factor[j*p+l] * float64(x)
			}
			rows[i*p+j] = float32(v)
		}
	}
	return rows
}
