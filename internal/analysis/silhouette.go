package analysis

import (
	"context"
	"fmt"
	"math"
	"slices"

	"aegis/data/philox"
)

// Silhouette returns the mean silhouette width (Rousseeuw, "Silhouettes: A
// Graphical Aid to the Interpretation and Validation of Cluster Analysis",
// 1987) of at most limit rows, drawn by seed, among themselves: from −1 to 1,
// the higher the better the clusters part. A row alone in its cluster has 0.
// assignments is the cluster of each row, from 0.
func Silhouette(ctx context.Context, rows Matrix, assignments []int32, limit int, seed uint64) (float64, error) {
	if err := rows.check("silhouette"); err != nil {
		return 0, err
	}
	if len(assignments) != rows.Rows || slices.Min(assignments) < 0 || limit < 1 {
		return 0, fmt.Errorf("analysis: silhouette: want a cluster, from 0, for each of %d rows and at least one row drawn, got %d clusters and %d rows", rows.Rows, len(assignments), limit)
	}
	sample, clusters := draw(rows, assignments, limit, seed)
	k := int(slices.Max(clusters)) + 1
	sizes := make([]int, k)
	for _, c := range clusters {
		sizes[c]++
	}
	if others := slices.ContainsFunc(sizes, func(n int) bool { return n == sample.Rows }); others {
		return 0, fmt.Errorf("analysis: silhouette: want rows of two clusters at least, got one among the %d rows drawn", sample.Rows)
	}
	pool, err := newPool()
	if err != nil {
		return 0, err
	}
	mean := sample.mean()
	to := newAcross(sample, 0, sample.Rows, mean)
	widths := make([]float64, sample.Rows)
	const block = 32
	err = pool.each(ctx, (sample.Rows+block-1)/block, func(w *worker, task int) {
		from, end := task*block, min(sample.Rows, (task+1)*block)
		distances := to.distances(w, sample, from, end)
		sums := make([]float64, k)
		for i := from; i < end; i++ {
			clear(sums)
			for j, d := range distances[(i-from)*sample.Rows : (i-from+1)*sample.Rows] {
				if j != i {
					sums[clusters[j]] += math.Sqrt(max(0, float64(d)+float64(to.length[i])))
				}
			}
			widths[i] = width(sums, sizes, int(clusters[i]))
		}
	})
	if err != nil {
		return 0, err
	}
	return sum(widths) / float64(len(widths)), nil
}

// draw returns at most limit rows, in their order, and their clusters.
func draw(rows Matrix, clusters []int32, limit int, seed uint64) (Matrix, []int32) {
	if rows.Rows <= limit {
		return rows, clusters
	}
	numbers := make([]int32, rows.Rows)
	for i := range numbers {
		numbers[i] = int32(i)
	}
	philox.Stream{Seed: seed, Purpose: philox.For("silhouette")}.Shuffle(numbers, 0)
	numbers = numbers[:limit]
	slices.Sort(numbers)
	sample := Matrix{Rows: limit, Cols: rows.Cols}
	drawn := make([]int32, limit)
	for i, n := range numbers {
		sample.Values = append(sample.Values, rows.Row(int(n))...)
		drawn[i] = clusters[n]
	}
	return sample, drawn
}

// width is (b − a) / max(a, b) of a row, a its mean distance from the others
// of its own cluster and b the least from those of another one.
func width(sums []float64, sizes []int, own int) float64 {
	if sizes[own] == 1 {
		return 0
	}
	a, b := sums[own]/float64(sizes[own]-1), math.Inf(1)
	for c, s := range sums {
		if c != own && sizes[c] > 0 {
			b = min(b, s/float64(sizes[c]))
		}
	}
	if a == b {
		return 0
	}
	return (b - a) / max(a, b)
}
