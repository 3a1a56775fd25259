package analysis

import (
	"context"
	"fmt"
	"reflect"
	"testing"
)

func TestNearestNeighbours(t *testing.T) {
	want := readGolden(t).Neighbours
	m, _ := made(goldenRows, 10)
	queries, _ := made(20, 20)
	found, err := NearestNeighbours(context.Background(), m, queries, 5)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "distances", found.Distances, want.Distances, 1e-12)
	if !reflect.DeepEqual(found.Rows, want.Rows) {
		t.Errorf("rows %v, want %v", found.Rows, want.Rows)
	}
	nearest, err := NearestDistances(context.Background(), m, queries)
	if err != nil {
		t.Fatal(err)
	}
	for q, d := range nearest {
		near(t, "nearest", one(d), one(want.Distances[5*q]), 1e-12)
	}
}

// TestNearestNeighboursBlocks finds each row beside itself in a set of many
// blocks of rows and of queries.
func TestNearestNeighboursBlocks(t *testing.T) {
	m, _ := blobs(3*knnRows+17, 6, 4)
	found, err := NearestNeighbours(context.Background(), m, m, 2)
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.Rows {
		if found.Rows[2*i] != int32(i) || found.Distances[2*i] != 0 {
			t.Fatalf("row %d: nearest %d at %v", i, found.Rows[2*i], found.Distances[2*i])
		}
	}
}

func TestVote(t *testing.T) {
	labels := []int32{0, 1, 1, 2, 2}
	for _, c := range []struct {
		rows []int32
		want int32
	}{
		{[]int32{0, 1, 2, 3}, 1},    // two of four
		{[]int32{3, 1, 2, 4, 0}, 2}, // two each: the nearest's
		{[]int32{1, 3, 4, 2, 0}, 1},
		{[]int32{0}, 0},
	} {
		got, err := (&Neighbours{Rows: c.rows, K: len(c.rows)}).Vote(labels)
		if err != nil || got[0] != c.want {
			t.Errorf("%v: %v, %v, want %d", c.rows, got, err, c.want)
		}
	}
	if _, err := (&Neighbours{Rows: []int32{5}, K: 1}).Vote(labels); err == nil {
		t.Error("a row without a label: no error")
	}
}

func TestNearestNeighboursErrors(t *testing.T) {
	m := Matrix{[]float32{1, 2}, 2, 1}
	for name, c := range map[string]struct {
		queries Matrix
		k       int
	}{"none": {m, 0}, "too many": {m, 3}, "other columns": {Matrix{[]float32{1, 2}, 1, 2}, 1}} {
		if _, err := NearestNeighbours(context.Background(), m, c.queries, c.k); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func BenchmarkNearestNeighbours(b *testing.B) {
	for _, p := range []int{12, 784} {
		m, labels := blobs(60000, p, 10)
		queries := Matrix{m.Values[:10000*p], 10000, p}
		b.Run(fmt.Sprint(p), func(b *testing.B) {
			for b.Loop() {
				found, err := NearestNeighbours(context.Background(), m, queries, 10)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := found.Vote(labels); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
