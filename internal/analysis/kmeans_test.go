package analysis

import (
	"context"
	"fmt"
	"reflect"
	"testing"
)

func TestKMeans(t *testing.T) {
	want := readGolden(t).Clusters
	m, _ := made(goldenRows, 10)
	c, err := KMeans(context.Background(), m, KMeansOptions{K: goldenClasses, Restarts: 20, Tolerance: 1e-12})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "inertia", one(c.Inertia), one(want.Inertia), 1e-6)

	// Assignments, centres, sizes and inertia say the same.
	sums, counts := make([]float64, len(c.Centres)), make([]int, goldenClasses)
	var inertia float64
	for i, a := range c.Assignments {
		counts[a]++
		for j, v := range m.Row(i) {
			sums[int(a)*m.Cols+j] += float64(v)
		}
		inertia += squaredDistance(m.Row(i), c.Centres[int(a)*m.Cols:int(a+1)*m.Cols])
	}
	for i := range sums {
		sums[i] /= float64(counts[i/m.Cols])
	}
	near(t, "centres", wide(c.Centres), sums, 1e-6)
	near(t, "inertia", one(c.Inertia), one(inertia), 1e-12)
	if !reflect.DeepEqual(c.Sizes, counts) {
		t.Errorf("sizes %v, want %v", c.Sizes, counts)
	}

	assigned, squared, err := Assign(context.Background(), m, c.Centres)
	if err != nil || !reflect.DeepEqual(assigned, c.Assignments) || sum(squared) != c.Inertia {
		t.Errorf("nearest centres: %v, %v and not %v, %v", sum(squared), err, c.Inertia, assigned)
	}
}

// TestKMeansRepeats has fewer different rows than clusters: some stay empty or
// share a place, and nothing fails.
func TestKMeansRepeats(t *testing.T) {
	m := Matrix{[]float32{1, 1, 1, 5, 5, 5}, 6, 1}
	for _, k := range []int{1, 2, 3, 6} {
		c, err := KMeans(context.Background(), m, KMeansOptions{K: k})
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]float64{true: 24}[k == 1]; c.Inertia != want {
			t.Errorf("%d clusters: inertia %v, want %v", k, c.Inertia, want)
		}
	}
}

// TestKMeansReseeds starts with a centre that no row is nearest to.
func TestKMeansReseeds(t *testing.T) {
	m := Matrix{[]float32{0, 1, 10, 11}, 4, 1}
	pool, err := newPool()
	if err != nil {
		t.Fatal(err)
	}
	l := &lloyd{pool: pool, rows: m, o: KMeansOptions{K: 2}, mean: []float32{0}, near: make([]float64, 4), assigned: make([]int32, 4), sums: make([]float64, chunks*2), counts: make([]int, chunks*2)}
	centres := []float32{0, 1000}
	for range 5 {
		if err := l.assign(context.Background(), centres); err != nil {
			t.Fatal(err)
		}
		if err := l.move(context.Background(), centres); err != nil {
			t.Fatal(err)
		}
	}
	if centres[0]+centres[1] != 11 || centres[0]*centres[1] != 0.5*10.5 {
		t.Errorf("centres %v, want 0.5 and 10.5", centres)
	}
}

func TestKMeansThreads(t *testing.T) {
	m, _ := blobs(3000, 9, 6)
	threads(t, func(a, b *Clusters) bool { return reflect.DeepEqual(a, b) }, func() *Clusters {
		c, err := KMeans(context.Background(), m, KMeansOptions{K: 6, Restarts: 2, Iterations: 5})
		if err != nil {
			t.Fatal(err)
		}
		return c
	})
}

func TestKMeansErrors(t *testing.T) {
	m := Matrix{[]float32{1, 2}, 2, 1}
	for _, k := range []int{0, 3} {
		if _, err := KMeans(context.Background(), m, KMeansOptions{K: k}); err == nil {
			t.Errorf("%d clusters of 2 rows: no error", k)
		}
	}
	if _, err := KMeans(context.Background(), Matrix{nil, 2, 1}, KMeansOptions{K: 1}); err == nil {
		t.Error("no values: no error")
	}
}

func TestSilhouette(t *testing.T) {
	want := readGolden(t).Clusters
	m, classes := made(goldenRows, 10)
	got, err := Silhouette(context.Background(), m, classes, 1000, 0)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "silhouette", one(got), one(want.Silhouette), 1e-6)
	part, err := Silhouette(context.Background(), m, classes, 60, 3)
	if err != nil || part == got {
		t.Errorf("of 60 rows %v, %v", part, err)
	}
	near(t, "silhouette of 60 rows", one(part), one(want.Silhouette), 0.1)
	if _, err := Silhouette(context.Background(), m, make([]int32, m.Rows), 1000, 0); err == nil {
		t.Error("one cluster: no error")
	}
}

func BenchmarkKMeans(b *testing.B) {
	for _, p := range []int{12, 784} {
		m, _ := blobs(60000, p, 10)
		b.Run(fmt.Sprint(p), func(b *testing.B) {
			for b.Loop() {
				c, err := KMeans(context.Background(), m, KMeansOptions{K: 10})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(c.Iterations), "iterations")
			}
		})
	}
}
