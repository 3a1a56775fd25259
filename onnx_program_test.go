package aegis

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/data"
	"aegis/model/op"
	"aegis/model/program"
)

// drawnNetwork is a program of layers that no preset has, drawn by a seed: an
// image's size, strides, paddings, kernels, activations, and what lies between.
type drawnNetwork struct {
	program *program.Program
	known   map[string]bool
}

// add adds a parameter of the graph, and once of the program.
func (d *drawnNetwork) add(g *program.Graph, name string, shape ...int) *G.Node {
	if !d.known[name] {
		d.known[name] = true
		p := program.Param{Name: name, Shape: shape, Bound: 0.3}
		if name == "variance" {
			p.Bound, p.Fill = 0, 0.7
		}
		d.program.Params = append(d.program.Params, p)
	}
	n := G.NewTensor(g.ExprGraph, tensor.Float32, len(shape), G.WithName(name), G.WithShape(shape...))
	g.Params = append(g.Params, n)
	return n
}

// build writes the way from rows to codes; the same numbers are drawn each time.
func (d *drawnNetwork) build(seed uint64, batch int) (_ *program.Graph, err error) {
	r := rand.New(rand.NewPCG(seed, 0))
	pick := func(most int) int { return 1 + r.IntN(most) }
	kinds := op.Kinds()
	act := func() op.Activation {
		a, _ := op.ParseActivation(string(kinds[r.IntN(len(kinds))]))
		return a
	}
	must := func(n *G.Node, e error) *G.Node {
		if err == nil && e != nil {
			err = e
			panic(err)
		}
		return n
	}
	defer func() {
		if recover() != nil && err == nil {
			err = fmt.Errorf("seed %d", seed)
		}
	}()
	s := data.Shape{C: pick(3), H: pick(12), W: pick(12)}
	d.program.Row = s
	g := &program.Graph{ExprGraph: G.NewGraph()}
	x := G.NewTensor(g.ExprGraph, tensor.Float32, 4, G.WithName("in"), G.WithShape(batch, s.C, s.H, s.W))
	g.Inputs = []program.Input{{Node: x, Kind: program.InputRows}}
	window := op.Window{Stride: [2]int{pick(3), pick(3)}, Padding: [2]int{r.IntN(3), r.IntN(3)}}
	c := pick(4)
	y := must(op.Conv2d(x, d.add(g, "c.weight", c, s.C, pick(5), pick(5)), d.add(g, "c.bias", c), window, act()))
	y = must(op.RunningNorm(y, d.add(g, "mean", c), d.add(g, "variance", c), d.add(g, "gamma", c), d.add(g, "beta", c), 1e-5))
	window = op.Window{Stride: [2]int{pick(3), pick(3)}, Padding: [2]int{r.IntN(2), r.IntN(2)}}
	out := [2]int{r.IntN(window.Stride[0]), r.IntN(window.Stride[1])}
	o := pick(3)
	y = must(op.ConvTranspose2d(y, d.add(g, "u.weight", c, o, pick(4), pick(4)), d.add(g, "u.bias", o), window, out, act()))
	size := program.Size(y.Shape()[1:])
	y = must(op.Reshape(y, size))
	y = must(op.Clamp(y, -3, 3))
	z := d.program.Code
	a := must(op.Linear(y, d.add(g, "a.weight", z, size), d.add(g, "a.bias", z), act()))
	b := must(op.Linear(y, d.add(g, "b.weight", z, size), d.add(g, "b.bias", z), act()))
	y = must(op.Lerp(must(op.Mul(a, b)), must(op.Add(a, must(op.Scale(b, -0.3)))), 0.3))
	y = must(op.TopK(y, pick(z)))
	g.Outputs = []program.Output{{Name: "codes", Node: y}}
	return g, err
}

// TestONNXProgram has networks of layers of all sizes, drawn by a seed.
func TestONNXProgram(t *testing.T) {
	onnxRuntime(t)
	ctx, dir := context.Background(), t.TempDir()
	var runs []*onnxRun
	for seed := uint64(0); len(runs) < 60; seed++ {
		p := &program.Program{Name: "drawn", Code: 1 + int(seed)%9, Scaling: data.Scaling{Kind: data.ScaleNone}}
		d := &drawnNetwork{p, make(map[string]bool)}
		if _, err := d.build(seed, 1); err != nil { // a kernel that does not fit
			continue
		}
		p.Forward = func(_ program.Part, batch int) (*program.Graph, error) { return d.build(seed, batch) }
		s := p.Start(seed)
		f, err := ProgramONNX(p, s, ONNXEncoder)
		if err != nil {
			t.Fatal(err)
		}
		n, err := OpenProgram(p, s, WithDevice(DeviceTape))
		if err != nil {
			t.Fatal(err)
		}
		const rows = 3
		values := make([]float32, rows*p.Row.Size())
		r := rand.New(rand.NewPCG(seed, 1))
		for i := range values {
			values[i] = float32(r.NormFloat64())
		}
		codes, err := n.Run(ctx, program.Encode, program.Feed{Values: values})
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		path := filepath.Join(dir, fmt.Sprint(seed))
		if err := f.Write(&text); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		run := &onnxRun{name: fmt.Sprintf("seed %d, %v", seed, p.Row), want: []any{codes}, File: path, Out: path + ".out"}
		run.input(t, f.Inputs[0], rows, values)
		runs = append(runs, run)
	}
	runONNX(t, runs)
}
