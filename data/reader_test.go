package data

import (
	"math"
	"strings"
	"testing"
)

// TestReaderOfBrokenSets: labels or rows that are missing are errors, and all the
// rest may be asked for.
func TestReaderOfBrokenSets(t *testing.T) {
	rows := vectors(t, 2, 1, 2, 3, 4, 5, 6)
	for want, r := range map[string]Reader{
		"1 labels of 3 rows": NewReader(Set{Rows: rows, Labels: []byte{1}}),
		"4 labels of 3 rows": NewPickReader(Set{Rows: rows, Labels: make([]byte, 4)}, []int32{0}),
		"rows":               NewReader(Set{Rows: Rows{N: 5, Shape: Shape{W: 2}, Floats: []float32{1}}}),
		"row 999 of 3":       NewPickReader(Set{Rows: rows}, []int32{999}),
		"row -1 of 3":        NewPickReader(Set{Rows: rows}, []int32{-1}),
	} {
		if _, err := r.Next(1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	r := NewReader(Set{Rows: rows})
	if _, err := r.Next(1); err != nil {
		t.Fatal(err)
	}
	if rest, err := r.Next(math.MaxInt); err != nil || rest.N != 2 {
		t.Errorf("%d rows, error %v", rest.N, err)
	}
}
