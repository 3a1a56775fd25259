package plan_test

import (
	"math"

	"aegis/internal/plan"
	"aegis/internal/vm/vmtest"
	"aegis/model/op"
	"aegis/model/program"
)

// look is what an interpreter's inputs hang on beside pixels.
type look struct {
	program  *program.Program
	set      string
	training bool
	step     int64
	first    int // number of the batch's first row in its set
}

const interpretedSeed = 1

// fillScalars writes the named numbers of a step, or those of forward graphs.
func (m *machine) fillScalars(scalars []float32) {
	for i, b := range m.plan.Buffers {
		if b.Kind != plan.Scalar {
			continue
		}
		value := m.look.program.FinalScalar(b.Name)
		if m.look.training {
			value = scalars[m.look.program.ScalarIndex(b.Name)]
		}
		m.memory(i)[0] = float64(value)
	}
}

// factor is an instruction's constant, times its scalar, the source at a place.
func (m *machine) factor(in plan.Instr, at int) float64 {
	if in.Scaled {
		return in.Factor * m.load(in.Src[at])[0]
	}
	return in.Factor
}

// channels says which channel a value of a buffer belongs to.
func (m *machine) channels(v int) func(i int) int {
	s := m.plan.Buffers[v].Shape
	area := program.Size(s[2:])
	return func(i int) int { return i / area % s[1] }
}

// counted is how many values of the batch a channel of a buffer has.
func (m *machine) counted(v int) float64 {
	return float64(m.n * program.Size(m.plan.Buffers[v].Shape[2:]))
}

// drawn is the noise of a row of the batch.
func (m *machine) drawn(in plan.Instr, row, width int) []float64 {
	noise := in.Input.Noise(interpretedSeed, m.look.set, m.look.training)
	if noise.ByRow {
		row += m.look.first
	}
	values := make([]float32, width)
	noise.Draw(values, m.look.step, row)
	return widen(values)
}

// moreRows runs an instruction of inputs, or of regularised networks, for rows
// from to to-1.
func (m *machine) moreRows(in plan.Instr, src [][]float64, out []float64, from, to int) {
	width := len(out) / m.plan.Batch
	switch in.Op {
	case plan.OneHot:
		for i := from; i < to; i++ {
			out[i*width+vmtest.ClassOf(m.look.first+i)] = 1
		}
	case plan.Noise:
		for i := from; i < to; i++ {
			copy(out[i*width:], m.drawn(in, i, width))
		}
	case plan.Drop:
		for i := from; i < to; i++ {
			for k, v := range m.drawn(in, i, width) {
				out[i*width+k] = in.Factor * v * src[0][i*width+k]
			}
		}
	case plan.Mul:
		for i := range out {
			out[i] = src[0][i] * src[1][i]
		}
	case plan.Clamp:
		for i, v := range src[0] {
			out[i] = min(max(v, in.Numbers[0]), in.Numbers[1])
		}
	case plan.ClampGrad:
		for i, v := range src[1] {
			if v >= in.Numbers[0] && v <= in.Numbers[1] {
				out[i] = src[0][i]
			}
		}
	case plan.TopK, plan.TopKGrad:
		x := src[len(src)-1]
		for i := from * width; i < to*width; i += width {
			op.Largest(x[i:i+width], in.K, make([]float64, width), func(at int) { out[i+at] = src[0][i+at] })
		}
	case plan.ChannelMeanGrad:
		channel := m.channels(in.Dst[0])
		for i := range out {
			out[i] = src[1][channel(i)] / m.counted(in.Dst[0])
		}
	case plan.BatchNorm, plan.RunningNorm, plan.BatchNormDX:
		m.norm(in, src, out)
	default:
		m.t.Fatalf("no such instruction: %s", in.Op)
	}
}

// norm runs an instruction of batch norm on all rows.
func (m *machine) norm(in plan.Instr, src [][]float64, out []float64) {
	channel, n := m.channels(in.Dst[0]), m.counted(in.Dst[0])
	mean, variance, rest := src[1], src[2], src[2:]
	if in.Op == plan.RunningNorm {
		rest = src[3:]
	} else {
		variance = mean[len(mean)/3:]
	}
	gamma, beta := rest[0], rest[1] // of BatchNormDX the latter is dγ
	for i := range out {
		c := channel(i)
		inverse := 1 / math.Sqrt(variance[c]+in.Factor)
		if in.Op == plan.BatchNormDX {
			normal := (src[5][i] - mean[c]) * inverse
			out[i] = gamma[c] * inverse * (src[0][i] - src[4][c]/n - normal*src[3][c]/n)
		} else {
			out[i] = gamma[c]*(src[0][i]-mean[c])*inverse + beta[c]
		}
	}
}

// moreSums runs an instruction that adds up over the batch, or keeps what it
// found, of regularised networks.
func (m *machine) moreSums(in plan.Instr) {
	a := m.load(in.Src[0])
	var b []float64
	if len(in.Src) > 1 {
		b = m.load(in.Src[1])
	}
	switch in.Op {
	case plan.Keep:
		m.store(in.Dst[0], a)
	case plan.Lerp:
		for i := range a {
			a[i] += in.Factor * (b[i] - a[i])
		}
		m.store(in.Dst[0], a)
	case plan.Follow:
		shadow, factor := m.load(in.Dst[0]), in.Factor
		if in.Scaled {
			factor *= b[0]
		}
		for i, w := range a {
			shadow[i] = w + factor*(shadow[i]-w)
		}
		for _, v := range in.Dst {
			m.store(v, shadow)
		}
	case plan.Track:
		for i := range a {
			a[i] += in.Factor * (b[int(in.Moment)*len(a)+i] - a[i])
		}
		m.store(in.Dst[0], a)
	case plan.Moments, plan.ChannelMean:
		m.moments(in, a)
	case plan.BatchNormDGamma:
		m.normGrads(in, a, b)
	case plan.RateKL, plan.RateKLGrad:
		sum := 0.0
		for i, mean := range a {
			value, slope := op.RateKLDef{Rate: in.Numbers[0]}.At(mean)
			sum += value
			a[i] = slope * in.Factor
			if in.Scaled {
				a[i] *= b[0]
			}
		}
		if in.Op == plan.RateKL {
			a = []float64{sum}
		}
		m.store(in.Dst[0], a)
	case plan.Decay:
		for i, w := range b {
			a[i] += 2 * in.Numbers[1] * w
			if w != 0 {
				a[i] += math.Copysign(in.Numbers[0], w)
			}
		}
		m.store(in.Dst[0], a)
	default:
		m.t.Fatalf("no such instruction: %s", in.Op)
	}
}

// moments writes each channel's mean, and for Moments its variances.
func (m *machine) moments(in plan.Instr, x []float64) {
	channel, n := m.channels(in.Src[0]), m.counted(in.Src[0])
	channels := m.plan.Buffers[in.Src[0]].Shape[1]
	rows := x[:len(x)/m.plan.Batch*m.n]
	out := make([]float64, 3*channels)
	for i, v := range rows {
		out[channel(i)] += v / n
	}
	for i, v := range rows {
		d := v - out[channel(i)]
		out[channels+channel(i)] += d * d / n
	}
	for i := range channels {
		out[2*channels+i] = out[channels+i] * n / max(n-1, 1)
	}
	if in.Op == plan.ChannelMean {
		out = out[:channels]
	}
	m.store(in.Dst[0], out)
}

// normGrads writes the gradients of a batch norm's γ and β.
func (m *machine) normGrads(in plan.Instr, dy, moments []float64) {
	x, channel, channels := m.load(in.Src[2]), m.channels(in.Src[2]), len(moments)/3
	gamma, beta := make([]float64, channels), make([]float64, channels)
	for i, v := range dy[:len(dy)/m.plan.Batch*m.n] {
		c := channel(i)
		gamma[c] += v * (x[i] - moments[c]) / math.Sqrt(moments[channels+c]+in.Factor)
		beta[c] += v
	}
	m.store(in.Dst[0], gamma)
	m.store(in.Dst[1], beta)
}
