//go:build !cpu

package cuda

import (
	"fmt"

	"aegis/cuda/driver"
	"aegis/cuda/internal/gpu"
	"aegis/cuda/kernels"
	"aegis/internal/plan"
	"aegis/model/program"
)

// source is what a batch is made from, on the device: for each row of a run,
// step after step, where it lies among rows, its number in its set, and its
// class. Without numbers the input is there already.
type source struct {
	rows, numbers driver.DevicePtr
	floats        bool             // the rows are float32
	originals     driver.DevicePtr // numbers in the set; 0 for given values, the first of which has the number first
	classes       driver.DevicePtr
	set           string // "" for given values
	first         int
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
	list   []gpu.Operation
}

// build returns the operations of one step.
func (e *exec) build(step driver.DevicePtr, from source) ([]gpu.Operation, error) {
	b := &builder{exec: e, step: step, source: from, stride: e.program.ScalarCount()}
	b.fetch()
	for i := range e.plan.Phases {
		b.phase = &e.plan.Phases[i]
		if err := b.section(b.phase.Gradients); err != nil {
			return nil, err
		}
		if e.plan.Options.Exchange && b.phase.Exchange.Size > 0 {
			b.do(handOut{b.phase})
		}
		if err := b.section(b.phase.Update); err != nil {
			return nil, err
		}
		b.collect()
		b.first += len(b.phase.Optimizer.ScalarNames())
	}
	return b.list, nil
}

// section translates a section of a phase.
func (b *builder) section(list []plan.Instr) error {
	for _, in := range list {
		if err := b.add(in); err != nil {
			return fmt.Errorf("cuda: phase %s: %s: %w", b.phase.Name, in.Op, err)
		}
	}
	return nil
}

// add translates one instruction. The files that do have the names of those of
// the ops in model/op.
func (b *builder) add(in plan.Instr) error {
	switch in.Op {
	case plan.Load:
		b.load(in)
	case plan.OneHot:
		b.oneHot(in)
	case plan.Noise:
		return b.noise(in)
	case plan.Drop:
		b.drop(in)
	case plan.Linear, plan.LinearDX, plan.LinearDW:
		b.linear(in)
	case plan.Conv2d, plan.Conv2dDX, plan.Conv2dDW:
		return b.conv2d(in)
	case plan.ConvTranspose2d, plan.ConvTranspose2dDX, plan.ConvTranspose2dDW:
		return b.convTranspose2d(in)
	case plan.Activate, plan.Slope:
		b.activation(in)
	case plan.Loss, plan.LossGrad:
		b.lossOf(in)
	case plan.Add, plan.AddSums:
		b.sum(in)
	case plan.Mul:
		b.mul(in)
	case plan.Scale, plan.ScaleSums:
		b.scale(in)
	case plan.Lerp:
		b.lerp(in)
	case plan.KLLogVar, plan.KLMeansMu, plan.KLMeansVar:
		b.klGrad(in)
	case plan.KLMeans:
		b.klMeans(in)
	case plan.FreeBits, plan.FreeBitsGrad:
		b.freeBits(in)
	case plan.Gaussian, plan.Precision, plan.GaussianGrad:
		b.gaussian(in)
	case plan.Concat, plan.Columns:
		b.concat(in)
	case plan.ChannelMean:
		b.channelMean(in)
	case plan.Moments, plan.Track, plan.BatchNorm, plan.RunningNorm, plan.BatchNormDGamma, plan.BatchNormDX:
		b.batchNorm(in)
	case plan.Clamp, plan.ClampGrad, plan.TopK, plan.TopKGrad, plan.ChannelMeanGrad, plan.RateKL, plan.RateKLGrad, plan.Decay:
		b.regular(in)
	case plan.Mixture:
		b.mixture(in)
	case plan.Pack:
		b.pack(in)
	case plan.ClipNorm:
		b.clipNorm(in)
	case plan.Update:
		b.update(in)
	case plan.Keep:
		b.keep(in)
	case plan.Follow:
		b.follow(in)
	default:
		return fmt.Errorf("no kernel")
	}
	return nil
}

func (b *builder) do(o gpu.Operation) { b.list = append(b.list, o) }

func (b *builder) batch() kernels.Batch { return kernels.Batch{Rows: b.exec.plan.Batch, Step: b.step} }

// at is where a buffer is on the device.
func (b *builder) at(buffer int) driver.DevicePtr { return b.exec.address[buffer] }

func (b *builder) shape(buffer int) []int { return b.exec.plan.Buffers[buffer].Shape }

// size is the values in a buffer, width those in a row.
func (b *builder) size(buffer int) int { return program.Size(b.shape(buffer)) }

func (b *builder) width(buffer int) int { return program.Size(b.shape(buffer)[1:]) }

// scratcher is an operation that may need memory during its launches.
type scratcher interface{ ScratchFloats() int }

// scratchFloats is the most memory that one of the operations wants.
func scratchFloats(list []gpu.Operation) int {
	most := 0
	for _, o := range list {
		if s, ok := o.(scratcher); ok {
			most = max(most, s.ScratchFloats())
		}
	}
	return most
}
