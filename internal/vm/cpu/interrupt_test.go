package cpu_test

import (
	"context"
	"reflect"
	"sync/atomic"
	"testing"

	"aegis/internal/vm"
	"aegis/internal/vm/vmtest"
	"aegis/model/program"
)

// endsAfter is a context that has ended once it was asked some times.
type endsAfter struct {
	context.Context
	left atomic.Int32
}

func (c *endsAfter) Err() error {
	if c.left.Add(-1) >= 0 {
		return nil
	}
	return context.Canceled
}

// A step is given up before its first update or finished: wherever a context
// ends, the state is that of whole steps.
func TestAnInterruptLeavesWholeSteps(t *testing.T) {
	const count = 3
	for _, n := range []int{1, 2, 3} {
		p := vmtest.Tiny(t)
		m, err := threads(n)(p, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Bind("train", vmtest.Rows(p, []byte{200})); err != nil {
			t.Fatal(err)
		}
		steps := program.Steps{Rows: make([]int32, count)}
		var want []*program.State // after so many steps
		for i := range int64(count) {
			want = append(want, stateOf(t, m))
			steps.Scalars = p.StepScalars(steps.Scalars, i, 1)
			if err := m.Train(context.Background(), program.Steps{First: i, Rows: []int32{0}, Scalars: p.StepScalars(nil, i, 1)}); err != nil {
				t.Fatal(err)
			}
		}
		want = append(want, stateOf(t, m))
		seen := make(map[int64]int)
		for at := int32(0); seen[count] == 0; at++ {
			if err := m.SetState(want[0]); err != nil {
				t.Fatal(err)
			}
			_, _ = m.Losses()
			ctx := &endsAfter{Context: context.Background()}
			ctx.left.Store(at)
			err := m.Train(ctx, steps)
			got := stateOf(t, m)
			if (err == nil) != (got.Step == count) || !reflect.DeepEqual(got, want[got.Step]) {
				t.Fatalf("%d workers, asked %d times: error %v, and the state is not that of %d steps", n, at, err, got.Step)
			}
			if losses, err := m.Losses(); err != nil || len(losses) != int(got.Step) {
				t.Errorf("%d workers, asked %d times: %d losses after %d steps (%v)", n, at, len(losses), got.Step, err)
			}
			seen[got.Step]++
		}
		if seen[0] < 2 || seen[1] < 2 || len(seen) != count+1 {
			t.Errorf("%d workers: ended after steps %v; want each at several moments", n, seen)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func stateOf(t *testing.T, m vm.Trainer) *program.State {
	t.Helper()
	s, err := m.State()
	if err != nil {
		t.Fatal(err)
	}
	return s
}
