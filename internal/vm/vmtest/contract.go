package vmtest

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"aegis/data"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model"
	"aegis/model/program"
)

// Contract holds a VM to the rest of vm.Trainer: state out and in, an
// exact repeat, an interrupt between steps, NaN, and errors.
func Contract(t *testing.T, open Open) {
	spec := network(model.FullyConnected, [3]int{1, 4, 5}, []int{7}, 3, 4, nil)
	pixels := make([]byte, 10*20)
	for i := range pixels {
		pixels[i] = byte(i * 37)
	}
	t.Run("a padded batch is the short one", func(t *testing.T) {
		short := spec
		short.Batch = 3
		p, padded := machine(t, open, spec, pixels)
		q, exact := machine(t, open, short, pixels)
		a, b := steps(t, p, padded, 0, train.Rows(3)), steps(t, q, exact, 0, train.Rows(3))
		if math.Abs(a[0]-b[0]) > 1e-6 {
			t.Errorf("loss %v of a padded batch, %v of the short one", a, b)
		}
	})
	t.Run("its arithmetic has a name", func(t *testing.T) {
		_, m := machine(t, open, spec, pixels)
		_, again := machine(t, open, spec, pixels)
		if name := m.Arithmetic(); name == "" || name != again.Arithmetic() {
			t.Errorf("names %q and %q; want one", name, again.Arithmetic())
		}
	})
	t.Run("state goes on where it was", func(t *testing.T) {
		p, m := machine(t, open, spec, pixels)
		steps(t, p, m, 0, train.Rows(8))
		saved := state(t, m)
		if saved.Step != 2 {
			t.Errorf("step %d, want 2", saved.Step)
		}
		want := steps(t, p, m, 2, train.Rows(10))
		_, again := machine(t, open, spec, pixels)
		if err := again.SetState(saved); err != nil {
			t.Fatal(err)
		}
		if got := steps(t, p, again, 2, train.Rows(10)); !slices.Equal(got, want) {
			t.Errorf("losses %v after SetState, want %v", got, want)
		}
		if got, want := state(t, again), state(t, m); !sameTensors(got, want) {
			t.Error("the states differ after the same steps")
		}
	})
	t.Run("a state lies in memory that is there", func(t *testing.T) {
		p, m := machine(t, open, spec, pixels)
		steps(t, p, m, 0, train.Rows(8))
		want, into := state(t, m), p.Start(1)
		first := into.Tensors["encoder.0.weight"].Data
		into.Tensors["decoder.0.weight"] = program.Tensor{Shape: []int{1}, Data: []float32{5}}
		into.Tensors["other"] = program.Tensor{}
		if err := m.StateInto(into, true); err != nil {
			t.Fatal(err)
		}
		if got := into.Tensors["encoder.0.weight"].Data; &got[0] != &first[0] || into.Step != want.Step || !sameTensors(into, want) {
			t.Errorf("step %d, other tensors than State's or elsewhere", into.Step)
		}
		if err := m.StateInto(into, false); err != nil {
			t.Fatal(err)
		}
		alone := &program.State{Step: want.Step, Tensors: make(map[string]program.Tensor)}
		for _, param := range p.Params {
			alone.Tensors[param.Name] = want.Tensors[param.Name]
		}
		if !sameTensors(into, alone) {
			t.Error("other tensors than the parameters")
		}
	})
	t.Run("an interrupt stops between steps", func(t *testing.T) {
		p, m := machine(t, open, spec, pixels)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s := program.Steps{Rows: train.Rows(8), Scalars: p.StepScalars(p.StepScalars(nil, 0, 1), 1, 1)}
		if err := m.Train(ctx, s); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
		if got := state(t, m).Step; got > 1 {
			t.Errorf("%d steps done", got)
		}
	})
	t.Run("what an interrupt leaves is a whole step's", func(t *testing.T) { contractInterrupt(t, open) })
	t.Run("NaN reaches the loss", func(t *testing.T) {
		p, m := machine(t, open, spec, pixels)
		s := state(t, m)
		s.Tensors["encoder.0.weight"].Data[3] = float32(math.NaN())
		if err := m.SetState(s); err != nil {
			t.Fatal(err)
		}
		if loss := steps(t, p, m, 0, train.Rows(4)); !math.IsNaN(loss[0]) {
			t.Errorf("loss %v with a NaN weight", loss)
		}
	})
	t.Run("rows of any kind", func(t *testing.T) { ContractRows(t, open) })
	t.Run("errors", func(t *testing.T) { contractErrors(t, open, spec, pixels) })
}

// contractInterrupt ends contexts at many moments of many steps: the state is
// that of as many whole steps as it says, and training goes on from there.
func contractInterrupt(t *testing.T, open Open) {
	const count, batch = 6, 32
	spec := network(model.FullyConnected, [3]int{1, 8, 8}, []int{40}, 4, batch, nil)
	pixels := make([]byte, count*batch*64)
	for i := range pixels {
		pixels[i] = byte(i * 37 >> 2)
	}
	all := func(p *program.Program, from int64) program.Steps {
		s := program.Steps{First: from, Rows: train.Rows(count * batch)[from*batch:]}
		for i := from; i < count; i++ {
			s.Scalars = p.StepScalars(s.Scalars, i, 1)
		}
		return s
	}
	p, m := machine(t, open, spec, pixels)
	start := state(t, m)
	want := []*program.State{start} // after so many steps
	for i := range int64(count) {
		s := all(p, i)
		s.Rows, s.Scalars = s.Rows[:batch], s.Scalars[:p.ScalarCount()]
		if err := m.Train(context.Background(), s); err != nil {
			t.Fatal(err)
		}
		want = append(want, state(t, m))
	}
	began := time.Now()
	if err := errors.Join(m.SetState(start), m.Train(context.Background(), all(p, 0))); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(began)
	const tries = 40
	for i := range tries {
		if _, err := m.Losses(); err != nil {
			t.Fatal(err)
		}
		if err := m.SetState(start); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), whole*time.Duration(i)/tries)
		err := m.Train(ctx, all(p, 0))
		cancel()
		got := state(t, m)
		if (err == nil) != (got.Step == count) || err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("error %v after %d steps of %d", err, got.Step, count)
		}
		if losses, err := m.Losses(); err != nil || len(losses) != int(got.Step) {
			t.Errorf("%d losses after %d steps (%v)", len(losses), got.Step, err)
		}
		if !sameTensors(got, want[got.Step]) {
			t.Fatalf("the state after an interrupt is not that of its %d steps", got.Step)
		}
		if err := m.Train(context.Background(), all(p, got.Step)); err != nil {
			t.Fatal(err)
		}
		if !sameTensors(state(t, m), want[count]) {
			t.Fatalf("going on from step %d gives other parameters", got.Step)
		}
	}
}

func contractErrors(t *testing.T, open Open, spec model.Spec, pixels []byte) {
	p, m := machine(t, open, spec, pixels)
	ctx := context.Background()
	scalars := p.StepScalars(nil, 0, 1)
	lacking := state(t, m)
	delete(lacking.Tensors, "decoder.0.bias")
	wrong := state(t, m)
	wrong.Tensors["decoder.0.bias"] = program.Tensor{Shape: []int{1}, Data: []float32{0}}
	cases := []struct {
		name string
		call func() error
		want string
	}{
		{name: "bytes", call: func() error { return m.Bind("x", data.Rows{N: 1, Shape: data.Shape{W: 21}, Bytes: make([]byte, 21)}) }, want: "rows of 20 values"},
		{name: "short", call: func() error { return m.Bind("x", data.Rows{N: 2, Shape: p.Row, Bytes: make([]byte, 20)}) }, want: "2 rows of 20 values"},
		{name: "floats", call: func() error {
			return m.Bind("x", data.Rows{N: 1, Shape: p.Row, Floats: make([]float32, 20)})
		}, want: "want bytes"},
		{name: "row", call: func() error { return m.Train(ctx, program.Steps{Rows: []int32{10}, Scalars: scalars}) }, want: "row 10"},
		{name: "negative row", call: func() error { return m.Train(ctx, program.Steps{Rows: []int32{-1}, Scalars: scalars}) }, want: "row -1"},
		{name: "scalars", call: func() error { return m.Train(ctx, program.Steps{Rows: []int32{1}}) }, want: "scalars"},
		{name: "step", call: func() error { return m.Train(ctx, program.Steps{First: 5, Rows: []int32{1}, Scalars: scalars}) }, want: "step"},
		{name: "set", call: func() error { _, err := m.Evaluate(ctx, "nowhere", train.Rows(1)); return err }, want: `"nowhere"`},
		{name: "codes", call: func() error {
			return m.Infer(ctx, program.Decode, program.Feed{Values: make([]float32, 4)}, make([]float32, 20))
		}, want: "rows of 3 values"},
		{name: "room", call: func() error {
			return m.Infer(ctx, program.Encode, program.Feed{Set: vm.TestSet, Rows: train.Rows(2)}, make([]float32, 7))
		}, want: "room for 2"},
		{name: "part", call: func() error {
			return m.Infer(ctx, "dream", program.Feed{Set: vm.TestSet, Rows: train.Rows(2)}, make([]float32, 6))
		}, want: `"dream"`},
		{name: "lacking tensor", call: func() error { return m.SetState(lacking) }, want: "no tensor decoder.0.bias"},
		{name: "wrong shape", call: func() error { return m.SetState(wrong) }, want: "decoder.0.bias has shape [1]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := c.call(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	if loss := steps(t, p, m, 0, train.Rows(4)); math.IsNaN(loss[0]) || len(loss) != 1 {
		t.Errorf("losses %v after refused calls", loss)
	}
}

func sameTensors(a, b *program.State) bool {
	if len(a.Tensors) != len(b.Tensors) || a.Step != b.Step {
		return false
	}
	for name, t := range a.Tensors {
		if !slices.Equal(t.Data, b.Tensors[name].Data) {
			return false
		}
	}
	return true
}
