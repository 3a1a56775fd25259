package analysis

import (
	"context"
	"fmt"
	"math"

	"aegis/data/philox"
)

// MaxTSNERows is the most rows that [TSNE] takes: it holds the affinities of
// all pairs, 4 bytes each.
const MaxTSNERows = 5000

// TSNEOptions is how [TSNE] places rows.
type TSNEOptions struct {
	Perplexity float64 // 0 is 30; at most a third of the other rows
	Iterations int     // 0 is 750, of which the first third, 250 at most, exaggerates
	Seed       uint64
	// Progress is called after each iteration, with how many are done.
	Progress func(done, of int)
}

// exaggeration is how much stronger rows attract each other at first.
const exaggeration = 12

// TSNE places rows in the plane so that near ones stay near, (n, 2): van der
// Maaten and Hinton, "Visualizing Data using t-SNE" (2008), all pairs. It
// starts from the first two principal components, with a little noise by which
// equal rows part, and steps as far as Belkina et al. say (2019).
func TSNE(ctx context.Context, rows Matrix, o TSNEOptions) ([]float32, error) {
	if err := rows.check("t-SNE"); err != nil {
		return nil, err
	}
	if rows.Rows < 4 || rows.Rows > MaxTSNERows || o.Perplexity < 0 || o.Iterations < 0 {
		return nil, fmt.Errorf("analysis: t-SNE: want 4 to %d rows and no negative perplexity or iterations, got %d rows, %v and %d", MaxTSNERows, rows.Rows, o.Perplexity, o.Iterations)
	}
	if o.Perplexity == 0 {
		o.Perplexity = 30
	}
	o.Perplexity = min(o.Perplexity, float64(rows.Rows-1)/3)
	if o.Iterations == 0 {
		o.Iterations = 750
	}
	pool, err := newPool()
	if err != nil {
		return nil, err
	}
	t := &tsne{pool: pool, n: rows.Rows}
	if t.p, err = affinities(ctx, pool, rows, o.Perplexity); err != nil {
		return nil, err
	}
	if err := t.begin(ctx, rows, o.Seed); err != nil {
		return nil, err
	}
	for i := range o.Iterations {
		early := i < min(250, o.Iterations/3)
		if err := t.step(ctx, early); err != nil {
			return nil, err
		}
		if o.Progress != nil {
			o.Progress(i+1, o.Iterations)
		}
	}
	return t.y, nil
}

// affinities returns the joint affinities of all pairs, (n,n), symmetric, which
// sum to 1: the mean of both rows' Gaussian ones, whose widths give each row
// the perplexity asked for.
func affinities(ctx context.Context, pool *pool, rows Matrix, perplexity float64) ([]float32, error) {
	n := rows.Rows
	p := make([]float32, n*n)
	to := newAcross(rows, 0, n, rows.mean())
	const block = 16
	err := pool.each(ctx, (n+block-1)/block, func(w *worker, task int) {
		from, end := task*block, min(n, (task+1)*block)
		distances := to.distances(w, rows, from, end)
		squared := make([]float64, n)
		for i := from; i < end; i++ {
			for j, d := range distances[(i-from)*n : (i-from+1)*n] {
				squared[j] = max(0, float64(d)+float64(to.length[i]))
			}
			conditional(p[i*n:(i+1)*n], squared, i, math.Log(perplexity))
		}
	})
	if err != nil {
		return nil, err
	}
	err = pool.each(ctx, n, func(_ *worker, i int) {
		for j := i + 1; j < n; j++ {
			v := (p[i*n+j] + p[j*n+i]) / float32(2*n)
			p[i*n+j], p[j*n+i] = v, v
		}
	})
	return p, err
}

// conditional writes row i's affinities to the others, e^(−β·d²) over their
// sum, with the β by which they have an entropy, found by halving.
func conditional(dst []float32, squared []float64, i int, want float64) {
	nearest := math.Inf(1)
	for j, d := range squared {
		if j != i {
			nearest = min(nearest, d)
		}
	}
	beta, low, high := 1.0, 0.0, math.Inf(1)
	var total float64
	for range 100 {
		var moment float64
		total = 0
		for j, d := range squared {
			if j != i {
				e := math.Exp(-beta * (d - nearest))
				total += e
				moment += e * (d - nearest)
			}
		}
		entropy := math.Log(total) + beta*moment/total
		if math.Abs(entropy-want) < 1e-5 {
			break
		}
		if entropy > want {
			low = beta
		} else {
			high = beta
		}
		if math.IsInf(high, 1) {
			beta *= 2
		} else {
			beta = (low + high) / 2
		}
	}
	for j, d := range squared {
		dst[j] = float32(math.Exp(-beta*(d-nearest)) / total)
	}
	dst[i] = 0
}

// tsne is the state of a placement.
type tsne struct {
	pool     *pool
	n        int
	p        []float32 // (n,n)
	y        []float32 // (n,2)
	velocity []float32 // (n,2)
	gains    []float32 // (n,2)
	attract  []float32 // (n,2)
	repel    []float32 // (n,2)
	sums     []float64 // (n): of each row's kernel values
}

// begin places rows by their principal components, the first with a standard
// deviation of 1e-4.
func (t *tsne) begin(ctx context.Context, rows Matrix, seed uint64) error {
	n := t.n
	for _, part := range []*[]float32{&t.y, &t.velocity, &t.gains, &t.attract, &t.repel} {
		*part = make([]float32, 2*n)
	}
	t.sums = make([]float64, n)
	for i := range t.gains {
		t.gains[i] = 1
	}
	axes := min(2, rows.Cols)
	pca, err := FitPCA(ctx, rows.Blocks(1024), rows.Cols, axes)
	if err != nil {
		return fmt.Errorf("analysis: t-SNE: %w", err)
	}
	at := make([]float32, n*axes)
	if err := pca.Project(ctx, at, rows.Values); err != nil {
		return fmt.Errorf("analysis: t-SNE: %w", err)
	}
	scale := 0.0
	if pca.Variances[0] > 0 {
		scale = 1e-4 / math.Sqrt(pca.Variances[0])
	}
	noise := make([]float32, 2*n)
	philox.Stream{Seed: seed, Purpose: philox.For("t-sne")}.Normals(noise, 0, 0)
	for i := range n {
		for a := range axes {
			t.y[2*i+a] = float32(scale * float64(at[i*axes+a]))
		}
		t.y[2*i] += 1e-6 * noise[2*i]
		t.y[2*i+1] += 1e-6 * noise[2*i+1]
	}
	return nil
}

// step moves all rows down the gradient, with momentum and a gain for each
// coordinate that grows while its direction stays (Jacobs, 1988).
func (t *tsne) step(ctx context.Context, early bool) error {
	const block = 64
	err := t.pool.each(ctx, (t.n+block-1)/block, func(_ *worker, task int) {
		for i := task * block; i < min(t.n, (task+1)*block); i++ {
			t.forces(i)
		}
	})
	if err != nil {
		return err
	}
	attraction, momentum := float32(1), float32(0.8)
	if early {
		attraction, momentum = exaggeration, 0.5
	}
	rate := float32(max(float64(t.n)/exaggeration/4, 50))
	repulsion := float32(1 / sum(t.sums))
	var mean [2]float64
	for i := range t.y {
		gradient := 4 * (attraction*t.attract[i] - repulsion*t.repel[i])
		if (gradient > 0) == (t.velocity[i] > 0) {
			t.gains[i] = max(0.01, t.gains[i]*0.8)
		} else {
			t.gains[i] += 0.2
		}
		t.velocity[i] = momentum*t.velocity[i] - rate*t.gains[i]*gradient
		t.y[i] += t.velocity[i]
		mean[i%2] += float64(t.y[i])
	}
	for i := range t.y {
		t.y[i] -= float32(mean[i%2] / float64(t.n))
	}
	return nil
}

// forces adds up what pulls and pushes row i: Σ p·q·(yᵢ − yⱼ) and
// Σ q²·(yᵢ − yⱼ), q = 1 / (1 + |yᵢ − yⱼ|²).
func (t *tsne) forces(i int) {
	y, p := t.y[:2*t.n], t.p[i*t.n:(i+1)*t.n]
	yx, yy := y[2*i], y[2*i+1]
	var ax, ay, rx, ry, total float32
	for j, affinity := range p {
		dx, dy := yx-y[2*j], yy-y[2*j+1]
		q := 1 / (1 + dx*dx + dy*dy)
		pull, push := affinity*q, q*q
		total += q
		ax += pull * dx
		ay += pull * dy
		rx += push * dx
		ry += push * dy
	}
	t.attract[2*i], t.attract[2*i+1] = ax, ay
	t.repel[2*i], t.repel[2*i+1] = rx, ry
	t.sums[i] = float64(total) - 1 // less its own
}
