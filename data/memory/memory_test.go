package memory

import (
	"errors"
	"math"
	"strings"
	"testing"
	"unsafe"
)

func TestTightest(t *testing.T) {
	for name, c := range map[string]struct {
		limits []Limit
		want   Limit
	}{
		"none known":   {limits: []Limit{{0, "a"}, {0, "b"}}},
		"one known":    {limits: []Limit{{0, "a"}, {7, "b"}}, want: Limit{7, "b"}},
		"the lowest":   {limits: []Limit{{9, "a"}, {7, "b"}, {8, "c"}}, want: Limit{7, "b"}},
		"the first":    {limits: []Limit{{7, "a"}, {7, "b"}}, want: Limit{7, "a"}},
		"nothing left": {limits: []Limit{{9, "a"}, {left(5, 6), "b"}}, want: Limit{1, "b"}},
	} {
		if got := tightest(c.limits...); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestThisMachine(t *testing.T) {
	total, rest := Total(), Left()
	if total.Bytes == 0 {
		t.Skip("the memory of this system cannot be told")
	}
	if rest.Bytes == 0 || rest.Bytes >= total.Bytes || rest.By == "" {
		t.Errorf("%+v left of %+v; want less", rest, total)
	}
	if err := Check(); err != nil {
		t.Errorf("no room for a test: %v", err)
	}
}

func TestFloats(t *testing.T) {
	var p Pool
	for range 2 { // a pool may be used again
		for _, n := range []int{0, 1, 15, 1000, large/4 - 33, large / 4, large/4 + 5} {
			b, err := p.Floats(n)
			if err != nil {
				t.Fatal(err)
			}
			if len(b) != n || cap(b) != n || n > 0 && uintptr(unsafe.Pointer(&b[0]))%64 != 0 {
				t.Errorf("%d floats: length %d, capacity %d, at %p", n, len(b), cap(b), unsafe.SliceData(b))
			}
			for i, v := range b {
				if v != 0 {
					t.Fatalf("%d floats: value %d is %v", n, i, v)
				}
				b[i] = 1 // all of it can be written
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTooMuch asks for more than any memory: an error, where make ends the
// process or panics.
func TestTooMuch(t *testing.T) {
	var p Pool
	for _, n := range []int{-1, math.MaxInt / 8, math.MaxInt} {
		_, err := p.Floats(n)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), "GiB") {
			t.Errorf("%d floats: error %v; want an *Error", n, err)
		}
	}
}
