//go:build !cpu

package cuda

import (
	"fmt"

	"aegis/cuda/driver"
	"aegis/cuda/kernels"
	"aegis/internal/plan"
	"aegis/internal/vm"
	"aegis/model/program"
)

// fetch writes the program's scalars that a plan reads, those of the step.
func (b *builder) fetch() {
	e := b.exec
	for i, buffer := range e.plan.Buffers {
		if buffer.Kind == plan.Scalar {
			index := e.program.ScalarIndex(buffer.Name)
			b.do(kernels.Fetch{Step: b.step, Scalars: e.scalars + driver.DevicePtr(4*index), Stride: b.stride, Y: b.at(i)})
		}
	}
}

// finalScalars are the numbers of a step as forward graphs read them.
func finalScalars(p *program.Program) []float32 {
	list := make([]float32, p.ScalarCount())
	for _, s := range p.Scalars {
		list[p.ScalarIndex(s.Name)] = p.FinalScalar(s.Name)
	}
	return list
}

// noise draws rows.
func (b *builder) noise(in plan.Instr) error {
	drawn := in.Input.Noise(b.exec.seed, b.source.set, b.exec.trains)
	n := kernels.Noise{
		Batch: b.batch(), Width: b.width(in.Dst[0]), Stream: drawn.Stream, ByRow: drawn.ByRow, Y: b.at(in.Dst[0]),
	}
	switch drawn.Kind {
	case program.InputUniform:
		n.Kind = kernels.Uniform
	case program.InputBernoulli:
		n.Kind, n.P = kernels.Bernoulli, drawn.P
	case program.InputNormal:
		n.Kind = kernels.Normal
	default:
		return fmt.Errorf("no kernel for %s", drawn.Kind)
	}
	if drawn.ByRow {
		n.Numbers, n.First = b.source.originals, b.source.first
	}
	b.do(n)
	return nil
}

// drop multiplies rows by noise that it draws.
func (b *builder) drop(in plan.Instr) {
	drawn := in.Input.Noise(b.exec.seed, b.source.set, b.exec.trains)
	d := kernels.Drop{Noise: kernels.Noise{
		Batch: b.batch(), Width: b.width(in.Dst[0]), Kind: kernels.Bernoulli, P: drawn.P, Stream: drawn.Stream, ByRow: drawn.ByRow, Y: b.at(in.Dst[0]),
	}, X: b.at(in.Src[0]), Factor: in.Factor}
	if drawn.ByRow {
		d.Numbers, d.First = b.source.originals, b.source.first
	}
	b.do(d)
}

// oneHot writes classes, which were checked before.
func (b *builder) oneHot(in plan.Instr) {
	b.do(kernels.OneHot{Batch: b.batch(), Width: b.width(in.Dst[0]), Classes: b.source.classes, Y: b.at(in.Dst[0])})
}

// readsRowNumbers says whether a plan wants to know which rows of their set it
// works on: noise may belong to them.
func (e *exec) readsRowNumbers() bool {
	return e.any(func(in plan.Instr) bool {
		return (in.Op == plan.Noise || in.Op == plan.Drop) && (in.Input.Fixed || !e.trains)
	})
}

// readsLabels says whether a plan wants classes.
func (e *exec) readsLabels() bool {
	return e.any(func(in plan.Instr) bool { return in.Op == plan.OneHot })
}

func (e *exec) any(is func(plan.Instr) bool) bool {
	found := false
	for _, ph := range e.plan.Phases {
		for _, in := range ph.Gradients {
			found = found || is(in)
		}
	}
	return found
}

// classes returns the class of each of rows, or where these are nil of n
// values, and checks them; nil for a plan that reads none.
func (e *exec) classes(labels, rows []int32, n int) ([]int32, error) {
	if !e.readsLabels() {
		return nil, nil
	}
	list := make([]int32, n)
	for _, ph := range e.plan.Phases {
		for _, in := range ph.Gradients {
			if in.Op != plan.OneHot {
				continue
			}
			width := e.region(in.Dst[0]).width
			for i := range list {
				row := i
				if rows != nil {
					row = int(rows[i])
				}
				class, err := vm.Class(labels, row, width)
				if err != nil {
					return nil, fmt.Errorf("cuda: %w", err)
				}
				list[i] = int32(class)
			}
		}
	}
	return list, nil
}
