//go:build !cpu

package cuda

import (
	"fmt"

	"aegis/cuda/driver"
	"aegis/cuda/kernels"
	"aegis/internal/plan"
	"aegis/model/op"
	"aegis/model/program"
)

// operation is one of the structs of package kernels.
type operation interface {
	Launches() ([]kernels.Launch, error)
}

// scratcher is an operation that may need memory during its launches.
type scratcher interface{ ScratchFloats() int }

// source is where Load finds rows: by number on the device. Without numbers the
// input is there already.
type source struct {
	rows, numbers driver.DevicePtr
	floats        bool // the rows are float32
}

// builder turns a plan's instructions into operations of one step.
type builder struct {
	exec   *exec
	step   driver.DevicePtr // the step block
	source source
	phase  *plan.Phase
	stride int // scalars of one step
	first  int // of them, the phase's first
	loss   int // loss instructions so far
	list   []operation
}

// build returns the operations of one step.
func (e *exec) build(step driver.DevicePtr, from source) ([]operation, error) {
	b := &builder{exec: e, step: step, source: from}
	for i := range e.plan.Phases {
		b.stride += len(e.plan.Phases[i].Optimizer.ScalarNames())
	}
	for i := range e.plan.Phases {
		b.phase = &e.plan.Phases[i]
		for _, section := range [][]plan.Instr{b.phase.Gradients, b.phase.Update} {
			for _, in := range section {
				if err := b.add(in); err != nil {
					return nil, fmt.Errorf("cuda: phase %s: %s: %w", b.phase.Name, in.Op, err)
				}
			}
		}
		b.collect()
		b.first += len(b.phase.Optimizer.ScalarNames())
	}
	return b.list, nil
}

// add translates one instruction.
func (b *builder) add(in plan.Instr) error {
	switch in.Op {
	case plan.Load:
		b.load(in)
	case plan.Linear, plan.LinearDX, plan.LinearDW:
		b.linear(in)
	case plan.Conv2d, plan.Conv2dDX, plan.Conv2dDW, plan.ConvTranspose2d, plan.ConvTranspose2dDX, plan.ConvTranspose2dDW:
		return b.conv(in)
	case plan.Activate:
		b.do(kernels.Activate{
			Batch: b.batch(), Width: b.width(in.Dst[0]), Z: b.at(in.Src[0]), Y: b.at(in.Dst[0]), Activation: in.Activation,
		})
	case plan.Slope:
		b.do(kernels.Slope{
			Batch: b.batch(), Width: b.width(in.Dst[0]), G: b.at(in.Src[0]), Y: b.at(in.Src[1]), DZ: b.at(in.Dst[0]), Activation: in.Slope,
		})
	case plan.Loss, plan.LossGrad:
		b.lossOf(in)
	case plan.Add, plan.AddSums:
		b.sum(in)
	case plan.Pack:
		b.do(kernels.Copy{Batch: b.batch(), Width: b.width(in.Dst[0]), X: b.at(in.Src[0]), Y: b.at(in.Dst[0])})
	case plan.Update:
		t := b.target(in.Dst[0], in.Src[1:])
		t.Grad = b.at(in.Src[0])
		b.do(kernels.Update{Step: b.step, Count: b.size(in.Dst[0]), Target: t, Optimizer: *b.optimizer()})
	default:
		return fmt.Errorf("no kernel")
	}
	return nil
}

func (b *builder) do(o operation) { b.list = append(b.list, o) }

func (b *builder) batch() kernels.Batch { return kernels.Batch{Rows: b.exec.plan.Batch, Step: b.step} }

// at is where a buffer is on the device.
func (b *builder) at(buffer int) driver.DevicePtr { return b.exec.address[buffer] }

func (b *builder) shape(buffer int) []int { return b.exec.plan.Buffers[buffer].Shape }

// size is the values in a buffer, width those in a row.
func (b *builder) size(buffer int) int { return program.Size(b.shape(buffer)) }

func (b *builder) width(buffer int) int { return program.Size(b.shape(buffer)[1:]) }

// load makes a batch, where the values are not in the input already.
func (b *builder) load(in plan.Instr) {
	if b.source.numbers == 0 {
		return
	}
	factor, offset := b.exec.plan.Scaling.Pixels.Scale()
	b.do(kernels.Load{
		Batch: b.batch(), Width: b.width(in.Dst[0]), Set: b.source.rows, Numbers: b.source.numbers,
		Factor: factor, Offset: offset, Columns: b.exec.columns, Floats: b.source.floats, Y: b.at(in.Dst[0]),
	})
}

// slopeAt is the operand of a fused slope, 0 where there is none.
func (b *builder) slopeAt(in plan.Instr) driver.DevicePtr {
	if in.Slope == op.None {
		return 0
	}
	return b.at(in.Src[len(in.Src)-1])
}

func (b *builder) linear(in plan.Instr) {
	switch in.Op {
	case plan.Linear:
		b.do(kernels.Linear{
			Batch: b.batch(), In: b.width(in.Src[0]), Out: b.width(in.Dst[0]),
			X: b.at(in.Src[0]), W: b.at(in.Src[1]), B: b.at(in.Src[2]), Y: b.at(in.Dst[0]), Activation: in.Activation,
		})
	case plan.LinearDX:
		b.do(kernels.LinearDX{
			Batch: b.batch(), In: b.width(in.Dst[0]), Out: b.width(in.Src[0]),
			DZ: b.at(in.Src[0]), W: b.at(in.Src[1]), Y: b.slopeAt(in), DX: b.at(in.Dst[0]), Slope: in.Slope,
		})
	default:
		w, bias, optimizer := b.targets(in)
		b.do(kernels.LinearDW{
			Batch: b.batch(), In: b.width(in.Src[1]), Out: b.width(in.Src[0]), DZ: b.at(in.Src[0]), X: b.at(in.Src[1]),
			W: w, B: bias, Optimizer: optimizer, Scratch: b.exec.scratch,
		})
	}
}

// optimizer is the phase's.
func (b *builder) optimizer() *kernels.Optimizer {
	return &kernels.Optimizer{
		Spec: b.phase.Optimizer, Scalars: b.exec.scalars + driver.DevicePtr(4*b.first), Stride: b.stride,
	}
}

// target is a parameter with its slots.
func (b *builder) target(param int, slots []int) kernels.Target {
	t := kernels.Target{Param: b.at(param)}
	for i, slot := range slots {
		t.Slots[i] = b.at(slot)
	}
	return t
}

// targets says where the gradients of weights and of a bias go: into buffers,
// or at once into the parameters.
func (b *builder) targets(in plan.Instr) (w, bias kernels.Target, optimizer *kernels.Optimizer) {
	if !in.Update {
		return kernels.Target{Grad: b.at(in.Dst[0])}, kernels.Target{Grad: b.at(in.Dst[1])}, nil
	}
	n := len(b.phase.Optimizer.Slots())
	slots := in.Src[len(in.Src)-2*n:]
	return b.target(in.Dst[0], slots[:n]), b.target(in.Dst[1], slots[n:]), b.optimizer()
}

// lossOf writes a loss where the step's losses are, or where only others read
// it into its buffer.
func (b *builder) lossOf(in plan.Instr) {
	l := kernels.Loss{
		Batch: b.batch(), Width: b.width(in.Src[0]), Pred: b.at(in.Src[0]), Target: b.at(in.Src[1]), Loss: in.Loss,
		Value: b.at(in.Dst[0]), Slope: in.Slope, Y: b.slopeAt(in),
		Scratch: b.exec.scratch, Counter: b.exec.counters + driver.DevicePtr(4*b.loss),
	}
	if in.Op == plan.LossGrad {
		l.Grad = b.at(in.Dst[1])
	}
	if term := b.exec.term(b.phase, in.Dst[0]); term >= 0 {
		l.Value, l.Stride = b.exec.losses+driver.DevicePtr(4*term), b.exec.terms
	}
	b.loss++
	b.do(l)
}

// sum adds rows, or gradients of one parameter, or loss terms.
func (b *builder) sum(in plan.Instr) {
	a := kernels.Add{Batch: b.batch(), A: b.at(in.Src[0]), B: b.at(in.Src[1]), C: b.at(in.Dst[0])}
	if in.Op == plan.AddSums {
		a.Whole, a.Width = true, b.size(in.Dst[0])
	} else {
		a.Width = b.width(in.Dst[0])
	}
	b.do(a)
}

// collect copies the loss terms that no loss instruction wrote itself.
func (b *builder) collect() {
	e := b.exec
	if e.losses == 0 {
		return
	}
	for i, out := range b.phase.Outputs {
		if e.term(b.phase, out.Buffer) >= 0 {
			continue
		}
		b.do(kernels.Collect{
			Step: b.step, X: b.at(out.Buffer), Losses: e.losses + driver.DevicePtr(4*(e.firstTerm(b.phase)+i)), Stride: e.terms,
		})
	}
}

// scratchFloats is the most memory that one of the operations wants.
func scratchFloats(list []operation) int {
	most := 0
	for _, o := range list {
		if s, ok := o.(scratcher); ok {
			most = max(most, s.ScratchFloats())
		}
	}
	return most
}
