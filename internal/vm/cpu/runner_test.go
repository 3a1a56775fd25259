package cpu

import (
	"context"
	"runtime"
	"sync"
	"testing"

	"aegis/model"
	"aegis/model/program"
)

// runnerOf opens a preset's forward parts for images of a size.
func runnerOf(t *testing.T, preset string, threads, side int) (*Runner, *program.Program) {
	t.Helper()
	spec, err := model.Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	spec.Image = [3]int{1, side, side}
	p, err := spec.Forward()
	if err != nil {
		t.Fatal(err)
	}
	r, err := OpenRunner(p, 1, p.Start(1).Tensor, Options{Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r, p
}

// TestRunnerHoldsWeightsOnce counts what is kept of each parameter: one matrix,
// or its transposed copy in its place.
func TestRunnerHoldsWeightsOnce(t *testing.T) {
	for _, preset := range []string{"fc12", "conv"} {
		r, p := runnerOf(t, preset, 2, 28)
		want, got := 0, 0
		for _, param := range p.Params {
			want += param.Size()
		}
		seen := make(map[*float32]bool)
		for _, param := range r.weights.params {
			for _, held := range [][]float32{param.matrix, param.copied} {
				if len(held) > 0 && !seen[&held[0]] {
					seen[&held[0]] = true
					got += len(held)
				}
			}
			if len(param.slots) > 0 {
				t.Errorf("%s: %s has optimizer state", preset, param.name)
			}
		}
		if got != want {
			t.Errorf("%s: %d values of %d parameters are kept", preset, got, want)
		}
	}
}

// TestRunnerPoolsExecutions: many callers share as many executions as there are
// threads, and no goroutine is left when none of them calls.
func TestRunnerPoolsExecutions(t *testing.T) {
	before := runtime.NumGoroutine()
	const threads = 3
	r, p := runnerOf(t, "fc12", threads, 8)
	in := program.Feed{Values: make([]float32, 200*p.PixelCount())}
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			if err := r.Infer(context.Background(), program.Encode, in, make([]float32, 200*p.Code)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	encode := r.parts[program.Encode]
	if made, idle := len(encode.made), len(encode.idle); made > threads || idle != made {
		t.Errorf("%d executions, %d of them idle; want at most %d, all idle", made, idle, threads)
	}
	if len(r.turns) != 0 {
		t.Errorf("%d turns are taken", len(r.turns))
	}
	for range 100 { // those of the calls are ending
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// TestRunnerTakesFewRowsOfLargeImages: the memory of an execution is bounded.
func TestRunnerTakesFewRowsOfLargeImages(t *testing.T) {
	r, _ := runnerOf(t, "conv", 1, 256)
	for name, p := range r.parts {
		if p.plan != nil && (p.plan.Batch < 2 || p.plan.Batch >= runnerRows || p.plan.Arena > runnerArena) {
			t.Errorf("%s: %d rows in %d floats; want fewer than %d rows in at most %d", name, p.plan.Batch, p.plan.Arena, runnerRows, runnerArena)
		}
	}
}
