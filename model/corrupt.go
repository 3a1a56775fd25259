package model

import (
	"fmt"
	"strconv"
	"strings"

	G "gorgonia.org/gorgonia"

	"aegis/data"
	"aegis/model/op"
	"aegis/model/program"
)

// The ways to corrupt what a network reads while it learns to restore it.
const (
	Gaussian   = "gaussian"   // noise of a standard deviation is added
	Mask       = "mask"       // a share of the values is 0, of pixels black
	SaltPepper = "saltpepper" // a share of the values is the least or the greatest one
)

// corruption is one of them with its number.
type corruption struct {
	kind   string
	amount float64 // Gaussian: of a pixel in [0,1]; else a chance
}

// parseCorruption reads gaussian:0.5, mask:0.3 or saltpepper:0.1.
func parseCorruption(text string) (corruption, error) {
	const want = "want gaussian:0.5, mask:0.3 or saltpepper:0.1"
	kind, number, _ := strings.Cut(text, ":")
	amount, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil || kind != Gaussian && kind != Mask && kind != SaltPepper:
		return corruption{}, fmt.Errorf("model: corrupt %q; %s", text, want)
	case kind == Gaussian && !(amount > 0 && amount <= 100):
		return corruption{}, fmt.Errorf("model: corrupt %q; want a standard deviation above 0 and up to 100, such as 0.5", text)
	case kind != Gaussian && !(amount > 0 && amount < 1):
		return corruption{}, fmt.Errorf("model: corrupt %q; want a chance between 0 and 1, such as 0.3", text)
	}
	return corruption{kind: kind, amount: amount}, nil
}

// ends returns the least and the greatest value of what the network reads.
func (s Spec) ends() (ends data.Range, known bool) {
	scaling := s.Scaled()
	known = scaling.Kind == data.ScaleRange || scaling.Kind == data.ScaleMinMax
	return scaling.Pixels, known
}

// corrupt adds what the network reads in place of x: noise that is new in each
// step of training, and belongs to a row where the network is evaluated.
func (b *builder) corrupt(g *graph, x *G.Node) (*G.Node, error) {
	if b.spec.Corrupt == "" {
		return x, nil
	}
	c, err := parseCorruption(b.spec.Corrupt)
	if err != nil {
		return nil, err
	}
	ends, known := b.spec.ends()
	chain := chain{}
	hit := func(purpose string, p float64) *G.Node {
		return g.noise(program.Input{Kind: program.InputBernoulli, Purpose: purpose, P: p}, x.Shape())
	}
	switch c.kind {
	case Gaussian:
		noise := g.noise(program.Input{Kind: program.InputNormal, Purpose: "corrupt"}, x.Shape())
		if known {
			c.amount *= float64(ends.Hi - ends.Lo)
		}
		y := chain.add(x, chain.scale(noise, c.amount))
		if known && !b.spec.row().IsVector() {
			y = chain.take(op.Clamp(y, float64(ends.Lo), float64(ends.Hi)))
		}
		return y, chain.err
	case Mask:
		if !known || ends.Lo == 0 || b.spec.row().IsVector() {
			return op.Mul(x, hit("corrupt", 1-c.amount))
		}
		mask := hit("corrupt", c.amount) // x − mask·x + mask·lo
		return chain.add(chain.add(x, chain.scale(chain.mul(x, mask), -1)), chain.scale(mask, float64(ends.Lo))), chain.err
	}
	if !known {
		return nil, fmt.Errorf("model: corrupt %s of rows that have no least and no greatest value; want scale minmax, or corrupt mask", b.spec.Corrupt)
	}
	mask, side := hit("corrupt", c.amount), hit("corrupt/side", 0.5)
	y := chain.add(x, chain.scale(chain.mul(x, mask), -1))
	if ends.Lo != 0 {
		y = chain.add(y, chain.scale(mask, float64(ends.Lo)))
	}
	return chain.add(y, chain.scale(chain.mul(mask, side), float64(ends.Hi-ends.Lo))), chain.err
}

// chain builds expressions and keeps the first error.
type chain struct{ err error }

func (c *chain) take(n *G.Node, err error) *G.Node {
	if c.err == nil {
		c.err = err
	}
	return n
}

func (c *chain) add(a, b *G.Node) *G.Node {
	if c.err != nil {
		return nil
	}
	return c.take(op.Add(a, b))
}

func (c *chain) mul(a, b *G.Node) *G.Node {
	if c.err != nil {
		return nil
	}
	return c.take(op.Mul(a, b))
}

func (c *chain) scale(x *G.Node, factor float64) *G.Node {
	if c.err != nil {
		return nil
	}
	return c.take(op.Scale(x, factor))
}

// Corrupted writes a row of a set as evaluation corrupts it under a seed; dst
// and row hold values as the network reads them.
func (s Spec) Corrupted(dst, row []float32, seed uint64, set string, number int) error {
	c, err := parseCorruption(s.Corrupt)
	if err != nil {
		return err
	}
	ends, known := s.ends()
	draw := func(in program.Input) []float32 {
		values := make([]float32, len(row))
		in.Noise(seed, set, false).Draw(values, 0, number)
		return values
	}
	copy(dst, row)
	if c.kind == Gaussian {
		if known {
			c.amount *= float64(ends.Hi - ends.Lo)
		}
		for i, v := range draw(program.Input{Kind: program.InputNormal, Purpose: "corrupt"}) {
			dst[i] += float32(float32(c.amount) * v)
			if known && !s.row().IsVector() {
				dst[i] = min(max(dst[i], ends.Lo), ends.Hi)
			}
		}
		return nil
	}
	if c.kind == Mask && (!known || ends.Lo == 0 || s.row().IsVector()) {
		for i, kept := range draw(program.Input{Kind: program.InputBernoulli, Purpose: "corrupt", P: 1 - c.amount}) {
			dst[i] *= kept
		}
		return nil
	}
	hit := draw(program.Input{Kind: program.InputBernoulli, Purpose: "corrupt", P: c.amount})
	side := make([]float32, len(row))
	if c.kind == SaltPepper {
		side = draw(program.Input{Kind: program.InputBernoulli, Purpose: "corrupt/side", P: 0.5})
	}
	for i, v := range hit {
		if v == 1 {
			dst[i] = ends.Lo + side[i]*(ends.Hi-ends.Lo)
		}
	}
	return nil
}
