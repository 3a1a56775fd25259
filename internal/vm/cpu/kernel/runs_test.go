package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRuns walks over overlapping and separate runs of every length.
func TestRuns(t *testing.T) {
	plain := genericSet()
	r := rand.New(rand.NewPCG(5, 6))
	cases := []Runs{
		{Places: 7, Runs: 3, Length: 48, DstPlace: 144, DstRun: 48, SrcPlace: 32, SrcRun: 224},
		{Places: 13, Runs: 3, Length: 3, DstPlace: 9, DstRun: 3, SrcPlace: 2, SrcRun: 28},
		{Places: 6, Runs: 3, Length: 3, DstPlace: 4, DstRun: 28, SrcPlace: 18, SrcRun: 3},
		{Places: 5, Runs: 2, Length: 17, DstPlace: 8, DstRun: 50, SrcPlace: 34, SrcRun: 17},
		{Places: 1, Runs: 1, Length: 1},
		{Places: 0, Runs: 3, Length: 3},
		{Places: 2, Runs: 2, Length: 0},
	}
	for n := range 40 {
		cases = append(cases, Runs{Places: 3, Runs: 2, Length: n + 1, DstPlace: 2*n + 3, DstRun: n + 1, SrcPlace: n/2 + 1, SrcRun: n + 7})
	}
	for _, s := range Sets() {
		for _, c := range cases {
			t.Run(fmt.Sprintf("%s/%+v", s.Name, c), func(t *testing.T) {
				end := func(place, run int) int { return max(0, c.Places-1)*place + max(0, c.Runs-1)*run + c.Length }
				src := make([]float32, end(c.SrcPlace, c.SrcRun))
				fill(src, normal32, r)
				got := newBuffer(end(c.DstPlace, c.DstRun), 3)
				fill(got.data, normal32, r)
				want := slices.Clone(got.data)
				s.CopyRuns(got.data, src, c)
				plain.CopyRuns(want, src, c)
				if !slices.Equal(got.data, want) {
					t.Error("CopyRuns differs from the plain loop")
				}
				got.check(t, "dst")
			})
		}
	}
}

// TestAddSpread holds every step and length to the plain loop.
func TestAddSpread(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, s := range Sets() {
		for step := 1; step <= 20; step++ {
			for _, length := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 16, 17, 33} {
				const runs = 3
				dstRun, srcRun := length*step+r.IntN(3), length+r.IntN(3)
				src := make([]float32, (runs-1)*srcRun+length)
				fill(src, normal32, r)
				got := newBuffer((runs-1)*dstRun+(length-1)*step+1, step%4)
				fill(got.data, normal32, r)
				want := slices.Clone(got.data)
				s.AddSpread(got.data, src, runs, length, step, dstRun, srcRun)
				addSpreadGeneric(want, src, runs, length, step, dstRun, srcRun)
				what := fmt.Sprintf("%s: %d values, step %d", s.Name, length, step)
				got.check(t, what)
				if !slices.Equal(got.data, want) {
					t.Fatalf("%s: differs from the plain loop", what)
				}
			}
		}
	}
}

// TestPrefetch asks for nothing, for parts of lines and for many: it must come
// back, whatever lies there.
func TestPrefetch(t *testing.T) {
	bytes := make([]byte, 1000)
	for from := range 130 {
		Prefetch(bytes[from : from+from*from%300])
	}
	Prefetch(nil)
	if slices.Max(bytes) != 0 {
		t.Error("wrote to what was to be read")
	}
}

func TestRunsPanicOnShortSlices(t *testing.T) {
	long, short := make([]float32, 100), make([]float32, 10)
	c := Runs{Places: 3, Runs: 2, Length: 4, DstPlace: 8, DstRun: 4, SrcPlace: 8, SrcRun: 4}
	negative := c
	negative.SrcRun = -1
	for name, call := range map[string]func(s *Set){
		"copy dst": func(s *Set) { s.CopyRuns(short, long, c) },
		"copy src": func(s *Set) { s.CopyRuns(long, short, c) },
		"add dst":  func(s *Set) { s.AddSpread(short, long, 2, 3, 4, 2, 3) },
		"add src":  func(s *Set) { s.AddSpread(long, short, 2, 3, 4, 8, 8) },
		"add step": func(s *Set) { s.AddSpread(long, long, 2, 3, 0, 8, 8) },
		"negative": func(s *Set) { s.CopyRuns(long, long[50:], negative) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, s := range Sets() {
				func() {
					defer func() {
						if recover() == nil {
							t.Errorf("%s did not panic", s.Name)
						}
					}()
					call(s)
				}()
			}
		})
	}
}
