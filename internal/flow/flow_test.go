package flow

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/data"
	"aegis/model"
	"aegis/model/op"
	"aegis/model/program"
)

func forward(t *testing.T, preset string, bend func(s *model.Spec)) *program.Program {
	t.Helper()
	spec, err := model.Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	spec.Image = [3]int{1, 28, 28}
	bend(&spec)
	p, err := spec.Forward()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		preset string
		bend   func(s *model.Spec)
		part   program.Part
		want   string
	}{
		{preset: "fc3", bend: func(*model.Spec) {}, part: program.Encode, want: "rows[784] Linear[tanh][rows encoder.0.weight encoder.0.bias][128] Linear[tanh][t0 encoder.2.weight encoder.2.bias][64]"},
		{preset: "conv", bend: func(*model.Spec) {}, part: program.Decode, want: "codes[64] Reshape(64, 1, 1)[codes][64 1 1] ConvTranspose2d[stride [1 1] padding [0 0] output padding [0 0] relu][t0 decoder.0.weight decoder.0.bias][32 7 7]"},
		{preset: "cvae", bend: func(s *model.Spec) { s.Classes = 10 }, part: program.Encode, want: "rows[784] labels[10] Concat[rows labels][794]"},
	} {
		t.Run(c.preset, func(t *testing.T) {
			f, err := Read(forward(t, c.preset, c.bend), c.part)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			fmt.Fprintf(&b, "%s%v ", f.Given.Name, f.Given.Shape)
			if f.Labels != nil {
				fmt.Fprintf(&b, "%s%v ", f.Labels.Name, f.Labels.Shape)
			}
			known := []string{f.Given.Name, "labels"}
			for _, p := range f.Params {
				known = append(known, p.Name)
			}
			for _, s := range f.Steps {
				for _, in := range s.In {
					if !slices.Contains(known, in) {
						t.Errorf("%s reads %s, which is not there yet", s.Op, in)
					}
				}
				known = append(known, s.Name)
				fmt.Fprintf(&b, "%s%v%v ", s.Op, s.In, s.Shape)
			}
			if f.Result != f.Steps[len(f.Steps)-1].Name {
				t.Errorf("result is %s; want that of the last step", f.Result)
			}
			if !strings.HasPrefix(b.String(), c.want) {
				t.Errorf("got %s; want %s to begin it", b.String(), c.want)
			}
		})
	}
}

// TestReadRefuses has a graph of a stock op of Gorgonia, and one with a parameter
// that is called as what steps give.
func TestReadRefuses(t *testing.T) {
	named := &program.Program{Name: "own", Row: data.Shape{W: 4}, Code: 4, Scaling: data.Scaling{Kind: data.ScaleNone}, Params: []program.Param{{Name: "t0", Shape: []int{4, 4}}, {Name: "b", Shape: []int{4}}}}
	named.Forward = func(_ program.Part, batch int) (*program.Graph, error) {
		g := G.NewGraph()
		x := G.NewTensor(g, tensor.Float32, 2, G.WithShape(batch, 4), G.WithName("x"))
		w, b := G.NewTensor(g, tensor.Float32, 2, G.WithShape(4, 4), G.WithName("t0")), G.NewTensor(g, tensor.Float32, 1, G.WithShape(4), G.WithName("b"))
		y := G.Must(op.Linear(x, w, b, op.None))
		return &program.Graph{ExprGraph: g, Params: G.Nodes{w, b}, Inputs: []program.Input{{Node: x, Kind: program.InputRows}}, Outputs: []program.Output{{Name: "y", Node: y}}}, nil
	}
	if _, err := Read(named, program.Encode); err == nil || !strings.Contains(err.Error(), `parameter "t0"`) {
		t.Errorf("got %v; want an error that names the parameter", err)
	}
	p := &program.Program{Name: "own", Row: data.Shape{W: 4}, Code: 4, Scaling: data.Scaling{Kind: data.ScaleNone}, Forward: func(_ program.Part, batch int) (*program.Graph, error) {
		g := G.NewGraph()
		x := G.NewTensor(g, tensor.Float32, 2, G.WithShape(batch, 4), G.WithName("x"))
		y := G.Must(G.Tanh(x))
		return &program.Graph{ExprGraph: g, Inputs: []program.Input{{Node: x, Kind: program.InputRows}}, Outputs: []program.Output{{Name: "y", Node: y}}}, nil
	}}
	if _, err := Read(p, program.Encode); err == nil || !strings.Contains(err.Error(), "tanh") {
		t.Errorf("got %v; want an error that names the op", err)
	}
}
