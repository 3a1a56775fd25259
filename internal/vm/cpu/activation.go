package cpu

import (
	"aegis/internal/plan"
	"aegis/internal/vm/cpu/kernel"
	"aegis/model/op"
)

// activation is an op's function as a kernel.
type activation struct {
	kind  kernel.Activation
	alpha float32
	none  bool
}

func newActivation(a op.Activation) (activation, error) {
	if a.Kind == op.Identity {
		return activation{none: true}, nil
	}
	kind, err := kernel.ParseActivation(string(a.Kind))
	return activation{kind: kind, alpha: float32(a.Alpha)}, err
}

// relu says that a product does it in registers.
func (a activation) relu() bool { return !a.none && a.kind == kernel.ReLU }

func (b *builder) activate(in plan.Instr) error {
	e := b.exec
	act, err := newActivation(in.Activation)
	if err != nil {
		return err
	}
	b.rows(in, func(w *worker, from, to int) {
		dst, src := w.rowsOf(in.Dst[0], from, to), w.rowsOf(in.Src[0], from, to)
		if act.none {
			copy(dst, src)
			return
		}
		e.machine.kernels.Act(act.kind, dst, src, act.alpha)
	})
	return nil
}

func (b *builder) slope(in plan.Instr) error {
	e := b.exec
	act, err := newActivation(in.Slope)
	if err != nil {
		return err
	}
	b.rows(in, func(w *worker, from, to int) {
		dst, g := w.rowsOf(in.Dst[0], from, to), w.rowsOf(in.Src[0], from, to)
		if act.none {
			copy(dst, g)
			return
		}
		e.machine.kernels.ActGrad(act.kind, dst, g, w.rowsOf(in.Src[1], from, to), act.alpha)
	})
	return nil
}

// slopeRows is the rows that a derivative is taken at, nil where there is none.
func (w *worker) slopeRows(slope activation, y, from, to int) []float32 {
	if slope.none {
		return nil
	}
	return w.rowsOf(y, from, to)
}
