// Package flow reads a forward part of a program as a list of operations, in
// the order in which they are computed: what a network is to a format or a page
// that knows nothing of expression graphs.
package flow

import (
	"fmt"
	"regexp"
	"slices"

	G "gorgonia.org/gorgonia"

	"aegis/model/op"
	"aegis/model/program"
)

// Flow is one part of a network. A value, which is an operation's operand or its
// result, has a name; B, the first dimension of every value that has rows, is
// any number.
type Flow struct {
	Part   program.Part
	Given  Value   // what the part reads: rows or codes
	Labels *Value  // the rows' classes, one-hot (B, classes), or nil
	Params []Value // in the order of their first use, whole shapes
	Steps  []Step
	Result string // the value that the part gives
}

// Value is an input or a parameter. Shape is that of one row, but of parameters,
// which have no rows.
type Value struct {
	Name  string
	Shape []int
}

// Step is an operation of package op.
type Step struct {
	Name  string // of its result
	Op    op.Definition
	In    []string
	Shape []int // of a row of the result
}

// Read reads a part of a program.
func Read(p *program.Program, part program.Part) (*Flow, error) {
	g, err := p.Build(part, 1)
	if err != nil {
		return nil, fmt.Errorf("flow: %w", err)
	}
	if len(g.Outputs) != 1 {
		return nil, fmt.Errorf("flow: %s gives %d values; want one", part, len(g.Outputs))
	}
	r := reader{graph: g, flow: &Flow{Part: part}, names: make(map[*G.Node]string)}
	if r.flow.Result, err = r.value(g.Outputs[0].Node); err != nil {
		return nil, fmt.Errorf("flow: %s: %w", part, err)
	}
	if r.flow.Given.Name == "" {
		return nil, fmt.Errorf("flow: %s reads neither rows nor codes", part)
	}
	return r.flow, nil
}

// reader reads one graph.
type reader struct {
	graph *program.Graph
	flow  *Flow
	names map[*G.Node]string
}

// value returns the name of a node, behind the steps that make it.
func (r *reader) value(n *G.Node) (string, error) {
	if name, ok := r.names[n]; ok {
		return name, nil
	}
	var name string
	var err error
	if n.Op() == nil {
		name, err = r.leaf(n)
	} else {
		name, err = r.step(n)
	}
	r.names[n] = name
	return name, err
}

func (r *reader) step(n *G.Node) (string, error) {
	own, ok := n.Op().(*op.Op)
	if !ok {
		return "", fmt.Errorf("node %q: op %T %v; want one of package op", n.Name(), n.Op(), n.Op())
	}
	s := Step{Op: own.Definition}
	for it := r.graph.From(n.ID()); it.Next(); {
		in, err := r.value(it.Node().(*G.Node))
		if err != nil {
			return "", err
		}
		s.In = append(s.In, in)
	}
	shape := n.Shape()
	if len(shape) == 0 || shape[0] != 1 {
		return "", fmt.Errorf("%s gives a tensor of shape %v; want one with a row for each of the batch", s.Op, shape)
	}
	s.Shape = slices.Clone([]int(shape[1:]))
	s.Name = fmt.Sprintf("t%d", len(r.flow.Steps))
	r.flow.Steps = append(r.flow.Steps, s)
	return s.Name, nil
}

// reserved are the names of what parts read and of what steps give.
var reserved = regexp.MustCompile(`^(rows|codes|labels|t\d+)$`)

// leaf names an input by what it is and a parameter as the program does.
func (r *reader) leaf(n *G.Node) (string, error) {
	shape := slices.Clone([]int(n.Shape()))
	in := r.graph.Input(n)
	switch {
	case in == nil && slices.Contains(r.graph.Params, n):
		if reserved.MatchString(n.Name()) {
			return "", fmt.Errorf("parameter %q has the name of a value; want another", n.Name())
		}
		r.flow.Params = append(r.flow.Params, Value{Name: n.Name(), Shape: shape})
		return n.Name(), nil
	case in == nil:
		return "", fmt.Errorf("leaf %q is neither an input nor a parameter", n.Name())
	case in.Kind.Given():
		r.flow.Given = Value{Name: map[bool]string{true: "codes", false: "rows"}[in.Kind == program.InputCodes], Shape: shape[1:]}
		return r.flow.Given.Name, nil
	case in.Kind == program.InputLabels:
		r.flow.Labels = &Value{Name: "labels", Shape: shape[1:]}
		return r.flow.Labels.Name, nil
	}
	return "", fmt.Errorf("input %q is %v; want rows, codes or labels", n.Name(), in.Kind)
}
