package analysis

import (
	"fmt"
	"math"
	"slices"
)

// Contingency counts how often two labellings of the same rows meet.
type Contingency struct {
	A, B   []int32 // the distinct labels, rising: (r), (s)
	Counts []int   // (r, s)
	N      int
}

// Compare makes the table of two labellings of n rows, such as clusters and
// classes.
func Compare(a, b []int32) (*Contingency, error) {
	if len(a) != len(b) || len(a) == 0 {
		return nil, fmt.Errorf("analysis: agreement: want two labels for each row and at least one row, got %d and %d labels", len(a), len(b))
	}
	distinct := func(labels []int32) []int32 {
		sorted := slices.Clone(labels)
		slices.Sort(sorted)
		return slices.Clone(slices.Compact(sorted))
	}
	c := &Contingency{A: distinct(a), B: distinct(b), N: len(a)}
	c.Counts = make([]int, len(c.A)*len(c.B))
	for i := range a {
		r, _ := slices.BinarySearch(c.A, a[i])
		s, _ := slices.BinarySearch(c.B, b[i])
		c.Counts[r*len(c.B)+s]++
	}
	return c, nil
}

// sums returns the sums of the table's rows, (r), and columns, (s).
func (c *Contingency) sums() (rows, columns []int) {
	rows, columns = make([]int, len(c.A)), make([]int, len(c.B))
	for i, n := range c.Counts {
		rows[i/len(c.B)] += n
		columns[i%len(c.B)] += n
	}
	return rows, columns
}

// NMI returns the normalised mutual information, I(A;B) over the arithmetic
// mean of both entropies (Strehl and Ghosh, 2002; the mean as in Kvålseth,
// 1987): 0 to 1. Two labellings of a single label each agree: 1.
func (c *Contingency) NMI() float64 {
	if len(c.A) == 1 && len(c.B) == 1 {
		return 1
	}
	rows, columns := c.sums()
	n := float64(c.N)
	var mutual float64
	for i, count := range c.Counts {
		if count > 0 {
			mutual += float64(count) / n * math.Log(float64(count)*n/(float64(rows[i/len(c.B)])*float64(columns[i%len(c.B)])))
		}
	}
	return max(0, mutual) / ((entropy(rows, n) + entropy(columns, n)) / 2)
}

func entropy(counts []int, n float64) float64 {
	var h float64
	for _, c := range counts {
		h -= float64(c) / n * math.Log(float64(c)/n)
	}
	return h
}

// ARI returns the adjusted Rand index (Hubert and Arabie, "Comparing
// Partitions", 1985): 1 where both part the rows alike, about 0 where they
// meet by chance.
func (c *Contingency) ARI() float64 {
	pairs := func(counts []int) float64 {
		var sum float64
		for _, n := range counts {
			sum += float64(n) * float64(n-1) / 2
		}
		return sum
	}
	rows, columns := c.sums()
	both, a, b := pairs(c.Counts), pairs(rows), pairs(columns)
	all := pairs([]int{c.N})
	if a == b && (a == 0 || a == all) {
		return 1 // all rows apart, or all together, on both sides
	}
	expected := a * b / all
	return (both - expected) / ((a+b)/2 - expected)
}

// BestMatch gives each label of A at most one label of B, none twice, so that
// as many rows as possible meet their match. It returns the share of those
// rows and for each label of A the index of its match in B, or −1.
func (c *Contingency) BestMatch() (share float64, match []int) {
	size := max(len(c.A), len(c.B))
	cost := make([]float64, size*size)
	for i, n := range c.Counts {
		cost[i/len(c.B)*size+i%len(c.B)] = -float64(n)
	}
	assigned := assignment(cost, size)
	match = make([]int, len(c.A))
	met := 0
	for r := range match {
		match[r] = -1
		if s := assigned[r]; s < len(c.B) {
			match[r] = s
			met += c.Counts[r*len(c.B)+s]
		}
	}
	return float64(met) / float64(c.N), match
}

// assignment gives each row of a square matrix of costs (n,n) a column of its
// own so that the sum is the least: Kuhn's Hungarian method by shortest
// augmenting paths, as Jonker and Volgenant have them (1987), in O(n³).
func assignment(cost []float64, n int) []int {
	u, v := make([]float64, n+1), make([]float64, n+1) // potentials of rows and columns; the last of v is a column outside
	row := make([]int, n+1)                            // the row of each column, or −1
	for j := range row {
		row[j] = -1
	}
	for i := range n {
		row[n] = i
		augment(cost, n, u, v, row)
	}
	columns := make([]int, n)
	for j, i := range row[:n] {
		columns[i] = j
	}
	return columns
}

// augment finds the shortest path from the row that stands in column n to a
// column without a row and shifts the rows along it.
func augment(cost []float64, n int, u, v []float64, row []int) {
	least, from, done := make([]float64, n+1), make([]int, n+1), make([]bool, n+1)
	for j := range least {
		least[j] = math.Inf(1)
	}
	at := n
	for row[at] >= 0 {
		done[at] = true
		i, delta, next := row[at], math.Inf(1), n
		for j := range n {
			if done[j] {
				continue
			}
			if reduced := cost[i*n+j] - u[i] - v[j]; reduced < least[j] {
				least[j], from[j] = reduced, at
			}
			if least[j] < delta {
				delta, next = least[j], j
			}
		}
		for j := range n + 1 {
			if done[j] {
				u[row[j]] += delta
				v[j] -= delta
			} else {
				least[j] -= delta
			}
		}
		at = next
	}
	for at != n {
		row[at] = row[from[at]]
		at = from[at]
	}
	row[n] = -1
}
