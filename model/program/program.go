// Package program is what a model hands to a VM: expression graphs with their
// ends named, what they read, the parameters that they share, and the optimizer
// of each phase.
//
// Shapes: B batch, C,H,W an image, P values in a row of the data, Z a code.
package program

import "aegis/data"

// Program is an autoencoder ready for a VM. Parameters are shared between its
// graphs by name.
type Program struct {
	Name    string
	Row     data.Shape // of a row of the data
	Code    int        // Z, values in a code
	Scaling data.Scaling
	Batch   int // B of the phases; the last batch of an epoch is padded to it

	Params  []Param
	Scalars []Scalar // the named numbers that graphs read
	Phases  []*Phase // one step runs all, in this order

	// Forward builds the graph of one part at any batch size.
	Forward func(part Part, batch int) (*Graph, error)
}

// PixelCount returns P, the values in a row of the data.
func (p *Program) PixelCount() int { return p.Row.Size() }

// ParamCount is the number of values in all tensors, but for shadows, which are
// of others.
func (p *Program) ParamCount() int {
	n := 0
	for _, param := range p.Params {
		if param.Role != Shadow {
			n += param.Size()
		}
	}
	return n
}

// CheckRows says why rows are none that the program reads.
func (p *Program) CheckRows(rows data.Rows) error { return p.Scaling.Check(rows, p.PixelCount()) }

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

// EvaluationNames are the names of the losses that evaluation gives.
func (p *Program) EvaluationNames() ([]string, error) {
	g, err := p.Build(Evaluate, p.Batch)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, out := range g.Outputs {
		names = append(names, out.Name)
	}
	return names, nil
}
