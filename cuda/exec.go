//go:build !cpu

package cuda

import (
	"fmt"
	"slices"

	"aegis/cuda/driver"
	"aegis/internal/plan"
	"aegis/model/program"
)

// exec is a plan in device memory.
type exec struct {
	plan    *plan.Plan
	address []driver.DevicePtr // of each buffer
	input   region             // what Load writes
	outputs []region           // of all phases

	columns  driver.DevicePtr // shifts and factors of the scaling; 0 where bytes become pixels
	scalars  driver.DevicePtr // of all steps of a run
	losses   driver.DevicePtr // of all steps of a run; 0 for a forward plan
	terms    int              // losses of one step
	scratch  driver.DevicePtr
	counters driver.DevicePtr // a word for each loss instruction
}

// region is an input or an output: rows of width values.
type region struct {
	ptr   driver.DevicePtr
	width int
}

// newExec describes a plan whose memory is not there yet; see place.
func newExec(p *plan.Plan) (*exec, error) {
	e := &exec{plan: p, address: make([]driver.DevicePtr, len(p.Buffers))}
	for _, b := range p.Buffers {
		if b.Layout != plan.RowMajor || b.Kind == plan.Copy {
			return nil, fmt.Errorf("cuda: buffer %s is %s; want all in row-major order", b.Name, b.Layout)
		}
	}
	for _, ph := range p.Phases {
		e.terms += len(ph.Outputs)
	}
	return e, nil
}

// place says where everything is.
func (e *exec) place(state *tensors, arena driver.DevicePtr) error {
	for i, b := range e.plan.Buffers {
		switch b.Kind {
		case plan.Param, plan.Slot:
			var err error
			if e.address[i], err = state.address(b.Name); err != nil {
				return err
			}
		default:
			e.address[i] = arena + driver.DevicePtr(4*b.Offset)
		}
	}
	e.outputs = nil
	for _, ph := range e.plan.Phases {
		for _, out := range ph.Outputs {
			e.outputs = append(e.outputs, e.region(out.Buffer))
		}
		for _, in := range ph.Gradients {
			if in.Op == plan.Load {
				e.input = e.region(in.Dst[0])
			}
		}
	}
	return nil
}

func (e *exec) region(buffer int) region {
	return region{ptr: e.address[buffer], width: program.Size(e.plan.Buffers[buffer].Shape) / e.plan.Batch}
}

// lossCount is how many loss instructions there are.
func (e *exec) lossCount() int {
	n := 0
	for _, ph := range e.plan.Phases {
		for _, in := range ph.Gradients {
			if in.Op == plan.Loss || in.Op == plan.LossGrad {
				n++
			}
		}
	}
	return n
}

// firstTerm is the number of a phase's first loss among those of a step.
func (e *exec) firstTerm(phase *plan.Phase) int {
	n := 0
	for i := range e.plan.Phases {
		if &e.plan.Phases[i] == phase {
			break
		}
		n += len(e.plan.Phases[i].Outputs)
	}
	return n
}

// term is the number of the loss that a buffer is, where a loss instruction
// writes it and that is all it is for; else -1.
func (e *exec) term(phase *plan.Phase, buffer int) int {
	if e.losses == 0 {
		return -1
	}
	found, uses, written := -1, 0, false
	for i, out := range phase.Outputs {
		if out.Buffer == buffer {
			found = e.firstTerm(phase) + i
			uses++
		}
	}
	for _, b := range e.plan.Buffers {
		if b.Kind == plan.View && b.Of == buffer {
			uses++
		}
	}
	for _, in := range slices.Concat(phase.Gradients, phase.Update) {
		if slices.Contains(in.Src, buffer) {
			uses++
		}
		written = written || in.Dst[0] == buffer && (in.Op == plan.Loss || in.Op == plan.LossGrad)
	}
	if uses != 1 || !written {
		return -1
	}
	return found
}
