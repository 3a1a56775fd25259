package exact

import (
	"fmt"
	"math"

	"aegis/internal/flow"
	"aegis/internal/vm/cpu/kernel"
	"aegis/model/op"
	"aegis/model/program"
)

// reader makes the steps of a part.
type reader struct {
	*Part
	set    *kernel.Set
	names  map[string]int // values
	params map[string]program.Tensor
}

// value adds a value of a shape.
func (r *reader) value(name string, shape []int) int {
	r.names[name] = len(r.sizes)
	r.sizes = append(r.sizes, size(shape))
	return r.names[name]
}

// operands are the numbers of a step's operands.
func (r *reader) operands(s flow.Step) ([]int, error) {
	var all []int
	for _, name := range s.In {
		at, ok := r.names[name]
		if !ok {
			return nil, fmt.Errorf("operation %s; want layers of networks on vectors", s.Op)
		}
		all = append(all, at)
	}
	return all, nil
}

// step adds an operation; its formula is that of package op.
func (r *reader) step(s flow.Step) error {
	switch d := s.Op.(type) {
	case op.LinearDef:
		return r.linear(s, d)
	case op.RunningNormDef:
		return r.norm(s, d)
	}
	in, err := r.operands(s)
	if err != nil {
		return err
	}
	y := r.value(s.Name, s.Shape)
	x, width := in[0], r.sizes[y]
	switch d := s.Op.(type) {
	case op.ActivationDef:
		f := activation(d.Activation)
		r.steps = append(r.steps, func(b *block) {
			out := b.values[y][:b.n*width]
			copy(out, b.values[x])
			f(out)
		})
	case op.ReshapeDef:
		r.steps = append(r.steps, func(b *block) { copy(b.values[y][:b.n*width], b.values[x]) })
	case op.ConcatDef:
		r.concat(in, y)
	case op.TopKDef:
		r.steps = append(r.steps, func(b *block) {
			out, sorted := b.values[y][:b.n*width], make([]float64, width)
			clear(out)
			for i := range b.n {
				row := b.values[x][i*width:][:width]
				op.Largest(row, d.K, sorted, func(j int) { out[i*width+j] = row[j] })
			}
		})
	default:
		return fmt.Errorf("operation %s; want layers of networks on vectors", s.Op)
	}
	return nil
}

// linear adds f(x·Wᵀ + b).
func (r *reader) linear(s flow.Step, d op.LinearDef) error {
	w, b := r.params[s.In[1]], r.params[s.In[2]]
	x, ok := r.names[s.In[0]]
	if !ok || len(w.Shape) != 2 || r.sizes[x] != w.Shape[1] {
		return fmt.Errorf("%s of %v by %v", s.Op, s.In[0], w.Shape)
	}
	panels, bias := kernel.TransposedPanels(w.Data, w.Shape[0], w.Shape[1]), doubles(b.Data)
	y, f := r.value(s.Name, s.Shape), activation(d.Activation)
	width, set := r.sizes[y], r.set
	r.steps = append(r.steps, func(b *block) {
		set.ProductDouble(b.values[y], b.values[x], b.n, panels, bias)
		f(b.values[y][:b.n*width])
	})
	return nil
}

// norm adds (x − mean)/√(variance + ε)·γ + β.
func (r *reader) norm(s flow.Step, d op.RunningNormDef) error {
	x, ok := r.names[s.In[0]]
	if !ok {
		return fmt.Errorf("%s of the parameter %s; want it of rows", s.Op, s.In[0])
	}
	mean, variance := doubles(r.params[s.In[1]].Data), doubles(r.params[s.In[2]].Data)
	gamma, beta := doubles(r.params[s.In[3]].Data), doubles(r.params[s.In[4]].Data)
	for i, v := range variance {
		gamma[i] /= math.Sqrt(v + d.Epsilon)
	}
	y := r.value(s.Name, s.Shape)
	width := r.sizes[y]
	r.steps = append(r.steps, func(b *block) {
		out := b.values[y]
		for i, v := range b.values[x][:b.n*width] {
			c := i % width
			out[i] = (v-mean[c])*gamma[c] + beta[c]
		}
	})
	return nil
}

// concat adds rows whose values follow each other.
func (r *reader) concat(in []int, y int) {
	width := r.sizes[y]
	var sizes []int
	for _, x := range in {
		sizes = append(sizes, r.sizes[x])
	}
	r.steps = append(r.steps, func(b *block) {
		out, at := b.values[y], 0
		for k, x := range in {
			for i := range b.n {
				copy(out[i*width+at:][:sizes[k]], b.values[x][i*sizes[k]:])
			}
			at += sizes[k]
		}
	})
}

func doubles(values []float32) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}

// activation returns what replaces values by the function of them.
func activation(a op.Activation) func(values []float64) {
	switch a.Kind {
	case op.Identity:
		return func([]float64) {}
	case op.ReLU:
		return func(values []float64) {
			for i, v := range values {
				if v <= 0 {
					values[i] = 0
				}
			}
		}
	case op.GELU:
		return func(values []float64) {
			for i, v := range values {
				values[i] = v * normal(v)
			}
		}
	}
	return func(values []float64) {
		for i, v := range values {
			values[i] = a.Value(v)
		}
	}
}

// The distribution function of N(0, 1) by its Taylor polynomials of degree 5 around
// multiples of 1/32: within 1e-13, in a few nanoseconds.
const (
	normalSteps = 32 // in 1
	normalReach = 9  // beyond which it is 0 or 1, to 1e-18
)

var normalTable = func() (table [2*normalReach*normalSteps + 1][6]float64) {
	for i := range table {
		c := float64(i)/normalSteps - normalReach
		density := math.Exp(-c*c/2) / math.Sqrt(2*math.Pi)
		table[i] = [6]float64{
			math.Erfc(-c/math.Sqrt2) / 2, density, -density * c / 2, density * (c*c - 1) / 6,
			-density * (c*c*c - 3*c) / 24, density * (c*c*c*c - 6*c*c + 3) / 120,
		}
	}
	return table
}()

func normal(x float64) float64 {
	switch {
	case x >= normalReach:
		return 1
	case x <= -normalReach:
		return 0
	case x != x:
		return x
	}
	i := int((x+normalReach)*normalSteps + 0.5)
	d := x - (float64(i)/normalSteps - normalReach)
	t := &normalTable[i]
	return t[0] + d*(t[1]+d*(t[2]+d*(t[3]+d*(t[4]+d*t[5]))))
}
