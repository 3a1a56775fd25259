package onnx

import (
	"fmt"
	"math"
	"strings"

	"aegis/internal/flow"
	"aegis/model/op"
)

// flow adds the steps of a part, of what it reads under its names here. Steps
// that another part has added are not added again.
func (b *builder) flow(f *flow.Flow, given, labels string) (string, error) {
	names := map[string]string{f.Given.Name: b.typed(given)}
	if f.Labels != nil {
		names[f.Labels.Name] = b.typed(labels)
	}
	for _, p := range f.Params {
		name, err := b.param(p.Name, p.Shape)
		if err != nil {
			return "", err
		}
		names[p.Name] = b.typed(name)
	}
	for _, s := range f.Steps {
		in := make([]string, len(s.In))
		for i, name := range s.In {
			in[i] = names[name]
		}
		key := fmt.Sprintf("step %T %#v %q", s.Op, s.Op, in)
		name, ok := b.known[key]
		if !ok {
			var err error
			if name, err = b.step(s, in); err != nil {
				return "", err
			}
			b.known[key], b.shape[name] = name, s.Shape
		}
		names[s.Name] = name
	}
	return names[f.Result], nil
}

// step adds the nodes of an operation and returns its result.
func (b *builder) step(s flow.Step, in []string) (string, error) {
	switch d := s.Op.(type) {
	case op.LinearDef:
		name := layer(in[1])
		return b.activate(b.node(name, "Gemm", in, attribute{"transB", int64(1)}), name, d.Activation)
	case op.Conv2dDef:
		name := layer(in[1])
		return b.activate(b.node(name, "Conv", in, window(d.Window)...), name, d.Activation)
	case op.ConvTranspose2dDef:
		name := layer(in[1])
		attributes := append(window(d.Window), attribute{"output_padding", int64s(d.OutputPadding[:])})
		return b.activate(b.node(name, "ConvTranspose", in, attributes...), name, d.Activation)
	case op.RunningNormDef: // of x, mean, variance, γ, β
		order := []string{in[0], in[3], in[4], in[1], in[2]}
		return b.node(layer(in[3]), "BatchNormalization", order, attribute{"epsilon", float32(d.Epsilon)}), nil
	case op.ActivationDef:
		return b.activate(in[0], "activation", d.Activation)
	case op.ReshapeDef:
		return b.reshape(in[0], d.Row), nil
	case op.ConcatDef:
		return b.node("concat", "Concat", in, attribute{"axis", int64(1)}), nil
	case op.TopKDef:
		return b.topK(in[0], d.K), nil
	case op.AddDef:
		return b.do("Add", in...), nil
	case op.MulDef:
		return b.do("Mul", in...), nil
	case op.ScaleDef:
		y := b.do("Mul", in[0], b.real("factor", d.Factor))
		if len(in) == 2 {
			y = b.do("Mul", y, in[1])
		}
		return y, nil
	case op.ClampDef:
		return b.do("Clip", in[0], b.real("lo", d.Lo), b.real("hi", d.Hi)), nil
	case op.LerpDef: // a + weight·(b − a)
		way := b.do("Mul", b.do("Sub", in[1], in[0]), b.real("weight", d.Weight))
		return b.do("Add", in[0], way), nil
	}
	return "", fmt.Errorf("onnx: operation %s; want one that is known here: write the network without it, or add it", s.Op)
}

// layer is what a layer is called, by the name of its weights.
func layer(weight string) string { return strings.TrimSuffix(weight, ".weight") }

// window is how a kernel moves.
func window(w op.Window) []attribute {
	return []attribute{
		{"strides", int64s(w.Stride[:])},
		{"pads", int64s([]int{w.Padding[0], w.Padding[1], w.Padding[0], w.Padding[1]})},
	}
}

func int64s(values []int) []int64 {
	var out []int64
	for _, v := range values {
		out = append(out, int64(v))
	}
	return out
}

// activate adds an activation behind a value of a layer.
func (b *builder) activate(x, layer string, a op.Activation) (string, error) {
	if b.exact {
		return b.activateExactly(x, layer, a)
	}
	alpha := attribute{"alpha", float32(a.Alpha)}
	name := layer + "." + string(a.Kind)
	switch a.Kind {
	case op.Identity:
		return x, nil
	case op.ReLU:
		return b.node(name, "Relu", []string{x}), nil
	case op.LeakyReLU:
		return b.node(name, "LeakyRelu", []string{x}, alpha), nil
	case op.Tanh:
		return b.node(name, "Tanh", []string{x}), nil
	case op.Sigmoid:
		return b.node(name, "Sigmoid", []string{x}), nil
	case op.ELU:
		return b.node(name, "Elu", []string{x}, alpha), nil
	case op.GELU: // x·(1 + erf(x/√2))·½
		erf := b.do("Erf", b.do("Div", x, b.number("sqrt2", math.Sqrt2)))
		twice := b.do("Mul", x, b.do("Add", erf, b.number("one", 1)))
		return b.node(name, "Mul", []string{twice, b.number("half", 0.5)}), nil
	case op.Exp:
		return b.node(name, "Exp", []string{b.do("Mul", x, b.number("alpha", float32(a.Alpha)))}), nil
	}
	return "", fmt.Errorf("onnx: unknown activation %q; want one of %q", a.Kind, op.Kinds())
}

// topK keeps the k largest values of each row, of equal ones the first, and
// makes the others 0.
func (b *builder) topK(x string, k int) string {
	name := b.unique("topk")
	values, indices := b.unique(name+".values"), b.unique(name+".indices")
	b.file.nodes = append(b.file.nodes, node{
		name: name, op: "TopK", in: []string{x, b.integers("k", int64(k))}, out: []string{values, indices},
		attributes: []attribute{{"axis", int64(1)}},
	})
	zeros := b.typed(b.do("ConstantOfShape", b.do("Shape", x)))
	return b.node(name+".kept", "ScatterElements", []string{zeros, indices, values}, attribute{"axis", int64(1)})
}
