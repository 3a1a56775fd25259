package onnx

import (
	"fmt"
	"math"

	"aegis/model/op"
)

// Steps in float64. ONNX Runtime has no LeakyRelu, Elu and Erf in float64 on a
// processor: they are put together of what it has.

// typed is a value, a parameter or an input that is in float32, in the type that
// steps are in.
func (b *builder) typed(x string) string {
	if !b.exact {
		return x
	}
	key := "double " + x
	y, ok := b.known[key]
	if !ok {
		y = b.cast(x, Double)
		b.known[key] = y
	}
	return y
}

// activateExactly is activate in float64.
func (b *builder) activateExactly(x, layer string, a op.Activation) (string, error) {
	name := layer + "." + string(a.Kind)
	zero, one, alpha := b.double("zero", 0), b.double("one", 1), b.double("alpha", a.Alpha)
	below := func(low string) string { return b.node(name, "Where", []string{b.do("LessOrEqual", x, zero), low, x}) }
	switch a.Kind {
	case op.Identity:
		return x, nil
	case op.ReLU:
		return b.node(name, "Relu", []string{x}), nil
	case op.LeakyReLU:
		return below(b.do("Mul", alpha, x)), nil
	case op.Tanh:
		return b.node(name, "Tanh", []string{x}), nil
	case op.Sigmoid:
		return b.node(name, "Sigmoid", []string{x}), nil
	case op.ELU:
		return below(b.do("Mul", alpha, b.do("Sub", b.do("Exp", x), one))), nil
	case op.GELU:
		return b.node(name, "Mul", []string{x, b.normal(x)}), nil
	case op.Exp:
		return b.node(name, "Exp", []string{b.do("Mul", alpha, x)}), nil
	}
	return "", fmt.Errorf("onnx: unknown activation %q; want one of %q", a.Kind, op.Kinds())
}

// erfcPowers are the coefficients of a polynomial P, that of no power first, with
// erfc(z) = t·exp(P(2t − 1) − z²), t = 2/(2 + z), for z ≥ 0: the form of Press et al.,
// Numerical Recipes, section 6.2. It was fitted at 200 Chebyshev points; the
// distribution function of N(0, 1) by it is within 6e-14.
var erfcPowers = []float64{
	-0.6717940840566895, 0.6726432239801861, 0.04734330684126248, -0.04689561041922605, -0.00987268933785023,
	0.00882494268286613, 0.0017589330421805547, -0.0023458541579903344, -0.0001462419599089773, 0.0006739111411985017,
	-9.376288843441192e-05, -0.0001750873949475815, 7.150245946831982e-05, 3.3422464809973394e-05, -3.0434117616095944e-05,
	-2.1639862097799736e-06, 8.967932080849974e-06, -9.570920155965688e-07, -1.72394211404025e-06, 2.3452375899068916e-07,
	1.6428530216216967e-07,
}

// normal is the distribution function of N(0, 1) in float64.
func (b *builder) normal(x string) string {
	zero, one, two := b.double("zero", 0), b.double("one", 1), b.double("two", 2)
	z := b.do("Mul", b.do("Abs", x), b.double("root.half", math.Sqrt2/2))
	t := b.do("Div", two, b.do("Add", two, z))
	y := b.do("Sub", b.do("Mul", two, t), one)
	last := len(erfcPowers) - 1
	p := b.double("power", erfcPowers[last])
	for i := last - 1; i >= 0; i-- {
		p = b.do("Add", b.do("Mul", p, y), b.double("power", erfcPowers[i]))
	}
	tail := b.do("Mul", b.do("Mul", t, b.do("Exp", b.do("Sub", p, b.do("Mul", z, z)))), b.double("half", 0.5))
	return b.do("Where", b.do("LessOrEqual", x, zero), tail, b.do("Sub", one, tail))
}
