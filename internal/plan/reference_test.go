package plan_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"aegis/internal/numtest"
	"aegis/internal/plan"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/internal/vm/tape"
	"aegis/internal/vm/vmtest"
	"aegis/model/optim"
	"aegis/model/program"
)

// Tolerances of the interpreter's float64 against the tape machine's float32;
// a step of Adam, which divides a gradient by its own size, and an update
// that is read back as a difference of parameters lose more.
const (
	forwardTolerance  = 1e-5
	gradientTolerance = 1e-4
	trainedTolerance  = 2e-3
)

// images are random pixels, as bytes and decoded.
func images(p *program.Program, n int) (bytes []byte, pixels []float64) {
	bytes = make([]byte, n*p.PixelCount())
	r := rand.New(rand.NewPCG(7, 7))
	for i := range bytes {
		bytes[i] = byte(r.Uint32())
	}
	decoded := make([]float32, len(bytes))
	p.Scaling.Pixels.Decode(decoded, bytes)
	return bytes, widen(decoded)
}

// trains runs steps on the tape machine and by the plan, the last one with a
// short batch, and compares losses and all state.
// It passes over tensors whose names end in one of but.
func trains(t *testing.T, p *program.Program, opt plan.Options, rows int, tolerance float64, but ...string) {
	t.Helper()
	bytes, pixels := images(p, rows)
	ref, err := tape.Open(p, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ref.Close() }()
	if err := errors.Join(ref.Bind(vm.TrainSet, vmtest.Rows(p, bytes)), ref.Label(vm.TrainSet, labels(rows))); err != nil {
		t.Fatal(err)
	}
	m := newMachine(t, compile(t, p, opt), p.Start(1).Tensors)
	m.look = look{program: p, set: vm.TrainSet, training: true}
	var got []float64
	s := program.Steps{Rows: train.Rows(rows)}
	for at := 0; at < rows; at += p.Batch {
		n := min(p.Batch, rows-at)
		m.look.step, m.look.first = int64(at/p.Batch), at
		scalars := p.StepScalars(nil, m.look.step, 1)
		s.Scalars = append(s.Scalars, scalars...)
		for _, loss := range m.step(pixels[at*p.PixelCount():][:n*p.PixelCount()], n, scalars) {
			got = append(got, loss...)
		}
		m.poison()
	}
	if err := ref.Train(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	losses, err := ref.Losses()
	if err != nil {
		t.Fatal(err)
	}
	numtest.Close(t, opt.String()+": losses", got, widen(losses), tolerance)
	state, err := ref.State()
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range m.plan.Buffers {
		name := b.Name
		switch b.Kind {
		case plan.Copy:
			name = m.plan.Buffers[b.Of].Name
		case plan.Param, plan.Slot:
		default:
			continue
		}
		if slices.ContainsFunc(but, func(param string) bool { return strings.HasSuffix(name, param) }) {
			continue
		}
		numtest.Close(t, opt.String()+": "+b.Name, m.load(i), widen(state.Tensors[name].Data), tolerance)
	}
}

// forwards compares every part at several batch sizes.
func forwards(t *testing.T, p *program.Program, opt plan.Options) {
	t.Helper()
	const rows = 7
	bytes, pixels := images(p, rows)
	ref, err := tape.Open(p, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ref.Close() }()
	if err := errors.Join(ref.Bind(vm.TestSet, vmtest.Rows(p, bytes)), ref.Label(vm.TestSet, labels(rows))); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, batch := range []int{1, rows} {
		codes := make([]float32, batch*p.Code)
		for _, part := range parts() {
			input, in := pixels[:batch*p.PixelCount()], program.Feed{Set: vm.TestSet, Rows: train.Rows(batch)}
			want := make([]float32, batch*p.PixelCount())
			switch part {
			case program.Encode:
				want = codes
			case program.Decode:
				input, in = widen(codes), program.Feed{Values: codes, Labels: labels(batch)}
			}
			var wide []float64
			if part == program.Evaluate {
				wide, err = ref.Evaluate(ctx, vm.TestSet, in.Rows)
			} else {
				err = ref.Infer(ctx, part, in, want)
				wide = widen(want)
			}
			if err != nil {
				t.Fatal(err)
			}
			m := newMachine(t, compileForward(t, p, part, batch, opt), p.Start(1).Tensors)
			m.look.program = p
			got := m.step(input, batch, nil)
			numtest.Close(t, opt.String()+": "+string(part), slices.Concat(got...), wide, forwardTolerance)
		}
	}
}

// The compiler is held to the tape machine without any VM, under every
// combination of options and in the very memory and layouts of the plan.
func TestReference(t *testing.T) {
	networks := vmtest.Networks()
	maps.Copy(networks, vmtest.RegularNetworks())
	for _, name := range []string{"odd widths", "conv batch norm"} {
		averaged := networks[name]
		averaged.EMA = 0.99
		networks[name+" averages"] = averaged
	}
	for name, spec := range vmtest.AdversarialNetworks() {
		if spec.Optimizer == optim.SGD { // three Adams and batch norm make much of rounding
			networks[name] = spec
		}
	}
	for name, spec := range vmtest.ClippedNetworks() {
		networks["clipped "+name] = spec
	}
	for name, spec := range networks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := build(t, spec)
			steep := spec
			steep.Optimizer, steep.LR, steep.Momentum, steep.Beta1 = optim.SGD, 1<<16, 0, 0
			gradients := build(t, steep)
			rounding := vmtest.Rounding(t, spec)
			var moved []string // by what Adam makes of rounding
			if len(rounding) > 0 {
				moved = append(moved, ".running_mean")
			}
			for _, opt := range everyOption() {
				trains(t, p, opt, 2*p.Batch+max(1, p.Batch-1), trainedTolerance, append(moved, rounding...)...)
				trains(t, gradients, opt, max(1, p.Batch-1), gradientTolerance, rounding...)
				forwards(t, p, opt)
			}
		})
	}
}

// labels are classes of n rows.
func labels(n int) []int32 {
	list := make([]int32, n)
	for i := range list {
		list[i] = int32(vmtest.ClassOf(i))
	}
	return list
}
