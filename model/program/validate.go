package program

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	G "gorgonia.org/gorgonia"
)

// Validate says what is wrong with a program: names, shapes, roles, and each
// phase's ends. What lies between the ends is for a VM to say.
func (p *Program) Validate() error {
	if p.Batch < 1 {
		return fmt.Errorf("program %s: batch %d; want at least 1", p.Name, p.Batch)
	}
	if len(p.Phases) == 0 {
		return fmt.Errorf("program %s: no phase; want one at least", p.Name)
	}
	if p.Forward == nil {
		return fmt.Errorf("program %s: no Forward; it builds the graphs that evaluate and use a model", p.Name)
	}
	if err := errors.Join(p.checkParams(), p.checkScalars()); err != nil {
		return fmt.Errorf("program %s: %w", p.Name, err)
	}
	seen := make(map[string]bool)
	for i, phase := range p.Phases {
		if phase == nil || phase.ExprGraph == nil {
			return fmt.Errorf("program %s: phase %d of %d has no graph", p.Name, i+1, len(p.Phases))
		}
		if phase.Name == "" || seen[phase.Name] {
			return fmt.Errorf("program %s: phase %q: want a name, another for each phase", p.Name, phase.Name)
		}
		seen[phase.Name] = true
		if err := p.checkPhase(phase); err != nil {
			return fmt.Errorf("program %s: phase %s: %w", p.Name, phase.Name, err)
		}
	}
	return nil
}

// param returns a tensor by name, nil where there is none.
func (p *Program) param(name string) *Param {
	for i := range p.Params {
		if p.Params[i].Name == name {
			return &p.Params[i]
		}
	}
	return nil
}

func (p *Program) checkParams() error {
	seen := make(map[string]bool)
	for _, param := range p.Params {
		if param.Name == "" || seen[param.Name] {
			return fmt.Errorf("parameter %q: want a name, another for each parameter", param.Name)
		}
		seen[param.Name] = true
		if err := param.check(); err != nil {
			return err
		}
		switch param.Role {
		case Trained, Running:
		case Shadow:
			of := p.param(param.Of)
			if of == nil || of.Role != Trained || !slices.Equal(of.Shape, param.Shape) {
				return fmt.Errorf("shadow %s: want it to follow a trained tensor of its shape %v, got %q", param.Name, param.Shape, param.Of)
			}
			if err := p.checkDecay(param); err != nil {
				return err
			}
		default:
			return fmt.Errorf("parameter %s: unknown role %q", param.Name, param.Role)
		}
	}
	return nil
}

// checkDecay wants a shadow to have one decay: a constant, or a number of the step.
func (p *Program) checkDecay(shadow Param) error {
	switch {
	case !(shadow.Decay >= 0 && shadow.Decay < 1):
		return fmt.Errorf("shadow %s: decay %v; want a number in [0, 1)", shadow.Name, shadow.Decay)
	case shadow.DecayBy == "":
		return nil
	case shadow.Decay != 0:
		return fmt.Errorf("shadow %s: decay %v and the scalar %s; want one of the two", shadow.Name, shadow.Decay, shadow.DecayBy)
	case p.ScalarIndex(shadow.DecayBy) < 0:
		return fmt.Errorf("shadow %s: its decay is the scalar %s, which the program has not", shadow.Name, shadow.DecayBy)
	}
	return nil
}

// check looks at one tensor by itself.
func (p Param) check() error {
	values := 1
	for _, d := range p.Shape {
		if d < 1 || d > math.MaxInt32/values {
			return fmt.Errorf("parameter %s: shape %v; want sizes of at least 1 and at most %d values", p.Name, p.Shape, math.MaxInt32)
		}
		values *= d
	}
	if !(p.Bound >= 0) || math.IsInf(p.Bound, 0) || p.Fill-p.Fill != 0 {
		return fmt.Errorf("parameter %s: bound %v, fill %v; want finite numbers, the bound at least 0", p.Name, p.Bound, p.Fill)
	}
	if strings.HasPrefix(p.Name, slotPrefix) {
		return fmt.Errorf("parameter %s: names that start with %q are for optimizers", p.Name, slotPrefix)
	}
	return nil
}

func (p *Program) checkScalars() error {
	seen := make(map[string]bool)
	for _, s := range p.Scalars {
		if s.Name == "" || seen[s.Name] || s.At == nil {
			return fmt.Errorf("scalar %q: want a name, another for each scalar, and its values", s.Name)
		}
		seen[s.Name] = true
	}
	return nil
}

// checkPhase checks a training graph.
func (p *Program) checkPhase(phase *Phase) error {
	if err := p.Check(&phase.Graph); err != nil {
		return err
	}
	if batch := phase.Batch(); batch != p.Batch {
		return fmt.Errorf("batch %d; want the program's %d", batch, p.Batch)
	}
	if len(phase.Grads) != len(phase.Trained) {
		return fmt.Errorf("%d gradients of %d trained parameters; want one each", len(phase.Grads), len(phase.Trained))
	}
	if len(phase.Trained)+len(phase.Writes) == 0 {
		return errors.New("it trains nothing and writes nothing")
	}
	if err := errors.Join(phase.Optimizer.Validate(), phase.Clip.Validate()); err != nil {
		return err
	}
	for _, out := range phase.Outputs {
		if len(out.Node.Shape()) != 0 {
			return fmt.Errorf("output %s has shape %v; want a loss term, a scalar", out.Name, out.Node.Shape())
		}
	}
	for i, n := range phase.Trained {
		if err := p.checkUse(phase, n, Trained); err != nil {
			return fmt.Errorf("trained: %w", err)
		}
		if g := phase.Grads[i]; g == nil || !g.Shape().Eq(n.Shape()) {
			return fmt.Errorf("the gradient of %s has not its shape %v", n.Name(), n.Shape())
		} else if !phase.has(g) {
			return fmt.Errorf("the gradient of %s is a node of another graph", n.Name())
		}
	}
	for _, w := range phase.Writes {
		if err := p.checkUse(phase, w.Param, Running); err != nil {
			return fmt.Errorf("writes: %w", err)
		}
		if w.Value == nil || !w.Value.Shape().Eq(w.Param.Shape()) {
			return fmt.Errorf("writes: what %s becomes has not its shape %v", w.Param.Name(), w.Param.Shape())
		}
	}
	return nil
}

// checkUse wants a parameter of a graph to have a role.
func (p *Program) checkUse(phase *Phase, n *G.Node, role Role) error {
	if n == nil || !slices.Contains(phase.Params, n) {
		return errors.New("a node that is no parameter of the graph")
	}
	if param := p.param(n.Name()); param.Role != role {
		return fmt.Errorf("%s has role %q; want %q", n.Name(), param.Role, role)
	}
	return nil
}

// checkParam wants a leaf to be a parameter of the program, in its shape.
func (p *Program) checkParam(n *G.Node) error {
	if n == nil {
		return errors.New("a parameter of a graph has no node")
	}
	param := p.param(n.Name())
	if param == nil {
		return fmt.Errorf("the graph reads %s, which is no parameter of the program", n.Name())
	}
	if !slices.Equal(param.Shape, []int(n.Shape())) {
		return fmt.Errorf("parameter %s is %v in the graph; want %v as in the program", n.Name(), n.Shape(), param.Shape)
	}
	return nil
}
