package program

import "aegis/data/philox"

// Role says what changes a tensor.
type Role string

// The roles. All tensors live from step to step, are part of a [State] and of
// a model's file, and can be read by every graph.
const (
	Trained Role = ""        // by the optimizers of the phases that train it
	Running Role = "running" // by a phase's Writes, such as a mean over batches
	Shadow  Role = "shadow"  // it follows another tensor from step to step
)

// Param is a tensor that lives from step to step.
type Param struct {
	Name  string // as PyTorch names it, such as encoder.0.weight
	Shape []int
	Bound float64 // starts uniform in [-Bound, Bound); 0: starts at Fill
	Fill  float32
	Role  Role

	// A shadow is the exponential average of Of, a trained tensor of the same
	// shape: after the updates of each step it becomes decay·shadow +
	// (1−decay)·Of. It starts as Of does. The decay is Decay, or where DecayBy
	// names one of Program.Scalars that number of the step.
	Of      string
	Decay   float64
	DecayBy string
}

// Size returns the number of values.
func (p Param) Size() int { return Size(p.Shape) }

// Start fills dst with the parameter's first values under a seed: the numbers
// of purpose "init/<name>", for a shadow those of what it follows.
func (p Param) Start(dst []float32, seed uint64) {
	if p.Bound == 0 {
		for i := range dst {
			dst[i] = p.Fill
		}
		return
	}
	name := p.Name
	if p.Role == Shadow {
		name = p.Of
	}
	philox.Stream{Seed: seed, Purpose: philox.For("init/" + name)}.Uniform(dst, float32(p.Bound))
}

// Follow moves a shadow after a step: shadow ← of + decay·(shadow − of), each
// operation rounded by itself.
func Follow(shadow, of []float32, decay float32) {
	for i, w := range of {
		shadow[i] = w + float32(decay*(shadow[i]-w))
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
