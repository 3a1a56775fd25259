package op

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Mixture is equal parts of Gaussians whose centres lie on a circle around 0, the
// first one to the right of it: neighbours are 5 deviations apart.
type Mixture struct{ Components int }

// MostComponents is how many there can be.
const MostComponents = 100

const (
	mixtureRadius = 3
	neighbours    = 5 // deviations between two
)

// Validate says what is wrong with a mixture.
func (m Mixture) Validate() error {
	if m.Components < 2 || m.Components > MostComponents {
		return fmt.Errorf("op: a mixture of %d Gaussians; want 2 to %d", m.Components, MostComponents)
	}
	return nil
}

// Constants are the circle's radius, the deviation of each Gaussian, and cosine
// and sine of the angle from one centre to the next.
func (m Mixture) Constants() (radius, deviation, cos, sin float64) {
	angle := 2 * math.Pi / float64(m.Components)
	return mixtureRadius, 2 * mixtureRadius * math.Sin(angle/2) / neighbours, math.Cos(angle), math.Sin(angle)
}

// Deviations are those of the whole mixture in either dimension. Its mean is 0.
func (m Mixture) Deviations() []float64 {
	r, s, _, _ := m.Constants()
	if m.Components == 2 { // both centres lie on one axis
		return []float64{math.Hypot(r, s), s}
	}
	all := math.Sqrt(r*r/2 + s*s)
	return []float64{all, all}
}

// Move makes a draw of the mixture out of two normal numbers and a uniform one:
// that chooses a centre, which is reached by turning the first one step after
// step. All is rounded operation by operation, so that it has the same bits
// everywhere.
func (m Mixture) Move(dst, normal []float32, uniform float32) { move(m, dst, normal, uniform) }

func move[T float](m Mixture, dst, normal []T, uniform T) {
	radius, deviation, cos, sin := m.Constants()
	c, s := T(cos), T(sin)
	x, y := T(radius), T(0)
	for range min(int(uniform*T(m.Components)), m.Components-1) {
		x, y = T(x*c)-T(y*s), T(x*s)+T(y*c)
	}
	dst[0], dst[1] = x+T(T(deviation)*normal[0]), y+T(T(deviation)*normal[1])
}

// MixtureDef is draws of a mixture: normal (B,2) and uniform (B,1) noise → (B,2).
// It has no gradient: nothing is learned of noise.
type MixtureDef struct{ Mixture Mixture }

// Mix adds draws of a mixture.
func Mix(normal, uniform *G.Node, m Mixture) (*G.Node, error) {
	return apply(MixtureDef{m}, normal, uniform)
}

func (d MixtureDef) String() string { return fmt.Sprintf("Mixture[%d]", d.Mixture.Components) }

func (d MixtureDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	normal, uniform := in[0], in[1]
	if len(normal) != 2 || normal[1] != 2 || !uniform.Eq(tensor.Shape{normal[0], 1}) {
		return nil, shapeError(d, "normal (B,2), uniform (B,1)", in)
	}
	return normal.Clone(), d.Mixture.Validate()
}

func (d MixtureDef) do32(c call[float32]) { mixture(d, c) }
func (d MixtureDef) do64(c call[float64]) { mixture(d, c) }

func mixture[T float](d MixtureDef, c call[T]) {
	for i, u := range c.in[1] {
		move(d.Mixture, c.out[2*i:], c.in[0][2*i:], u)
	}
}
