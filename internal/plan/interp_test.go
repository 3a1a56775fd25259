package plan_test

import (
	"math"
	"slices"
	"testing"

	"aegis/internal/plan"
	"aegis/internal/vm"
	"aegis/model/op"
	"aegis/model/optim"
	"aegis/model/program"
)

// machine runs plans slowly and clearly in float64, in the very memory and
// layouts that a plan says. It starts from NaN everywhere, gives rows behind
// the batch no value, and with Options.Stages lets one worker run through a
// stage before another starts.
type machine struct {
	t      *testing.T
	plan   *plan.Plan
	kept   map[int][]float64 // parameters, slots and copies
	arena  []float64
	losses map[int][]float64
	n      int // rows of the batch
	spec   optim.Spec
	clip   optim.Clip
	look   look
}

func newMachine(t *testing.T, p *plan.Plan, state map[string]program.Tensor) *machine {
	t.Helper()
	m := &machine{t: t, plan: p, look: look{set: vm.TestSet}, kept: make(map[int][]float64), arena: make([]float64, p.Arena)}
	for i, b := range p.Buffers {
		switch b.Kind {
		case plan.Param, plan.Slot, plan.Copy:
			name := b.Name
			if b.Kind == plan.Copy {
				name = p.Buffers[b.Of].Name
			}
			tensor, ok := state[name]
			if !ok {
				t.Fatalf("no tensor %s in the state", name)
			}
			m.kept[i] = make([]float64, b.Size())
			m.store(i, widen(tensor.Data))
		}
	}
	m.poison()
	return m
}

func widen(x []float32) []float64 {
	wide := make([]float64, len(x))
	for i, v := range x {
		wide[i] = float64(v)
	}
	return wide
}

// poison forgets all.
func (m *machine) poison() {
	for i := range m.arena {
		m.arena[i] = math.NaN()
	}
}

func (m *machine) memory(v int) []float64 {
	if data, ok := m.kept[v]; ok {
		return data
	}
	b := m.plan.Buffers[v]
	return m.arena[b.Offset:][:b.Size()]
}

// positions returns where each value of a buffer lies, in the order of its shape.
func (m *machine) positions(v int) []int {
	b := m.plan.Buffers[v]
	s, l := b.Shape, b.Layout
	list := make([]int, 0, b.Size())
	if l == plan.RowMajor {
		for i := range b.Size() {
			list = append(list, i)
		}
		return list
	}
	at := func(i, j, u, v int) int { // a matrix (K,N)
		k, n, rows, columns := (u*dim(s, 3)+v)*s[1]+j, i, program.Size(s[1:]), s[0]
		if l == plan.Transpose {
			k, n, columns = n, k, rows
		}
		return k*columns + n
	}
	if l == plan.NHWC {
		at = func(b, c, i, j int) int { return ((b*s[2]+i)*s[3]+j)*s[1] + c }
	}
	for a := range s[0] {
		for b := range s[1] {
			for c := range dim(s, 2) {
				for d := range dim(s, 3) {
					list = append(list, at(a, b, c, d))
				}
			}
		}
	}
	return list
}

func dim(shape []int, i int) int {
	if i < len(shape) {
		return shape[i]
	}
	return 1
}

// load reads a buffer in the order of its shape.
func (m *machine) load(v int) []float64 {
	memory, positions := m.memory(v), m.positions(v)
	data := make([]float64, len(positions))
	for i, at := range positions {
		data[i] = memory[at]
	}
	return data
}

func (m *machine) store(v int, data []float64) {
	m.storeRows(v, data, 0, dim(m.plan.Buffers[v].Shape, 0))
}

// storeRows writes the values of rows from to to-1.
func (m *machine) storeRows(v int, data []float64, from, to int) {
	memory := m.memory(v)
	width := len(data) / dim(m.plan.Buffers[v].Shape, 0)
	for i, at := range m.positions(v) {
		if i >= from*width && i < to*width {
			memory[at] = data[i]
		}
	}
}

// step runs one batch through every phase and returns the outputs of the
// last one, its loss terms or its tensor.
func (m *machine) step(pixels []float64, n int, scalars []float32) (outputs [][]float64) {
	m.t.Helper()
	m.n = n
	m.losses = make(map[int][]float64)
	m.fillScalars(scalars)
	for _, ph := range m.plan.Phases {
		m.spec, m.clip = ph.Optimizer, ph.Clip
		for _, section := range [][]plan.Instr{ph.Gradients, ph.Update} {
			for len(section) > 0 {
				end := slices.IndexFunc(section, func(in plan.Instr) bool { return in.Stage != section[0].Stage })
				if end < 0 {
					end = len(section)
				}
				m.stage(section[:end], pixels, scalars)
				section = section[end:]
			}
		}
		scalars = scalars[min(len(scalars), len(ph.Optimizer.ScalarNames())):]
		for _, out := range ph.Outputs {
			outputs = append(outputs, m.load(out.Buffer))
		}
	}
	return outputs
}

// stage runs instructions that need no wait between them.
func (m *machine) stage(code []plan.Instr, pixels []float64, scalars []float32) {
	if !code[0].Op.PerRow() {
		if m.plan.Options.Stages {
			code = slices.Clone(code)
			slices.Reverse(code)
		}
		for _, in := range code {
			m.sum(in, scalars)
		}
		return
	}
	workers := [][2]int{{0, m.n}}
	if m.plan.Options.Stages {
		workers = [][2]int{{m.n / 2, m.n}, {0, m.n / 2}}
	}
	for _, w := range workers {
		for _, in := range code {
			m.rows(in, pixels, w[0], w[1])
		}
	}
}

// rows runs an instruction for rows from to to-1.
func (m *machine) rows(in plan.Instr, pixels []float64, from, to int) {
	src := make([][]float64, len(in.Src))
	for i, v := range in.Src {
		src[i] = m.load(v)
	}
	last := in.Dst[len(in.Dst)-1]
	out := make([]float64, program.Size(m.plan.Buffers[last].Shape))
	batch := m.plan.Batch
	width := len(out) / batch
	switch in.Op {
	case plan.Load:
		copy(out, pixels)
	case plan.Linear, plan.LinearDX:
		m.linear(in, src, out, from, to)
	case plan.Conv2d, plan.ConvTranspose2d, plan.Conv2dDX, plan.ConvTranspose2dDX:
		m.convolve(in, src, out, from, to)
	case plan.Activate, plan.Slope, plan.Pack:
		copy(out, src[0])
	case plan.Add:
		for i := range out {
			out[i] = src[0][i] + src[1][i]
		}
	case plan.Scale:
		for i, v := range src[0] {
			out[i] = m.factor(in, 1) * v
		}
	case plan.Concat:
		n, whole := len(src[0])/batch, width
		for i := range out {
			if row, at := i/whole, i%whole; at < n {
				out[i] = src[0][row*n+at]
			} else {
				out[i] = src[1][row*(whole-n)+at-n]
			}
		}
	case plan.Mixture:
		for i, u := range src[1] {
			z, noise := make([]float32, 2), []float32{float32(src[0][2*i]), float32(src[0][2*i+1])}
			op.Mixture{Components: in.K}.Move(z, noise, float32(u))
			out[2*i], out[2*i+1] = float64(z[0]), float64(z[1])
		}
	case plan.Columns:
		for i := range out {
			out[i] = src[0][i/width*(len(src[0])/batch)+int(in.Number)+i%width]
		}
	case plan.KLLogVar, plan.KLMeansMu, plan.KLMeansVar:
		for i, v := range src[0] {
			if in.Op != plan.KLMeansMu {
				v = math.Expm1(v) / 2
			}
			if out[i] = m.factor(in, 1) * v / float64(m.n); in.Op != plan.KLLogVar {
				out[i] = v * src[1][i%width] / float64(m.n)
			}
		}
	case plan.Loss, plan.LossGrad:
		out = make([]float64, len(src[0]))
		width = len(out) / batch
		m.loss(in, src, out, from, to)
	default:
		m.moreRows(in, src, out, from, to)
	}
	for i := from * width; i < to*width; i++ {
		out[i] = in.Activation.Value(out[i])
		if in.Slope != op.None {
			out[i] *= in.Slope.Slope(src[len(src)-1][i])
		}
	}
	if in.Op != plan.Loss {
		m.storeRows(last, out, from, to)
	}
}

func (m *machine) linear(in plan.Instr, src [][]float64, out []float64, from, to int) {
	w := m.plan.Buffers[in.Src[1]].Shape // (O,I)
	for b := from; b < to; b++ {
		for o := range w[0] {
			for i := range w[1] {
				if in.Op == plan.Linear {
					out[b*w[0]+o] += src[0][b*w[1]+i] * src[1][o*w[1]+i]
				} else {
					out[b*w[1]+i] += src[0][b*w[0]+o] * src[1][o*w[1]+i]
				}
			}
			if in.Op == plan.Linear {
				out[b*w[0]+o] += src[2][o]
			}
		}
	}
}

// visit calls f with each product of a convolution, as indices of its image
// (the larger side), of the side that has a value for each position of the
// kernel, and of the weights.
func (m *machine) visit(in plan.Instr, image, small, weights, from, to int, f func(image, small, weight int)) {
	x, y, k := m.plan.Buffers[image].Shape, m.plan.Buffers[small].Shape, m.plan.Buffers[weights].Shape
	each(func(at [4]int) {
		b, o, i, j := at[0]+from, at[1], at[2], at[3]
		each(func(at [4]int) {
			c, u, v := at[1], at[2], at[3]
			h, w := i*in.Window.Stride[0]+u-in.Window.Padding[0], j*in.Window.Stride[1]+v-in.Window.Padding[1]
			if h >= 0 && h < x[2] && w >= 0 && w < x[3] {
				f(((b*x[1]+c)*x[2]+h)*x[3]+w, ((b*y[1]+o)*y[2]+i)*y[3]+j, ((o*k[1]+c)*k[2]+u)*k[3]+v)
			}
		}, 1, k[1], k[2], k[3])
	}, to-from, y[1], y[2], y[3])
}

func each(f func(at [4]int), a, b, c, d int) {
	for i := range a * b * c * d {
		f([4]int{i / (b * c * d), i / (c * d) % b, i / d % c, i % d})
	}
}

func (m *machine) convolve(in plan.Instr, src [][]float64, out []float64, from, to int) {
	x, w, y := in.Src[0], in.Src[1], in.Dst[0]
	if in.Op == plan.Conv2d || in.Op == plan.ConvTranspose2dDX {
		m.visit(in, x, y, w, from, to, func(image, small, weight int) { out[small] += src[0][image] * src[1][weight] })
	} else {
		m.visit(in, y, x, w, from, to, func(image, small, weight int) { out[image] += src[0][small] * src[1][weight] })
	}
	if len(src) == 3 && (in.Op == plan.Conv2d || in.Op == plan.ConvTranspose2d) {
		s := m.plan.Buffers[y].Shape
		for i := range out {
			out[i] += src[2][i/(s[2]*s[3])%s[1]]
		}
	}
}

// loss writes the gradient of rows and adds up the mean of those seen so far.
func (m *machine) loss(in plan.Instr, src [][]float64, out []float64, from, to int) {
	width := len(out) / m.plan.Batch
	rows := m.losses[in.Dst[0]]
	if rows == nil {
		rows = make([]float64, m.plan.Batch)
		m.losses[in.Dst[0]] = rows
	}
	scale := 1 / float64(m.n*in.Loss.Width(width))
	factor := m.factor(in, 2)
	for i := from * width; i < to*width; i++ {
		value, gradient := in.Loss.At(src[0][i], src[1][i])
		rows[i/width] += value
		out[i] = gradient * scale * factor
	}
	total := 0.0
	for _, v := range rows {
		total += v
	}
	m.store(in.Dst[0], []float64{total * scale})
}

// sum runs an instruction that adds up over the batch, or an update.
func (m *machine) sum(in plan.Instr, scalars []float32) {
	switch in.Op {
	case plan.AddSums:
		a, b := m.load(in.Src[0]), m.load(in.Src[1])
		for i := range a {
			a[i] += b[i]
		}
		m.store(in.Dst[0], a)
	case plan.ScaleSums:
		m.store(in.Dst[0], []float64{m.factor(in, 1) * m.load(in.Src[0])[0]})
	case plan.KLMeans:
		mu, logvar, out := m.load(in.Src[0]), m.load(in.Src[1]), m.load(in.Dst[0])
		clear(out)
		for i := range m.n * len(out) {
			out[i%len(out)] += (mu[i]*mu[i] + math.Expm1(logvar[i]) - logvar[i]) / 2 / float64(m.n)
		}
		m.store(in.Dst[0], out)
	case plan.FreeBits:
		sum := 0.0
		for _, v := range m.load(in.Src[0]) {
			sum += max(v, in.Number)
		}
		m.store(in.Dst[0], []float64{sum})
	case plan.FreeBitsGrad:
		out := m.load(in.Src[0])
		for i, v := range out {
			if out[i] = m.factor(in, 1); v <= in.Number {
				out[i] = 0
			}
		}
		m.store(in.Dst[0], out)
	case plan.Precision:
		m.store(in.Dst[0], []float64{math.Exp(-2*m.load(in.Src[0])[0]) / 2})
	case plan.Gaussian, plan.GaussianGrad:
		square, s := m.load(in.Src[0])[0], m.load(in.Src[1])[0]
		value := math.Exp(-2*s)/2*square + in.Number*(s+math.Log(2*math.Pi)/2)
		if in.Op == plan.GaussianGrad {
			value = m.factor(in, 2) * (in.Number - math.Exp(-2*s)*square)
		}
		m.store(in.Dst[0], []float64{value})
	case plan.ClipNorm:
		m.store(in.Dst[0], []float64{m.clipFactor(in)})
	case plan.Update:
		g, slots := m.load(in.Src[0]), in.Src[1:]
		factor := 1.0
		if in.Scaled {
			factor, slots = m.load(slots[0])[0], slots[1:]
		}
		for i, v := range g {
			g[i] = factor * m.bounded(v)
		}
		m.update(in.Dst[0], in.Dst[1:], g, slots, scalars)
	case plan.LinearDW, plan.Conv2dDW, plan.ConvTranspose2dDW:
		dw, db := m.weightGrads(in)
		if !in.Update {
			m.store(in.Dst[0], dw)
			m.store(in.Dst[1], db)
			return
		}
		slots := len(m.spec.Slots())
		m.update(in.Dst[0], in.Dst[2:], dw, in.Src[2:][:slots], scalars)
		m.update(in.Dst[1], nil, db, in.Src[2+slots:], scalars)
	default:
		m.moreSums(in)
	}
}

func (m *machine) weightGrads(in plan.Instr) (dw, db []float64) {
	dz, x := m.load(in.Src[0]), m.load(in.Src[1])
	z, w := m.plan.Buffers[in.Src[0]].Shape, m.plan.Buffers[in.Dst[0]].Shape
	dw, db = make([]float64, program.Size(w)), make([]float64, z[1])
	area := dim(z, 2) * dim(z, 3)
	for i := range m.n * z[1] * area {
		db[i/area%z[1]] += dz[i]
	}
	switch in.Op {
	case plan.Conv2dDW:
		m.visit(in, in.Src[1], in.Src[0], in.Dst[0], 0, m.n, func(image, small, weight int) { dw[weight] += x[image] * dz[small] })
	case plan.ConvTranspose2dDW:
		m.visit(in, in.Src[0], in.Src[1], in.Dst[0], 0, m.n, func(image, small, weight int) { dw[weight] += dz[image] * x[small] })
	default:
		for b := range m.n {
			for i := range dw {
				dw[i] += dz[b*w[0]+i/w[1]] * x[b*w[1]+i%w[1]]
			}
		}
	}
	return dw, db
}

// update is optim.Spec.Update in float32, on a parameter, its copies and slots.
func (m *machine) update(w int, copies []int, g []float64, slots []int, scalars []float32) {
	values := narrow(m.load(w))
	var state [][]float32
	for _, s := range slots {
		state = append(state, narrow(m.load(s)))
	}
	m.spec.Update(values, narrow(g), state, scalars)
	for _, v := range append([]int{w}, copies...) {
		m.store(v, widen(values))
	}
	for i, s := range slots {
		m.store(s, widen(state[i]))
	}
}

func narrow(x []float64) []float32 {
	small := make([]float32, len(x))
	for i, v := range x {
		small[i] = float32(v)
	}
	return small
}

// clipFactor is what bounds the norm of gradients.
func (m *machine) clipFactor(in plan.Instr) float64 {
	squares := 0.0
	for _, v := range in.Src {
		for _, g := range m.load(v) {
			squares += m.bounded(g) * m.bounded(g)
		}
	}
	return min(1, m.clip.Norm/(math.Sqrt(squares)+1e-6))
}

// bounded is a value of a gradient as the phase bounds it.
func (m *machine) bounded(g float64) float64 {
	limit := float64(m.clip.Limit())
	return max(-limit, min(limit, g))
}
