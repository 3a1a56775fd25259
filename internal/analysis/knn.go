package analysis

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// Neighbours is the nearest rows of a set for each query, the nearest first,
// of equal distances the lower row first.
type Neighbours struct {
	Rows      []int32   // (queries, k)
	Distances []float64 // (queries, k): Euclid's, not squared
	K         int
}

// knnQueries and knnRows are how many queries one task has and how many rows
// it takes at a time: their distances stay in the cache.
const (
	knnQueries = 96
	knnRows    = 256
)

// NearestNeighbours finds the k rows nearest to each query by Euclid's
// distance. Which rows they are is decided in float32, after the mean of the
// rows has been taken away; their distances and order are made in float64.
func NearestNeighbours(ctx context.Context, rows, queries Matrix, k int) (*Neighbours, error) {
	for _, m := range []Matrix{rows, queries} {
		if err := m.check("nearest neighbours"); err != nil {
			return nil, err
		}
	}
	if rows.Cols != queries.Cols || k < 1 || k > rows.Rows || rows.Rows > math.MaxInt32 {
		return nil, fmt.Errorf("analysis: nearest neighbours: want queries of %d values as the rows have and 1 to %d neighbours, got %d values and %d neighbours", rows.Cols, rows.Rows, queries.Cols, k)
	}
	pool, err := newPool()
	if err != nil {
		return nil, err
	}
	mean := rows.mean()
	length := make([]float32, rows.Rows) // |row − mean|²
	err = pool.each(ctx, chunks, func(_ *worker, task int) {
		from, to := chunk(rows.Rows, task)
		for i := from; i < to; i++ {
			length[i] = float32(squaredDistance(rows.Row(i), mean))
		}
	})
	if err != nil {
		return nil, err
	}
	found := &Neighbours{Rows: make([]int32, queries.Rows*k), Distances: make([]float64, queries.Rows*k), K: k}
	err = pool.each(ctx, (queries.Rows+knnQueries-1)/knnQueries, func(w *worker, task int) {
		first := task * knnQueries
		last := min(queries.Rows, first+knnQueries)
		nearest := newNearest(last-first, k)
		to := newAcross(queries, first, last, mean)
		clear(to.length) // the same for all rows
		for from := 0; from < rows.Rows && ctx.Err() == nil; from += knnRows {
			end := min(rows.Rows, from+knnRows)
			nearest.see(to.distances(w, rows, from, end), length[from:end], from)
		}
		for q := first; q < last; q++ {
			found.order(rows, queries, q, nearest.rows[(q-first)*k:(q-first+1)*k])
		}
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// nearest keeps the k smallest values that each of some columns has seen, in
// rising order.
type nearest struct {
	k      int
	limit  []float32 // (columns): the largest of those kept
	values []float32 // (columns, k)
	rows   []int32   // (columns, k)
}

func newNearest(columns, k int) *nearest {
	n := &nearest{k: k, limit: make([]float32, columns), values: make([]float32, columns*k), rows: make([]int32, columns*k)}
	inf := float32(math.Inf(1))
	for i := range n.limit {
		n.limit[i] = inf
	}
	for i := range n.values {
		n.values[i] = inf
	}
	return n
}

// see takes rows of values (rows, columns), to which length (rows) is added.
func (n *nearest) see(values, length []float32, first int) {
	columns := len(n.limit)
	for i, add := range length {
		row := values[i*columns : (i+1)*columns]
		for c, limit := range n.limit {
			if v := row[c] + add; v < limit {
				n.insert(c, v, int32(first+i))
			}
		}
	}
}

func (n *nearest) insert(column int, v float32, row int32) {
	values, rows := n.values[column*n.k:(column+1)*n.k], n.rows[column*n.k:(column+1)*n.k]
	at := n.k - 1
	for ; at > 0 && v < values[at-1]; at-- {
		values[at], rows[at] = values[at-1], rows[at-1]
	}
	values[at], rows[at] = v, row
	n.limit[column] = values[n.k-1]
}

// order sorts what was found for query q by distances in float64.
func (f *Neighbours) order(rows, queries Matrix, q int, found []int32) {
	type neighbour struct {
		row      int32
		distance float64
	}
	list := make([]neighbour, len(found))
	for i, r := range found {
		list[i] = neighbour{r, math.Sqrt(squaredDistance(rows.Row(int(r)), queries.Row(q)))}
	}
	slices.SortFunc(list, func(a, b neighbour) int {
		switch {
		case a.distance < b.distance:
			return -1
		case a.distance > b.distance:
			return 1
		}
		return int(a.row) - int(b.row)
	})
	for i, n := range list {
		f.Rows[q*f.K+i], f.Distances[q*f.K+i] = n.row, n.distance
	}
}

// NearestDistances returns the distance of each query from the nearest row.
func NearestDistances(ctx context.Context, rows, queries Matrix) ([]float64, error) {
	found, err := NearestNeighbours(ctx, rows, queries, 1)
	if err != nil {
		return nil, err
	}
	return found.Distances, nil
}

// Vote returns the class that most of each query's neighbours have, of equal
// counts that of the nearest neighbour. labels is the class of each row of the
// set.
func (f *Neighbours) Vote(labels []int32) ([]int32, error) {
	votes := make([]int32, len(f.Rows)/f.K)
	for q := range votes {
		count := map[int32]int{}
		most := 0
		for _, r := range f.Rows[q*f.K : (q+1)*f.K] {
			if int(r) >= len(labels) {
				return nil, fmt.Errorf("analysis: nearest neighbours: want a label for each row, got %d labels and row %d", len(labels), r)
			}
			count[labels[r]]++
			most = max(most, count[labels[r]])
		}
		for _, r := range f.Rows[q*f.K : (q+1)*f.K] {
			if count[labels[r]] == most {
				votes[q] = labels[r]
				break
			}
		}
	}
	return votes, nil
}

// Accuracy returns the share of guesses that are the labels.
func Accuracy(guesses, labels []int32) (float64, error) {
	if len(guesses) != len(labels) || len(labels) == 0 {
		return 0, fmt.Errorf("analysis: accuracy: want a label for each guess and at least one, got %d guesses and %d labels", len(guesses), len(labels))
	}
	right := 0
	for i, g := range guesses {
		if g == labels[i] {
			right++
		}
	}
	return float64(right) / float64(len(labels)), nil
}
