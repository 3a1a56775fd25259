//go:build !cpu

package cuda_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"aegis/cuda"
	"aegis/cuda/internal/gputest"
	"aegis/cuda/internal/ptxsim"
	"aegis/internal/numtest"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/internal/vm/tape"
	"aegis/internal/vm/vmtest"
	"aegis/model"
	"aegis/model/optim"
	"aegis/model/program"
)

// small returns an odd network and images for it.
func small(t *testing.T, name string, images int) (*program.Program, []byte) {
	t.Helper()
	spec, ok := vmtest.Networks()[name]
	if !ok {
		t.Fatalf("no network %q", name)
	}
	return build(t, spec), pixels(images * spec.Image[0] * spec.Image[1] * spec.Image[2])
}

func build(t *testing.T, spec model.Spec) *program.Program {
	t.Helper()
	p, err := spec.Program()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func pixels(n int) []byte {
	r := rand.New(rand.NewPCG(5, 5))
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

// open opens a program on the simulator, bound to images. Its graphs have four
// steps and its queue 64: the simulator takes a millisecond and more for each.
func open(t *testing.T, p *program.Program, images []byte, opt cuda.Options) *cuda.Machine {
	t.Helper()
	return tuned(t, p, images, opt, cuda.Tuning{Queue: 64, Graph: 4})
}

func tuned(t *testing.T, p *program.Program, images []byte, opt cuda.Options, tuning cuda.Tuning) *cuda.Machine {
	t.Helper()
	if opt.Driver == nil {
		opt.Driver = ptxsim.Open(ptxsim.Options{})
	}
	m, err := cuda.OpenTuned(p, 1, opt, tuning)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if err := m.Bind(vm.TrainSet, vmtest.Rows(p, images)); err != nil {
		t.Fatal(err)
	}
	return m
}

// someSteps are steps over rows in a mixed order.
func someSteps(p *program.Program, first int64, rows, images int) program.Steps {
	s := program.Steps{First: first}
	for i := range rows {
		s.Rows = append(s.Rows, int32((i*7+int(first))%images))
	}
	for i := range s.Count(p.Batch) {
		s.Scalars = p.StepScalars(s.Scalars, first+int64(i), 1)
	}
	return s
}

// results trains in several calls, long, short and with a short last batch,
// and returns all losses, the state and what the forward parts make.
func results(t *testing.T, p *program.Program, m *cuda.Machine, images int) []float32 {
	t.Helper()
	ctx, step := context.Background(), int64(0)
	for _, rows := range []int{9*p.Batch + 1, 3 * p.Batch, 4 * p.Batch} {
		s := someSteps(p, step, rows, images)
		if err := m.Train(ctx, s); err != nil {
			t.Fatal(err)
		}
		step += int64(s.Count(p.Batch))
	}
	all, err := m.Losses()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 10+3+4 {
		t.Fatalf("%d losses, want %d", len(all), 10+3+4)
	}
	rows := train.Rows(images)
	means, err := m.Evaluate(ctx, vm.TrainSet, rows)
	if err != nil {
		t.Fatal(err)
	}
	rebuilt := make([]float32, images*p.PixelCount())
	if err := m.Infer(ctx, program.Reconstruct, program.Feed{Set: vm.TrainSet, Rows: rows}, rebuilt); err != nil {
		t.Fatal(err)
	}
	all = append(append(all, float32(means[0])), rebuilt...)
	state, err := m.State()
	if err != nil {
		t.Fatal(err)
	}
	for _, param := range p.Params {
		all = append(all, state.Tensors[param.Name].Data...)
	}
	return all
}

// TestSameBits wants the same losses, state and results from every way to run
// a step: graphs, launches one by one, streamed images, another number of
// blocks at a time, and once more.
func TestSameBits(t *testing.T) {
	for _, name := range []string{"momentum", "conv point"} {
		t.Run(name, func(t *testing.T) {
			const images = 9
			p, data := small(t, name, images)
			want := results(t, p, open(t, p, data, cuda.Options{}), images)
			tuning := cuda.Tuning{Queue: 64, Graph: 4}
			noGraphs := gputest.NewSpy(ptxsim.Open(ptxsim.Options{}))
			noGraphs.NoGraphs = true
			apart := tuning
			apart.SeparateUpdates = true
			for _, c := range []struct {
				name   string
				opt    cuda.Options
				tuning cuda.Tuning
			}{
				{name: "again", tuning: tuning},
				{name: "one block at a time", opt: cuda.Options{Driver: ptxsim.Open(ptxsim.Options{Workers: 1})}, tuning: tuning},
				{name: "no graphs", opt: cuda.Options{Driver: noGraphs}, tuning: tuning},
				{name: "updates apart", tuning: apart},
				{name: "one step a graph", tuning: cuda.Tuning{Queue: 64, Graph: 1}},
				{name: "graphs of 8 steps", tuning: cuda.Tuning{Queue: 64, Graph: 8}},
				{name: "graphs of 8 steps, streamed", opt: cuda.Options{DataLimit: -1}, tuning: cuda.Tuning{Queue: 64, Graph: 8}},
				{name: "streamed", opt: cuda.Options{DataLimit: -1}, tuning: tuning},
			} {
				if got := results(t, p, tuned(t, p, data, c.opt, c.tuning), images); !slices.Equal(got, want) {
					t.Errorf("%s: other bits than at first", c.name)
				}
			}
		})
	}
}

// TestSeveralLosses asks for one loss twice, which no loss instruction can
// write to both of its places.
func TestSeveralLosses(t *testing.T) {
	p, data := small(t, "momentum", 5)
	loss := func(p *program.Program) []float32 {
		m := open(t, p, data, cuda.Options{})
		if err := m.Train(context.Background(), someSteps(p, 0, 3*p.Batch, 5)); err != nil {
			t.Fatal(err)
		}
		losses, err := m.Losses()
		if err != nil {
			t.Fatal(err)
		}
		return losses
	}
	want := loss(p)
	again, _ := small(t, "momentum", 5)
	again.Phases[0].Outputs = append(again.Phases[0].Outputs, program.Output{Name: "again", Node: again.Phases[0].Outputs[0].Node})
	got := loss(again)
	if len(want) != 3 || len(got) != 6 {
		t.Fatalf("%d and %d losses, want 3 and 6", len(want), len(got))
	}
	for i, v := range got {
		if v != want[i/2] {
			t.Errorf("losses %v, want each of %v twice", got, want)
			break
		}
	}
}

// TestSeveralPhases has two phases take turns at the same parameters, each with
// state of its own, and compares losses and state with the reference.
func TestSeveralPhases(t *testing.T) {
	for _, c := range []struct {
		name   string
		phases [2]optim.Spec
		slots  int // of the state, for each parameter
	}{
		{name: "momentum and Adam", phases: [2]optim.Spec{momentum(), optim.Default(optim.Adam, 1e-2)}, slots: 3},
		{name: "Adam twice", phases: [2]optim.Spec{optim.Default(optim.Adam, 1e-2), optim.Default(optim.Adam, 1e-3)}, slots: 4},
		{name: "Adam and SGD", phases: [2]optim.Spec{optim.Default(optim.Adam, 1e-2), optim.Default(optim.SGD, 1e-2)}, slots: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, data := small(t, "momentum", 9)
			other, _ := small(t, "momentum", 9)
			second := other.Phases[0]
			second.Name, second.Outputs[0].Name = "second", "second loss"
			p.Phases = append(p.Phases, second)
			for i, spec := range c.phases {
				p.Phases[i].Optimizer = spec
			}
			ref, err := tape.Open(p, 1)
			if err != nil {
				t.Fatal(err)
			}
			var losses [2][]float64
			var states [2]*program.State
			for i, m := range []vm.Trainer{open(t, p, data, cuda.Options{}), ref} {
				losses[i], states[i] = trained(t, p, m, data, 9)
			}
			if want := len(p.Params) * (1 + c.slots); len(losses[0]) != 10 || len(states[0].Tensors) != want {
				t.Fatalf("%d losses and %d tensors, want 10 and %d", len(losses[0]), len(states[0].Tensors), want)
			}
			numtest.Close(t, "losses", losses[0], losses[1], 1e-4)
			for name, got := range states[0].Tensors {
				numtest.Close(t, name, wide(got.Data), wide(states[1].Tensors[name].Data), 1e-3)
			}
		})
	}
}

func momentum() optim.Spec {
	s := optim.Default(optim.SGD, 1e-2)
	s.Momentum = 0.9
	return s
}

// trained is what five steps leave.
func trained(t *testing.T, p *program.Program, m vm.Trainer, images []byte, count int) ([]float64, *program.State) {
	t.Helper()
	if err := m.Bind(vm.TrainSet, vmtest.Rows(p, images)); err != nil {
		t.Fatal(err)
	}
	if err := m.Train(context.Background(), someSteps(p, 0, 5*p.Batch-1, count)); err != nil {
		t.Fatal(err)
	}
	losses, err := m.Losses()
	if err != nil {
		t.Fatal(err)
	}
	state, err := m.State()
	if err != nil {
		t.Fatal(err)
	}
	return wide(losses), state
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// TestReplays counts the graphs that an epoch takes, by their steps.
func TestReplays(t *testing.T) {
	for _, c := range []struct {
		steps, graph int
		limit        int64
		want         map[int]int // launches by steps
	}{
		{steps: 938, graph: 32, want: map[int]int{32: 29, 8: 1, 2: 1}},
		{steps: 63, graph: 32, limit: -1, want: map[int]int{32: 1, 16: 1, 8: 1, 4: 1, 2: 1, 1: 1}},
		{steps: 11, graph: 6, want: map[int]int{4: 2, 2: 1, 1: 1}},
		{steps: 3, graph: 1, want: map[int]int{1: 3}},
		{steps: 1, graph: 32, want: map[int]int{1: 1}},
	} {
		t.Run(fmt.Sprint(c.steps, c.graph, c.limit), func(t *testing.T) {
			p, data := small(t, "one pixel", 5)
			s := gputest.NewSpy(ptxsim.Open(ptxsim.Options{}))
			s.Idle = true
			m := tuned(t, p, data, cuda.Options{Driver: s, DataLimit: c.limit}, cuda.Tuning{Queue: 1024, Graph: c.graph})
			if err := m.Train(context.Background(), someSteps(p, 0, 1, 5)); err != nil {
				t.Fatal(err)
			}
			step := s.Replays[0] - 1 // launches, beside the one that starts a graph
			s.Replays = nil
			if err := m.Train(context.Background(), someSteps(p, 1, c.steps*p.Batch, 5)); err != nil {
				t.Fatal(err)
			}
			got := make(map[int]int)
			for _, launches := range s.Replays {
				got[(launches-1)/step]++
			}
			if !maps.Equal(got, c.want) {
				t.Errorf("launched %v, want %v", got, c.want)
			}
		})
	}
}

// TestQueueOverflows trains for more steps than the queue holds, without
// asking for losses, and compares with a queue that holds them all.
func TestQueueOverflows(t *testing.T) {
	p, data := small(t, "one pixel", 5)
	var want []float32
	for _, steps := range []int{64, 8} {
		m := tuned(t, p, data, cuda.Options{}, cuda.Tuning{Queue: steps, Graph: 2})
		for _, part := range [][2]int{{0, 5}, {5, 5}, {10, 23}} {
			if err := m.Train(context.Background(), someSteps(p, int64(part[0]), part[1], 5)); err != nil {
				t.Fatal(err)
			}
		}
		got, err := m.Losses()
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		if len(got) != 33 || !slices.Equal(got, want) {
			t.Errorf("losses %v with a queue of %d steps, want %v", got, steps, want)
		}
	}
}

// TestInterrupt stops in the middle of a call.
func TestInterrupt(t *testing.T) {
	p, data := small(t, "one pixel", 5)
	s := gputest.NewSpy(ptxsim.Open(ptxsim.Options{}))
	m := open(t, p, data, cuda.Options{Driver: s})
	ctx, cancel := context.WithCancel(context.Background())
	if err := m.Train(ctx, someSteps(p, 0, 1, 5)); err != nil {
		t.Fatal(err)
	}
	stop := &stopAfter{Context: ctx, cancel: cancel, checks: 3}
	if err := m.Train(stop, someSteps(p, 1, 40, 5)); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	losses, err := m.Losses()
	if err != nil {
		t.Fatal(err)
	}
	state, err := m.State()
	if err != nil {
		t.Fatal(err)
	}
	if want := 1 + 3*4; len(losses) != want || state.Step != int64(want) {
		t.Errorf("%d losses and step %d, want %d", len(losses), state.Step, want)
	}
	if err := m.Train(context.Background(), someSteps(p, state.Step, 2, 5)); err != nil {
		t.Errorf("going on: %v", err)
	}
}

// stopAfter ends after its error was asked for some times.
type stopAfter struct {
	context.Context
	cancel context.CancelFunc
	checks int
}

func (s *stopAfter) Err() error {
	if s.checks--; s.checks < 0 {
		s.cancel()
	}
	return s.Context.Err()
}

// TestBindAgain puts another set in the place of the first, on the device and
// streamed.
func TestBindAgain(t *testing.T) {
	for _, limit := range []int64{0, -1} {
		t.Run(fmt.Sprintf("limit %d", limit), func(t *testing.T) {
			p, data := small(t, "momentum", 12)
			half := len(data) / 2
			m := open(t, p, data[:half], cuda.Options{DataLimit: limit})
			lossOf := func(m *cuda.Machine, first int64) float32 {
				if err := m.Train(context.Background(), someSteps(p, first, p.Batch, 6)); err != nil {
					t.Fatal(err)
				}
				losses, err := m.Losses()
				if err != nil {
					t.Fatal(err)
				}
				return losses[0]
			}
			lossOf(m, 0)
			state, err := m.State()
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Bind(vm.TrainSet, vmtest.Rows(p, data[half:])); err != nil {
				t.Fatal(err)
			}
			other := open(t, p, data[half:], cuda.Options{})
			if err := other.SetState(state); err != nil {
				t.Fatal(err)
			}
			if got, want := lossOf(m, 1), lossOf(other, 1); got != want {
				t.Errorf("loss %v on another set, want %v", got, want)
			}
		})
	}
}

// TestStreamsWhatDoesNotFit binds sets to a device that has room for the
// first one only.
func TestStreamsWhatDoesNotFit(t *testing.T) {
	p, data := small(t, "odd widths", 4000)
	m := open(t, p, data, cuda.Options{DataLimit: int64(len(data))})
	before := m.Memory()
	if before.Data != int64(len(data)) {
		t.Errorf("%d bytes of data, want %d", before.Data, len(data))
	}
	if err := m.Bind(vm.TestSet, vmtest.Rows(p, data)); err != nil {
		t.Fatal(err)
	}
	if got := m.Memory().Data; got <= before.Data || got >= 2*before.Data {
		t.Errorf("%d bytes of data after a set of %d that is streamed", got, len(data))
	}
	rows := []int32{3999, 0, 17}
	var kept, streamed [3 * 3]float32
	for set, out := range map[string][]float32{vm.TrainSet: kept[:], vm.TestSet: streamed[:]} {
		if err := m.Infer(context.Background(), program.Encode, program.Feed{Set: set, Rows: rows}, out); err != nil {
			t.Fatal(err)
		}
	}
	if kept != streamed {
		t.Errorf("codes %v of streamed images, want %v", streamed, kept)
	}
}

// TestSmallDevice binds more images than a device has memory.
func TestSmallDevice(t *testing.T) {
	const memory = 26 << 20 // the queue takes most of it
	p, data := small(t, "odd widths", memory/35)
	m := open(t, p, data, cuda.Options{Driver: ptxsim.Open(ptxsim.Options{Memory: memory})})
	if got := m.Memory().Total(); got > memory {
		t.Errorf("%d bytes in use of %d", got, memory)
	}
	if err := m.Train(context.Background(), someSteps(p, 0, 5*p.Batch, memory/35)); err != nil {
		t.Fatal(err)
	}
	if losses, err := m.Losses(); err != nil || len(losses) != 5 {
		t.Errorf("%d losses, error %v", len(losses), err)
	}
}
