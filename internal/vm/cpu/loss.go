package cpu

import (
	"fmt"

	"aegis/internal/plan"
	"aegis/internal/vm/cpu/kernel"
	"aegis/model/op"
)

// lossSum is a loss term: a sum for each chunk of rows.
type lossSum struct {
	value   []float32 // the buffer
	partial []float64
	width   int // values in a row
}

// mean adds the chunks in their order.
func (l *lossSum) mean(n int) float32 {
	sum := 0.0
	for _, v := range l.partial[:(n+chunkRows-1)/chunkRows] {
		sum += v
	}
	return float32(sum / (float64(n) * float64(l.width)))
}

// loss is a loss term, with its gradient by the logits or outputs.
func (b *builder) loss(in plan.Instr) error {
	e := b.exec
	slope, err := newActivation(in.Slope)
	if err != nil {
		return err
	}
	kernelOf, factor, err := lossKernel(e.machine.kernels, in.Loss)
	if err != nil {
		return err
	}
	if in.Op == plan.LossGrad {
		factor *= in.Factor
	}
	pred, target := in.Src[0], in.Src[1]
	sum := &lossSum{value: e.buffers[in.Dst[0]], width: in.Loss.Width(e.rowSize(pred)), partial: make([]float64, (e.plan.Batch+chunkRows-1)/chunkRows)}
	s := &b.phase.stages[len(b.phase.stages)-1]
	s.losses = append(s.losses, sum)
	b.rows(in, func(w *worker, from, to int) {
		coef := float32(factor / (float64(e.n) * float64(sum.width)))
		if in.Scaled {
			coef *= e.buffers[in.Src[2]][0]
		}
		for at := from; at < to; at += chunkRows {
			end := min(at+chunkRows, to)
			y := w.rowsOf(pred, at, end)
			var dy []float32
			if in.Op == plan.LossGrad {
				dy = w.rowsOf(in.Dst[1], at, end)
			}
			sum.partial[at/chunkRows] = kernelOf(dy, y, w.rowsOf(target, at, end), coef)
			if in.Op == plan.LossGrad && !slope.none {
				of := w.rowsOf(in.Src[len(in.Src)-1], at, end)
				e.machine.kernels.ActGrad(slope.kind, dy, dy, of, slope.alpha)
			}
		}
	})
	return nil
}

// lossKernel returns a loss and the factor of its derivative that the kernel
// leaves to its coefficient.
func lossKernel(k *kernel.Set, l op.Loss) (f func(dst, y, t []float32, coef float32) float64, factor float64, err error) {
	switch l.Kind {
	case op.MSE:
		return k.MSE, 2, nil
	case op.MAE:
		return k.MAE, 1, nil
	case op.Huber:
		delta := float32(l.Delta)
		return func(dst, y, t []float32, coef float32) float64 { return k.Huber(dst, y, t, coef, delta) }, 1, nil
	case op.BCE:
		return k.BCE, 1, nil
	case op.BCELogits:
		return k.BCELogits, 1, nil
	case op.Gaussian:
		half, constant := 1/(2*l.Delta*l.Delta), op.NormalConstant(l.Delta)
		return func(dst, y, t []float32, coef float32) float64 {
			return k.MSE(dst, y, t, coef)*half + float64(len(y))*constant
		}, 2 * half, nil
	case op.KL:
		return kernel.KL, 1, nil
	}
	return nil, 0, fmt.Errorf("no kernel for loss %v", l)
}
