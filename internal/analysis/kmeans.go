package analysis

import (
	"context"
	"fmt"
	"math"

	"aegis/data/philox"
)

// KMeansOptions is how [KMeans] looks for clusters.
type KMeansOptions struct {
	K          int     // clusters
	Seed       uint64  // of the starts
	Restarts   int     // starts, of which the one with the lowest inertia is kept; 0 is 4
	Iterations int     // at most, for each start; 0 is 100
	Tolerance  float64 // a start has ended when its inertia falls by no more than this share; 0 is 1e-5
}

// Clusters is what [KMeans] found.
type Clusters struct {
	Assignments []int32   // (n): the cluster of each row
	Centres     []float32 // (k, p)
	Sizes       []int     // (k): the rows in each cluster, none of them 0 unless rows repeat
	Inertia     float64   // the sum of the rows' squared distances from their centres
	Iterations  int       // of the start that was kept
}

// KMeans finds k clusters by Lloyd's algorithm ("Least Squares Quantization in
// PCM", 1982) from k-means++'s starts (Arthur and Vassilvitskii, "k-means++:
// The Advantages of Careful Seeding", 2007). A cluster that has lost all its
// rows gets the row farthest from its own centre.
func KMeans(ctx context.Context, rows Matrix, o KMeansOptions) (*Clusters, error) {
	if err := rows.check("k-means"); err != nil {
		return nil, err
	}
	if o.K < 1 || o.K > rows.Rows {
		return nil, fmt.Errorf("analysis: k-means: want 1 to %d clusters, as many as there are rows at most, got %d", rows.Rows, o.K)
	}
	if o.Restarts == 0 {
		o.Restarts = 4
	}
	if o.Iterations == 0 {
		o.Iterations = 100
	}
	if o.Tolerance == 0 {
		o.Tolerance = 1e-5
	}
	pool, err := newPool()
	if err != nil {
		return nil, err
	}
	l := &lloyd{
		pool: pool, rows: rows, o: o, mean: rows.mean(),
		near: make([]float64, rows.Rows), assigned: make([]int32, rows.Rows),
		sums: make([]float64, chunks*o.K*rows.Cols), counts: make([]int, chunks*o.K),
	}
	var best *Clusters
	for restart := range o.Restarts {
		found, err := l.start(ctx, restart)
		if err != nil {
			return nil, err
		}
		if best == nil || found.Inertia < best.Inertia {
			best = found
		}
	}
	return best, nil
}

// Assign returns for each row the nearest of k centres (k,p), the first of
// equal ones, and the squared distance.
func Assign(ctx context.Context, rows Matrix, centres []float32) (assignments []int32, squared []float64, err error) {
	if err := rows.check("nearest centre"); err != nil {
		return nil, nil, err
	}
	k := len(centres) / rows.Cols
	if err := (Matrix{centres, k, rows.Cols}).check("nearest centre"); err != nil {
		return nil, nil, err
	}
	pool, err := newPool()
	if err != nil {
		return nil, nil, err
	}
	l := &lloyd{pool: pool, rows: rows, o: KMeansOptions{K: k}, mean: rows.mean(), near: make([]float64, rows.Rows), assigned: make([]int32, rows.Rows)}
	return l.assigned, l.near, l.assign(ctx, centres)
}

// lloyd is the memory of all starts.
type lloyd struct {
	pool     *pool
	rows     Matrix
	o        KMeansOptions
	mean     []float32 // (p)
	near     []float64 // (n): squared distance from the nearest centre
	assigned []int32   // (n)
	sums     []float64 // (chunks, k, p)
	counts   []int     // (chunks, k)
}

// start runs Lloyd's algorithm from one start to its end.
func (l *lloyd) start(ctx context.Context, restart int) (*Clusters, error) {
	centres, err := l.plusPlus(ctx, restart)
	if err != nil {
		return nil, err
	}
	c := &Clusters{Inertia: math.Inf(1)}
	for c.Iterations = 1; ; c.Iterations++ {
		if err := l.assign(ctx, centres); err != nil {
			return nil, err
		}
		before := c.Inertia
		c.Inertia = sum(l.near)
		if c.Iterations >= l.o.Iterations || c.Iterations > 1 && before-c.Inertia <= l.o.Tolerance*before {
			break
		}
		if err := l.move(ctx, centres); err != nil {
			return nil, err
		}
	}
	c.Centres = centres
	c.Assignments = append([]int32(nil), l.assigned...)
	c.Sizes = make([]int, l.o.K)
	for _, a := range c.Assignments {
		c.Sizes[a]++
	}
	return c, nil
}

// plusPlus draws each centre from the rows, each with a chance in proportion
// to its squared distance from the nearest centre drawn before.
func (l *lloyd) plusPlus(ctx context.Context, restart int) ([]float32, error) {
	n, p := l.rows.Rows, l.rows.Cols
	draw := philox.Stream{Seed: l.o.Seed, Purpose: philox.For("k-means")}
	centres := make([]float32, 0, l.o.K*p)
	for c := range l.o.K {
		row := int(draw.Uint32(uint32(restart), 0, uint32(c))) % n
		if u := fraction(draw, uint32(restart), 1, uint32(c)); c > 0 {
			row = pick(l.near, u, row)
		}
		centre := l.rows.Row(row)
		centres = append(centres, centre...)
		err := l.pool.each(ctx, chunks, func(_ *worker, task int) {
			from, to := chunk(n, task)
			for i := from; i < to; i++ {
				if d := squaredDistance(l.rows.Row(i), centre); c == 0 || d < l.near[i] {
					l.near[i] = d
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return centres, nil
}

// fraction draws a number in [0, 1) with 53 bits.
func fraction(s philox.Stream, step, row, index uint32) float64 {
	high, low := s.Uint32(step, row, 2*index), s.Uint32(step, row, 2*index+1)
	return float64(uint64(high)<<21|uint64(low)>>11) / (1 << 53)
}

// pick returns the place where the running sum of weights passes u of the
// whole, or otherwise where all weights are 0.
func pick(weights []float64, u float64, otherwise int) int {
	rest := u * sum(weights)
	last := otherwise
	for i, w := range weights {
		if w > 0 {
			last = i
			if rest -= w; rest < 0 {
				return i
			}
		}
	}
	return last
}

// nearRows is how many rows' distances are made at a time.
const nearRows = 256

// assign finds each row's nearest centre.
func (l *lloyd) assign(ctx context.Context, centres []float32) error {
	k, p := l.o.K, l.rows.Cols
	to := newAcross(Matrix{centres, k, p}, 0, k, l.mean)
	return l.pool.each(ctx, (l.rows.Rows+nearRows-1)/nearRows, func(w *worker, task int) {
		first := task * nearRows
		last := min(l.rows.Rows, first+nearRows)
		distances := to.distances(w, l.rows, first, last)
		for i := first; i < last; i++ {
			nearest := 0
			row := distances[(i-first)*k : (i-first+1)*k]
			for c, d := range row {
				if d < row[nearest] {
					nearest = c
				}
			}
			l.assigned[i] = int32(nearest)
			l.near[i] = squaredDistance(l.rows.Row(i), centres[nearest*p:(nearest+1)*p])
		}
	})
}

// move puts each centre at the mean of its rows.
func (l *lloyd) move(ctx context.Context, centres []float32) error {
	k, p := l.o.K, l.rows.Cols
	err := l.pool.each(ctx, chunks, func(_ *worker, task int) {
		sums, counts := l.sums[task*k*p:(task+1)*k*p], l.counts[task*k:(task+1)*k]
		clear(sums)
		clear(counts)
		from, to := chunk(l.rows.Rows, task)
		for i := from; i < to; i++ {
			c := int(l.assigned[i])
			counts[c]++
			dst := sums[c*p : (c+1)*p]
			for j, v := range l.rows.Row(i) {
				dst[j] += float64(v)
			}
		}
	})
	if err != nil {
		return err
	}
	for c := range k {
		count := 0
		total := make([]float64, p)
		for part := range chunks {
			count += l.counts[part*k+c]
			for j, v := range l.sums[(part*k+c)*p : (part*k+c+1)*p] {
				total[j] += v
			}
		}
		if count == 0 {
			l.reseed(centres[c*p : (c+1)*p])
			continue
		}
		for j, v := range total {
			centres[c*p+j] = float32(v / float64(count))
		}
	}
	return nil
}

// reseed puts a centre on the row that is farthest from its own, and takes
// that row out of the choice.
func (l *lloyd) reseed(centre []float32) {
	farthest := 0
	for i, d := range l.near {
		if d > l.near[farthest] {
			farthest = i
		}
	}
	copy(centre, l.rows.Row(farthest))
	l.near[farthest] = 0
}

func sum(values []float64) float64 {
	var total float64
	for _, v := range values {
		total += v
	}
	return total
}
