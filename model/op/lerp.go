package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// LerpDef is a + Weight·(b − a), value by value, of two tensors of one shape.
// It has no gradient: it is for what a step keeps beside its parameters.
type LerpDef struct{ Weight float64 }

// Lerp goes a part of the way from a to b, as torch.lerp: a running mean a of
// what each step finds, b.
func Lerp(a, b *G.Node, weight float64) (*G.Node, error) { return apply(LerpDef{weight}, a, b) }

func (d LerpDef) String() string { return fmt.Sprintf("Lerp[%g]", d.Weight) }

func (d LerpDef) shape(in []tensor.Shape) (tensor.Shape, error) { return sameShape(d, in) }

func (d LerpDef) do32(c call[float32]) { lerp(d, c) }
func (d LerpDef) do64(c call[float64]) { lerp(d, c) }

func lerp[T float](d LerpDef, c call[T]) {
	weight := T(d.Weight)
	for i, a := range c.in[0] {
		c.out[i] = a + weight*(c.in[1][i]-a)
	}
}
