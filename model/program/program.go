// Package program is what a model hands to a VM: expression graphs with their
// ends named, what they read, the parameters that they share, and the optimizer
// of each phase.
//
// Shapes: B batch, C,H,W an image, P = C·H·W its pixels, Z a code.
package program

// Program is an autoencoder ready for a VM. Parameters are shared between its
// graphs by name.
type Program struct {
	Name   string
	Image  [3]int // C, H, W
	Code   int    // Z, values in a code
	Pixels Range
	Batch  int // B of the phases; the last batch of an epoch is padded to it

	Params  []Param
	Scalars []Scalar // the named numbers that graphs read
	Phases  []*Phase // one step runs all, in this order

	// Forward builds the graph of one part at any batch size.
	Forward func(part Part, batch int) (*Graph, error)
}

// PixelCount returns P, the values in one image.
func (p *Program) PixelCount() int { return p.Image[0] * p.Image[1] * p.Image[2] }

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
