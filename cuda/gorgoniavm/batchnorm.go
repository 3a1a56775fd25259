//go:build !cpu

package gorgoniavm

import (
	"fmt"
	"reflect"
	"slices"

	G "gorgonia.org/gorgonia"

	"aegis/cuda/driver"
)

// momentKey tells what of a tensor which op normalises.
type momentKey struct {
	op uintptr
	x  *G.Node
}

// moments are what batch norm knows of a tensor (B,C,S), S values in a channel.
type moments struct {
	shape   []int
	centred view // x − mean
	inverse view // 1/√(variance + ε), of each channel
	mean    driver.DevicePtr
	squares driver.DevicePtr // Σ (x − mean)²
}

// stats is a BatchNormOp whose running statistics follow each run.
type stats struct {
	op            *G.BatchNormOp
	momentum      float32
	n             int // values of a channel
	mean, squares driver.DevicePtr
	floats        [2][]float32
}

// begin gives running statistics that nothing has followed yet the variance 1, as a
// tape machine does when it is made; others stay, as it does not.
func begin(n *G.Node) {
	op, ok := n.Op().(*G.BatchNormOp)
	if !ok || !fieldsOf(op).bool("training") {
		return
	}
	mean, variance := op.Stats()
	for _, t := range []G.Value{mean, variance} {
		values, err := floatsOf(t)
		if err != nil || slices.ContainsFunc(values, func(v float32) bool { return v != 0 }) {
			return
		}
	}
	_ = op.SetTraining(true) // it returns no error
}

// addressOf is an op's address, by which it is told from others like it.
func addressOf(op G.Op) uintptr {
	if v := reflect.ValueOf(op); v.Kind() == reflect.Pointer {
		return v.Pointer()
	}
	return 0
}

// channel is a value of each channel, for all indices (B,C,S).
func channel(ptr driver.DevicePtr) view { return view{ptr: ptr, strides: []int{0, 1, 0}} }

// momentsOf finds the moments of x: of x itself in training, else the running ones,
// which the host gives before each run.
func (l *lowering) momentsOf(op *G.BatchNormOp, x *G.Node) (m moments, training bool, err error) {
	f := fieldsOf(op)
	training, epsilon := f.bool("training"), f.float("epsilon")
	if f.err != nil {
		return m, training, f.err
	}
	key := momentKey{addressOf(op), x}
	if m, ok := l.moments[key]; ok {
		return m, training, nil
	}
	l.changed = append(l.changed, func() bool { return fieldsOf(op).bool("training") != training })
	s := x.Shape()
	if len(s) < 2 {
		return m, training, fmt.Errorf("batch norm of shape %v", s)
	}
	m.shape = []int{s[0], s[1], size(s[2:])}
	n, channels := m.shape[0]*m.shape[2], m.shape[1]
	given := whole(l.at[x], m.shape)
	per := func(function string, y, a, b driver.DevicePtr) {
		shape := []int{channels}
		l.do(mapping{function: function, shape: shape, y: whole(y, shape), a: whole(a, shape), b: repeated(b, shape)})
	}
	variance := l.take(channels)
	if training {
		sum := l.take(channels)
		m.mean, m.squares = l.take(channels), l.take(channels)
		l.foldAxes(sum, given, m.shape, []int{0, 2}, false)
		per("÷", m.mean, sum, l.scalar(float32(n)))
	} else {
		running, spread := op.Stats()
		m.mean = l.given(channels, func(_ uint32, floats []float32) error { return copyFloats(floats, running) })
		raw := l.given(channels, func(_ uint32, floats []float32) error { return copyFloats(floats, spread) })
		per("copy", variance, raw, 0)
	}
	m.centred = whole(l.take(size(m.shape)), m.shape)
	l.do(mapping{function: "-", shape: m.shape, y: m.centred, a: given, b: channel(m.mean)})
	if training {
		square := whole(l.take(size(m.shape)), m.shape)
		l.do(mapping{function: "square", shape: m.shape, y: square, a: m.centred})
		l.foldAxes(m.squares, square, m.shape, []int{0, 2}, false)
		per("÷", variance, m.squares, l.scalar(float32(n)))
	}
	more, inverse := l.take(channels), l.take(channels)
	per("+", more, variance, l.scalar(float32(epsilon)))
	per("invSqrt", inverse, more, 0)
	m.inverse = channel(inverse)
	l.moments[key] = m
	return m, training, nil
}

// copyFloats copies the values of a tensor.
func copyFloats(floats []float32, from G.Value) error {
	values, err := floatsOf(from)
	if err == nil && len(values) != len(floats) {
		err = fmt.Errorf("%d running statistics; want %d", len(values), len(floats))
	}
	copy(floats, values)
	return err
}

// batchNorm is (x − mean)/√(variance + ε): in training of the batch, whose moments
// the running ones follow, else the running ones.
func (l *lowering) batchNorm(n *G.Node, in []*G.Node) error {
	op, ok := n.Op().(*G.BatchNormOp)
	if !ok {
		return fmt.Errorf("op %T is no *gorgonia.BatchNormOp", n.Op())
	}
	m, training, err := l.momentsOf(op, in[0])
	if err != nil {
		return err
	}
	l.do(mapping{function: "⊙", shape: m.shape, y: whole(l.at[n], m.shape), a: m.centred, b: m.inverse})
	if training {
		f := fieldsOf(op)
		c := m.shape[1]
		l.stats = append(l.stats, stats{
			op: op, momentum: float32(f.float("momentum")), n: m.shape[0] * m.shape[2], mean: m.mean, squares: m.squares,
			floats: [2][]float32{make([]float32, c), make([]float32, c)},
		})
		return f.err
	}
	return nil
}

// follow moves the running statistics, as Gorgonia does: the variance is that of n − 1.
func (s stats) follow() error {
	mean, variance := s.op.Stats()
	means, err := floatsOf(mean)
	if err != nil {
		return err
	}
	variances, err := floatsOf(variance)
	if err != nil {
		return err
	}
	for c := range means {
		means[c] = s.momentum*s.floats[0][c] + (1-s.momentum)*means[c]
		variances[c] = s.momentum*s.floats[1][c]/float32(s.n-1) + (1-s.momentum)*variances[c]
	}
	return nil
}

// batchNormGrad is (g − mean(g) − (x − mean)·Σ(g·(x − mean))/(n·(variance + ε)))·inverse
// in training, else g·inverse.
func (l *lowering) batchNormGrad(n *G.Node, in []*G.Node) error {
	f := fieldsOf(n.Op())
	op, ok := f.batchNorm()
	if !ok {
		return f.err
	}
	m, training, err := l.momentsOf(op, in[0])
	if err != nil {
		return err
	}
	y, g := whole(l.at[n], m.shape), whole(l.at[in[1]], m.shape)
	if !training {
		l.do(mapping{function: "⊙", shape: m.shape, y: y, a: g, b: m.inverse})
		return nil
	}
	channels := m.shape[1]
	count := l.scalar(float32(m.shape[0] * m.shape[2]))
	tensorOf := func(function string, a, b view) view {
		v := whole(l.take(size(m.shape)), m.shape)
		l.do(mapping{function: function, shape: m.shape, y: v, a: a, b: b})
		return v
	}
	meanOf := func(a view) driver.DevicePtr {
		sum, mean, shape := l.take(channels), l.take(channels), []int{channels}
		l.foldAxes(sum, a, m.shape, []int{0, 2}, false)
		l.do(mapping{function: "÷", shape: shape, y: whole(mean, shape), a: whole(sum, shape), b: repeated(count, shape)})
		return mean
	}
	per := func(function string, a, b view) driver.DevicePtr {
		ptr, shape := l.take(channels), []int{channels}
		l.do(mapping{function: function, shape: shape, y: whole(ptr, shape), a: a, b: b})
		return ptr
	}
	shape := []int{channels}
	along := meanOf(tensorOf("⊙", g, m.centred))
	scaled := per("⊙", whole(along, shape), whole(m.inverse.ptr, shape))
	factor := per("⊙", whole(scaled, shape), whole(m.inverse.ptr, shape))
	part := tensorOf("⊙", m.centred, channel(factor))
	rest := tensorOf("-", tensorOf("-", g, channel(meanOf(g))), part)
	l.do(mapping{function: "⊙", shape: m.shape, y: y, a: rest, b: m.inverse})
	return nil
}
