//go:build !cpu

package cuda

import (
	"fmt"

	"aegis/cuda/internal/gpu"
	"aegis/cuda/kernels"
	"aegis/model/program"
)

// feeding is what a forward part is asked about: rows of a set, or values.
type feeding struct {
	program.Feed
	set     *set // nil for values
	n       int
	classes []int32 // nil where the part reads none
	first   int     // number of the first of the values
}

// feeding checks what a part is asked about.
func (m *Machine) feeding(e *exec, part program.Part, in program.Feed) (feeding, error) {
	f := feeding{Feed: in}
	var err error
	if in.Set != "" {
		if f.set, err = m.find(in.Set, in.Rows); err != nil {
			return f, err
		}
		f.n = len(in.Rows)
		f.classes, err = e.classes(m.labels[in.Set], in.Rows, f.n)
		return f, err
	}
	width := e.input.width
	if width == 0 {
		return f, fmt.Errorf("cuda: %s reads neither rows nor codes; got values", part)
	}
	if f.n = len(in.Values) / width; f.n*width != len(in.Values) {
		return f, fmt.Errorf("cuda: %s: want rows of %d values, got %d values in all", part, width, len(in.Values))
	}
	f.classes, err = e.classes(in.Labels, nil, f.n)
	return f, err
}

// cut returns a part of the rows.
func (f feeding) cut(from, to int) feeding {
	if f.set != nil {
		f.Rows = f.Rows[from:to]
	} else {
		width := len(f.Values) / f.n
		f.Values, f.first = f.Values[from*width:to*width], from
	}
	if f.classes != nil {
		f.classes = f.classes[from:to]
	}
	f.n = to - from
	return f
}

// forward runs a forward part on as many rows as it takes at once.
func (m *Machine) forward(e *exec, f feeding) error {
	q := m.queue
	from := source{set: f.Set, first: f.first, classes: q.at(q.classes, 0)}
	if err := gpu.Upload(m.gpu, from.classes, f.classes); err != nil {
		return err
	}
	if f.set == nil {
		if err := gpu.Upload(m.gpu, e.input.ptr, f.Values); err != nil {
			return err
		}
		return m.runForward(e, f.n, from)
	}
	from.rows, from.floats = f.set.ptr, f.set.floats()
	from.numbers, from.originals = q.at(q.forwardNumber, 0), q.at(q.originals, 0)
	numbers := f.Rows
	if !f.set.kept {
		from.rows, numbers = m.staging.ptr, make([]int32, f.n)
		for i := range numbers {
			numbers[i] = int32(i)
		}
		if err := m.fill(0, f.set, f.Rows); err != nil {
			return err
		}
	}
	if err := gpu.Upload(m.gpu, from.numbers, numbers); err != nil {
		return err
	}
	if e.readsRowNumbers() {
		if err := gpu.Upload(m.gpu, from.originals, f.Rows); err != nil {
			return err
		}
	}
	return m.runForward(e, f.n, from)
}

func (m *Machine) runForward(e *exec, n int, from source) error {
	q := m.queue
	block := kernels.StepBlock(uint32(n), 0, uint32(e.plan.Batch), 0)
	if err := gpu.Upload(m.gpu, q.at(q.forward, 0), block[:]); err != nil {
		return err
	}
	ops, err := e.build(q.at(q.forward, 0), from)
	if err != nil {
		return err
	}
	calls, err := m.modules.Calls(ops)
	if err != nil {
		return err
	}
	if err := m.gpu.Queue(calls); err != nil {
		return err
	}
	return m.gpu.RecordEvent(m.done[0], m.gpu.Stream)
}
