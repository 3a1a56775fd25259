package vmtest

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"aegis/internal/numtest"
	"aegis/internal/vm"
	"aegis/internal/vm/tape"
	"aegis/model"
	"aegis/model/program"
)

// OpenRunner prepares the forward parts of a program on the VM under test.
type OpenRunner func(p *program.Program, seed uint64, params vm.Params) (vm.Runner, error)

// Runner holds a VM to the contract of vm.Runner on some networks: the numbers
// of the tape machine, the same bits for a row whatever runs beside it, and
// errors. So many goroutines call at once.
func Runner(t *testing.T, open OpenRunner, goroutines int, names ...string) {
	for _, name := range names {
		spec, ok := Networks()[name]
		if !ok {
			spec = RegularNetworks()[name]
		}
		t.Run(name, func(t *testing.T) {
			p, err := spec.Forward()
			if err != nil {
				t.Fatal(err)
			}
			r, state := runner(t, open, p)
			rows := pixels(7, p.PixelCount())
			runnerNumbers(t, p, r, state, rows)
			runnerGoroutines(t, p, r, rows, goroutines)
		})
	}
	t.Run("errors", func(t *testing.T) { runnerErrors(t, open) })
}

// RunnerInputs is Runner on graphs that read everything that a graph can, and
// shadows instead of parameters.
func RunnerInputs(t *testing.T, open OpenRunner) {
	for name, e := range map[string]everything{
		"rows":   {row: []int{6}, hidden: 4},
		"images": {row: []int{2, 4, 3}, hidden: 5},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 70 // more than one batch
			p := e.Program(t)
			r, state := runner(t, open, p)
			ref, err := tape.OpenRunner(p, goldenSeed, state.Tensor)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = ref.Close() }()
			labels := make([]int32, n)
			for i := range labels {
				labels[i] = int32(i%(classes+1)) - 1
			}
			in := program.Feed{Values: pixels(n, p.PixelCount()), Labels: labels}
			for part, size := range map[program.Part]int{program.Encode: n * p.Code, program.Reconstruct: n * p.PixelCount()} {
				got, want := infer(t, r, part, in, size), infer(t, ref, part, in, size)
				numtest.Close(t, string(part), widen(got), widen(want), forwardTolerance)
			}
			in.Labels = nil
			if err := r.Infer(context.Background(), program.Encode, in, make([]float32, n*p.Code)); err == nil {
				t.Error("a graph that reads labels was given none, and says nothing")
			}
		})
	}
}

// runner opens a program under the state that it starts with.
func runner(t *testing.T, open OpenRunner, p *program.Program) (vm.Runner, *program.State) {
	t.Helper()
	state := p.Start(goldenSeed)
	r, err := open(p, goldenSeed, state.Tensor)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r, state
}

// ClassOf is the class of a row, for networks that read classes.
func ClassOf(row int) int { return row % classes }

// labelled are classes of n rows, which graphs that read none pass over.
func labelled(n int) []int32 {
	labels := make([]int32, n)
	for i := range labels {
		labels[i] = int32(ClassOf(i))
	}
	return labels
}

// pixels are n rows of values in [0, 1).
func pixels(n, width int) []float32 {
	r := rand.New(rand.NewPCG(5, 5))
	values := make([]float32, n*width)
	for i := range values {
		values[i] = r.Float32()
	}
	return values
}

// parts are the inputs and the results' widths of the parts of a program.
func parts(p *program.Program, rows []float32) map[program.Part]struct {
	values []float32
	width  int
} {
	type io = struct {
		values []float32
		width  int
	}
	n := len(rows) / p.PixelCount()
	all := map[program.Part]io{
		program.Encode:      {rows, p.Code},
		program.Decode:      {pixels(n, p.Code), p.PixelCount()},
		program.Reconstruct: {rows, p.PixelCount()},
	}
	if _, err := p.Forward(program.Logits, 1); err == nil {
		all[program.Logits] = io{rows, p.PixelCount()}
	}
	if _, err := p.Forward(program.DecodeLogits, 1); err == nil {
		all[program.DecodeLogits] = all[program.Decode]
	}
	if _, err := p.Forward(program.LogVar, 1); err == nil {
		all[program.LogVar] = io{rows, p.Code}
	}
	return all
}

func runnerNumbers(t *testing.T, p *program.Program, r vm.Runner, state *program.State, rows []float32) {
	t.Helper()
	ref, err := tape.OpenRunner(p, goldenSeed, state.Tensor)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ref.Close() }()
	n := len(rows) / p.PixelCount()
	for part, io := range parts(p, rows) {
		in := program.Feed{Values: io.values, Labels: labelled(n)}
		got, want := infer(t, r, part, in, n*io.width), infer(t, ref, part, in, n*io.width)
		numtest.Close(t, string(part), widen(got), widen(want), forwardTolerance)
	}
}

// runnerGoroutines asks for each row alone, and then for many rows and for one
// row from goroutines at once: a row has one result.
func runnerGoroutines(t *testing.T, p *program.Program, r vm.Runner, rows []float32, goroutines int) {
	t.Helper()
	n := len(rows) / p.PixelCount()
	for part, io := range parts(p, rows) {
		width := len(io.values) / n
		many := slices.Repeat(io.values, goroutines/2)
		var alone []float32
		for i := range n {
			in := program.Feed{Values: io.values[i*width : (i+1)*width], Labels: labelled(n)[i : i+1]}
			alone = append(alone, infer(t, r, part, in, io.width)...)
		}
		want := slices.Repeat(alone, goroutines/2)
		var all sync.WaitGroup
		for g := range goroutines {
			all.Go(func() {
				out, want := make([]float32, len(want)), want
				in := program.Feed{Values: many, Labels: slices.Repeat(labelled(n), goroutines/2)}
				if g%2 > 0 {
					i := g % n
					in.Values, in.Labels = io.values[i*width:(i+1)*width], labelled(n)[i:i+1]
					out, want = out[:io.width], alone[i*io.width:(i+1)*io.width]
				}
				if err := r.Infer(context.Background(), part, in, out); err != nil || !slices.Equal(out, want) {
					t.Errorf("%s from goroutine %d: other bits than of each row alone (error %v)", part, g, err)
				}
			})
		}
		all.Wait()
	}
}

func runnerErrors(t *testing.T, open OpenRunner) {
	spec := network(model.FullyConnected, [3]int{1, 4, 5}, []int{7}, 3, 4, nil)
	p, err := spec.Forward()
	if err != nil {
		t.Fatal(err)
	}
	r, state := runner(t, open, p)
	ctx, ended := context.WithCancel(context.Background())
	ended()
	row := program.Feed{Values: make([]float32, 20)}
	for name, c := range map[string]struct {
		ctx  context.Context
		part program.Part
		in   program.Feed
		out  int
		want string
	}{
		"values":  {part: program.Encode, in: program.Feed{Values: make([]float32, 21)}, out: 3, want: "rows of 20 values"},
		"codes":   {part: program.Decode, in: program.Feed{Values: make([]float32, 4)}, out: 20, want: "rows of 3 values"},
		"room":    {part: program.Encode, in: row, out: 4, want: "room for 1"},
		"set":     {part: program.Encode, in: program.Feed{Set: vm.TestSet, Rows: []int32{0}}, out: 3, want: `"test"`},
		"part":    {part: "dream", in: row, out: 3, want: `"dream"`},
		"logits":  {part: program.Logits, in: row, out: 20, want: "the loss mse has none"},
		"context": {ctx: ctx, part: program.Encode, in: row, out: 3, want: context.Canceled.Error()},
	} {
		if c.ctx == nil {
			c.ctx = context.Background()
		}
		if err := r.Infer(c.ctx, c.part, c.in, make([]float32, c.out)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	if got := infer(t, r, program.Encode, row, 3); len(got) != 3 {
		t.Error("no codes after refused calls")
	}
	if err := r.Infer(context.Background(), program.Encode, program.Feed{}, nil); err != nil {
		t.Errorf("no rows: %v", err)
	}
	lost := errors.New("lost")
	for name, params := range map[string]vm.Params{
		"a tensor lacks": func(name string, shape []int) (program.Tensor, error) {
			if name == "decoder.0.bias" {
				return program.Tensor{}, lost
			}
			return state.Tensor(name, shape)
		},
	} {
		if _, err := open(p, goldenSeed, params); !errors.Is(err, lost) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
