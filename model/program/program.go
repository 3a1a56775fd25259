// Package program is what a model hands to a VM: expression graphs with their
// ends named, the parameters that they share, and the optimizer of each phase.
//
// Shapes: B batch, C,H,W an image, P values in a row of the data, Z a code.
package program

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"

	"aegis/data"
	"aegis/data/philox"
	"aegis/model/optim"
)

// Program is an autoencoder ready for a VM. Parameters are shared between its
// graphs by name.
type Program struct {
	Name    string
	Row     data.Shape // of a row of the data
	Code    int        // Z, values in a code
	Scaling data.Scaling
	Batch   int // B of the phases; the last batch of an epoch is padded to it

	Params []Param
	Phases []*Phase // one step runs all, in this order

	// Forward builds the graph of one part at any batch size.
	Forward func(part Part, batch int) (*Graph, error)
}

// PixelCount returns P, the values in a row of the data.
func (p *Program) PixelCount() int { return p.Row.Size() }

// CheckRows says why rows are none that the program reads.
func (p *Program) CheckRows(rows data.Rows) error { return p.Scaling.Check(rows, p.PixelCount()) }

// ScalarCount returns how many numbers change from step to step: those of
// every phase's optimizer, phase after phase.
func (p *Program) ScalarCount() int {
	n := 0
	for _, phase := range p.Phases {
		n += len(phase.Optimizer.ScalarNames())
	}
	return n
}

// Scalars appends the numbers of one step, counted from 0, to dst.
func (p *Program) Scalars(dst []float32, step int64) []float32 {
	for _, phase := range p.Phases {
		dst = append(dst, phase.Optimizer.Scalars(step, phase.Optimizer.LR)...)
	}
	return dst
}

// LossNames names the loss terms of a step, phase after phase.
func (p *Program) LossNames() []string {
	var names []string
	for _, phase := range p.Phases {
		for _, out := range phase.Outputs {
			names = append(names, out.Name)
		}
	}
	return names
}

// Param is a trained tensor.
type Param struct {
	Name  string // as PyTorch names it, such as encoder.0.weight
	Shape []int
	Bound float64 // starts uniform in [-Bound, Bound); 0: starts at zero
}

// Size returns the number of values.
func (p Param) Size() int { return Size(p.Shape) }

// Start fills dst with the parameter's first values under a seed: the numbers
// of purpose "init/<name>".
func (p Param) Start(dst []float32, seed uint64) {
	clear(dst)
	if p.Bound != 0 {
		philox.Stream{Seed: seed, Purpose: philox.For("init/" + p.Name)}.Uniform(dst, float32(p.Bound))
	}
}

// Size returns the number of values in a shape.
func Size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Graph is an expression graph with its ends named.
type Graph struct {
	*G.ExprGraph
	Input   *G.Node   // images (B,C,H,W) or (B,P); for Decode codes (B,Z) or (B,Z,1,1)
	Weights *G.Node   // (B), 1 for a row, 0 for padding; nil where nothing takes it
	Params  []*G.Node // named as in Program.Params, only those that the graph uses
	Outputs []Output
}

// Batch returns the graph's batch size.
func (g *Graph) Batch() int { return g.Input.Shape()[0] }

// Output is a result: in a phase and in Evaluate a loss term, a scalar, the
// mean over the rows of weight 1; else one tensor with B rows.
type Output struct {
	Name string
	Node *G.Node
}

// Phase is a graph with the gradients of its parameters, made by one
// gorgonia.Grad, and the optimizer that applies them.
type Phase struct {
	Graph
	Name      string
	Grads     []*G.Node // of Graph.Params, in their order
	Optimizer optim.Spec
}

// Part is a forward graph of a program.
type Part string

// The parts that every program has.
const (
	Encode      Part = "encode"      // images → codes (B,Z)
	Decode      Part = "decode"      // codes (B,Z) → images (B,P)
	Reconstruct Part = "reconstruct" // images → images (B,P)
	Evaluate    Part = "evaluate"    // images, weights → loss terms
)

// Steps is a run of consecutive training steps.
type Steps struct {
	First   int64     // number of the first one, counted from 0 since the start of training
	Rows    []int32   // rows of the training set, Batch a step; the last step may have fewer
	Scalars []float32 // ScalarCount numbers a step
}

// Count returns the number of steps at a batch size.
func (s Steps) Count(batch int) int { return (len(s.Rows) + batch - 1) / batch }

// Input is what a forward part reads: rows of a bound set, or values.
type Input struct {
	Set    string
	Rows   []int32
	Values []float32 // where Set is empty: pixels (n,P), or codes (n,Z) for Decode
}

// Tensor is a host copy of a parameter or of optimizer state.
type Tensor struct {
	Shape []int
	Data  []float32
}

// State is all that training carries from step to step. Tensors holds the
// parameters by their names and each optimizer slot as
// "optimizer.<phase>.<slot>.<parameter>".
type State struct {
	Step    int64 // steps done
	Tensors map[string]Tensor
}

// SlotName names an optimizer slot in State.Tensors.
func SlotName(phase, slot, param string) string {
	return "optimizer." + phase + "." + slot + "." + param
}

// Start returns the state before the first step.
func (p *Program) Start(seed uint64) *State {
	s := &State{Tensors: make(map[string]Tensor)}
	for _, param := range p.Params {
		values := make([]float32, param.Size())
		param.Start(values, seed)
		s.Tensors[param.Name] = Tensor{Shape: param.Shape, Data: values}
	}
	for _, phase := range p.Phases {
		for _, node := range phase.Params {
			for _, slot := range phase.Optimizer.Slots() {
				s.Tensors[SlotName(phase.Name, slot, node.Name())] = Tensor{
					Shape: node.Shape(), Data: make([]float32, node.Shape().TotalSize()),
				}
			}
		}
	}
	return s
}

// Check reports the first tensor of a program that s lacks or holds in another
// shape.
func (s *State) Check(p *Program) error {
	for _, param := range p.Params {
		if err := s.check(param.Name, param.Shape); err != nil {
			return err
		}
	}
	for _, phase := range p.Phases {
		for _, node := range phase.Params {
			for _, slot := range phase.Optimizer.Slots() {
				if err := s.check(SlotName(phase.Name, slot, node.Name()), node.Shape()); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *State) check(name string, shape []int) error {
	t, ok := s.Tensors[name]
	switch {
	case !ok:
		return fmt.Errorf("program: state: no tensor %s; want shape %v", name, shape)
	case !slices.Equal(t.Shape, shape):
		return fmt.Errorf("program: state: %s has shape %v; want %v", name, t.Shape, shape)
	case len(t.Data) != Size(shape):
		return fmt.Errorf("program: state: %s has %d values; want %d", name, len(t.Data), Size(shape))
	}
	return nil
}
