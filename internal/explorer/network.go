package explorer

import (
	"fmt"
	"math"

	"aegis/data"
	"aegis/internal/flow"
	"aegis/model"
	"aegis/model/op"
	"aegis/model/program"
)

// part is a forward part as the page computes it.
type part struct {
	Given  string `json:"given"`
	Labels bool   `json:"labels"`
	Steps  []step `json:"steps"`
	Result string `json:"result"`
}

// step is an operation; only the fields of its kind count.
type step struct {
	Op      string   `json:"op"`
	Name    string   `json:"name"`
	In      []string `json:"in"`
	Shape   []int    `json:"shape"` // of a row of the result
	Act     string   `json:"act,omitempty"`
	Alpha   float64  `json:"alpha,omitempty"`
	Stride  [2]int   `json:"stride,omitzero"`
	Padding [2]int   `json:"padding,omitzero"`
	Epsilon float64  `json:"epsilon,omitempty"`
	K       int      `json:"k,omitempty"`
}

// param is a parameter's place in the blob of weights.
type param struct {
	Shape []int `json:"shape"`
	At    int   `json:"at"` // of its first value
}

// loss is how a row's loss is computed.
type loss struct {
	Kind        op.LossKind `json:"kind"`
	Delta       float64     `json:"delta"`
	Sum         bool        `json:"sum"`
	Chances     bool        `json:"chances"`     // values beyond 0 and 1 cost more
	Variational bool        `json:"variational"` // the code's divergence is added
	Words       string      `json:"words"`
}

// addNetwork reads the parts that the page computes, and where their parameters
// lie in its weights.
func (p *page) addNetwork(spec model.Spec) error {
	forward, err := spec.Forward()
	if err != nil {
		return err
	}
	parts := []program.Part{program.Encode, program.Decode}
	if spec.Probabilities() {
		parts = append(parts, program.DecodeLogits)
	}
	if spec.Variational() {
		parts = append(parts, program.LogVar)
	}
	p.Parts, p.Params = map[program.Part]part{}, map[string]param{}
	for _, name := range parts {
		f, err := flow.Read(forward, name)
		if err != nil {
			return err
		}
		if p.Parts[name], err = partOf(f); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, v := range f.Params {
			if _, known := p.Params[v.Name]; known {
				continue
			}
			p.Params[v.Name] = param{v.Shape, p.weights}
			p.names, p.weights = append(p.names, v.Name), p.weights+size(v.Shape)
		}
	}
	return nil
}

// weightsOf are the values of all parameters of the page, one after the other.
func (p *page) weightsOf(params map[string]program.Tensor) ([]float32, error) {
	weights := make([]float32, 0, p.weights)
	for _, name := range p.names {
		t, ok := params[name]
		if !ok {
			return nil, fmt.Errorf("no parameter %s; want all of the model's", name)
		}
		if want := size(p.Params[name].Shape); len(t.Data) != want {
			return nil, fmt.Errorf("parameter %s has %d values; want %d", name, len(t.Data), want)
		}
		weights = append(weights, t.Data...)
	}
	return weights, nil
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func partOf(f *flow.Flow) (part, error) {
	out := part{Given: f.Given.Name, Labels: f.Labels != nil, Result: f.Result}
	for _, s := range f.Steps {
		one, err := stepOf(s)
		if err != nil {
			return part{}, err
		}
		out.Steps = append(out.Steps, one)
	}
	return out, nil
}

// stepOf writes an operation down for the page.
func stepOf(s flow.Step) (step, error) {
	out := step{Name: s.Name, In: s.In, Shape: s.Shape}
	activation := func(a op.Activation) { out.Act, out.Alpha = string(a.Kind), a.Alpha }
	switch d := s.Op.(type) {
	case op.LinearDef:
		out.Op = "linear"
		activation(d.Activation)
	case op.Conv2dDef:
		out.Op, out.Stride, out.Padding = "conv", d.Window.Stride, d.Window.Padding
		activation(d.Activation)
	case op.ConvTranspose2dDef: // the output's shape says its padding
		out.Op, out.Stride, out.Padding = "convtranspose", d.Window.Stride, d.Window.Padding
		activation(d.Activation)
	case op.RunningNormDef:
		out.Op, out.Epsilon = "norm", d.Epsilon
	case op.ActivationDef:
		out.Op = "activation"
		activation(d.Activation)
	case op.ReshapeDef:
		out.Op = "reshape"
	case op.ConcatDef:
		out.Op = "concat"
	case op.TopKDef:
		out.Op, out.K = "topk", d.K
	default:
		return step{}, fmt.Errorf("operation %s, which the page cannot compute; want layers of the networks that a configuration describes", s.Op)
	}
	return out, nil
}

// addLoss says how the page computes the loss of a row.
func (p *page) addLoss(spec model.Spec, params map[string]program.Tensor) {
	_, l := spec.Scored()
	p.Loss = loss{
		Kind: l.Kind, Delta: deltaOf(spec, params), Sum: l.Sum, Chances: spec.Probabilities(), Variational: spec.Variational(), Words: l.String(),
	}
	if l.Sum {
		p.Loss.Words = "nats"
	}
}

// deltaOf is the loss's number, which may be learned.
func deltaOf(spec model.Spec, params map[string]program.Tensor) float64 {
	if s, ok := params[model.LogSigma]; ok && spec.Likelihood == model.GaussianLearned {
		return math.Exp(float64(s.Data[0]))
	}
	_, l := spec.Scored()
	return l.Delta
}

// addScaling says what the network reads of rows, and how values become
// brightness.
func (p *page) addScaling(spec model.Spec) {
	s := spec.Scaled()
	p.Scaling = scaling{Kind: s.Kind, Lo: s.Pixels.Lo, Hi: s.Pixels.Hi, Shift: s.Shift, Factor: s.Factor}
	switch s.Kind {
	case data.ScaleRange, data.ScaleMinMax:
		p.Ends = &[2]float32{s.Pixels.Lo, s.Pixels.Hi}
		p.Shown = *p.Ends
	case data.ScaleStandard:
		p.Shown = [2]float32{-3, 3} // deviations, as other pictures have it
	default:
		lo, hi := spec.Pixels().Lo, spec.Pixels().Hi
		p.Shown = [2]float32{lo, hi}
	}
	p.Columns = columnNames(spec)
}

// columnNames are those of a vector's values, of windows with their line.
func columnNames(spec model.Spec) []string {
	if spec.Image[0] != 0 {
		return nil
	}
	names := spec.Form.Columns
	if t := spec.Form.Table; len(names) == 0 && t != nil {
		names = t.Columns()
		if t.Window > 1 {
			of := names
			names = nil
			for line := range t.Window {
				for _, name := range of {
					names = append(names, fmt.Sprintf("%s, line %d", name, line+1))
				}
			}
		}
	}
	if len(names) != spec.Image[2] {
		names = nil
		for i := range spec.Image[2] {
			names = append(names, fmt.Sprintf("value %d", i+1))
		}
	}
	return names
}
