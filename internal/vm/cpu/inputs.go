package cpu

import (
	"fmt"

	"aegis/data/philox"
	"aegis/internal/plan"
	"aegis/internal/vm"
	"aegis/internal/vm/cpu/kernel"
	"aegis/model/program"
)

// scalar is a number that a plan reads.
type scalar struct {
	buffer []float32
	index  int     // among the numbers of a step
	final  float32 // its value in forward graphs
}

// findScalars lists the numbers that a plan reads.
func (e *exec) findScalars() {
	p := e.machine.program
	for i, b := range e.plan.Buffers {
		if b.Kind == plan.Scalar {
			e.scalars = append(e.scalars, scalar{buffer: e.buffers[i], index: p.ScalarIndex(b.Name), final: p.FinalScalar(b.Name)})
		}
	}
}

// setScalars writes the numbers of a step, or for forward graphs, given none,
// the final ones.
func (e *exec) setScalars(step []float32) {
	for _, s := range e.scalars {
		s.buffer[0] = s.final
		if step != nil {
			s.buffer[0] = step[s.index]
		}
	}
}

// noise is random numbers that a plan reads.
type noise struct {
	input program.Input
	drawn program.Noise
}

// setNoises says what the next batches draw for.
func (e *exec) setNoises(set string, training bool) {
	for _, n := range e.noises {
		n.drawn = n.input.Noise(e.machine.seed, set, training)
	}
}

// number returns where row i of the batch lies: in its set, among the given
// values, or in the step's batch.
func (e *exec) number(i int, byRow bool) int {
	switch {
	case !byRow:
		return i
	case e.values != nil:
		return e.first + i
	}
	return int(e.rows[i])
}

// noise draws rows. They are drawn in the order of the shape.
func (b *builder) noise(in plan.Instr) error {
	e, dst := b.exec, in.Dst[0]
	n := &noise{input: in.Input}
	e.noises = append(e.noises, n)
	b.rows(in, func(w *worker, from, to int) {
		for i := from; i < to; i++ {
			w.planarRow(dst, i, func(row []float32) { w.draw(n, row, i) })
		}
	})
	return nil
}

// draw fills a row with numbers.
func (w *worker) draw(n *noise, row []float32, i int) {
	k, d := w.exec.machine.kernels, w.drawOf(n, i)
	switch n.input.Kind {
	case program.InputNormal:
		k.Normals(row, &d, &w.noise)
	case program.InputBernoulli:
		k.Bernoullis(row, &d, philox.Threshold(n.input.P), &w.noise)
	default:
		k.Uniforms(row, &d, &w.noise)
	}
}

// drawOf is what row i of the batch draws for.
func (w *worker) drawOf(n *noise, i int) kernel.Draw {
	e, drawn := w.exec, n.drawn
	step := uint32(e.step)
	if drawn.ByRow {
		step = 0
	}
	return kernel.NewDraw(drawn.Stream, step, uint32(e.number(i, drawn.ByRow)))
}

// oneHot writes classes, which were checked before.
func (b *builder) oneHot(in plan.Instr) error {
	e, dst := b.exec, in.Dst[0]
	b.rows(in, func(w *worker, from, to int) {
		for i := from; i < to; i++ {
			row := w.rowsOf(dst, i, i+1)
			clear(row)
			if class := e.labels[e.number(i, true)]; class >= 0 {
				row[class] = 1
			}
		}
	})
	return nil
}

// planarRow has a row of a buffer written in the order of its shape, and puts
// it in the buffer's layout.
func (w *worker) planarRow(buffer, i int, write func(row []float32)) {
	e := w.exec
	size, channels := e.rowSize(buffer), e.channelsLast(buffer)
	y := w.rowsOf(buffer, i, i+1)
	if channels == 1 || channels == size {
		write(y)
		return
	}
	planar := w.space(&w.planar, size)
	write(planar)
	area := size / channels
	e.machine.kernels.Transpose(y, channels, planar, area, channels, area)
}

// checkLabels says whether rows of a set, or n given values, have the classes
// that a plan reads.
func checkLabels(p *plan.Plan, labels []int32, rows []int32, n int) error {
	for _, ph := range p.Phases {
		for _, in := range ph.Gradients {
			if in.Op != plan.OneHot {
				continue
			}
			for i := range n {
				row := i
				if rows != nil {
					row = int(rows[i])
				}
				if _, err := vm.Class(labels, row, rowSize(p.Buffers[in.Dst[0]])); err != nil {
					return fmt.Errorf("cpu: %w", err)
				}
			}
		}
	}
	return nil
}
