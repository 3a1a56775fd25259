package aegis_test

import (
	"context"
	"fmt"
	"log"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis"
	"aegis/data"
	"aegis/model/op"
	"aegis/model/optim"
	"aegis/model/program"
)

const (
	pixels = 16 // of an image of 4×4
	hidden = 12
	code   = 3
)

// layers are the network's: name, outputs, inputs. The two residual ones are
// added to what goes into them.
var layers = []struct {
	name    string
	out, in int
}{
	{"encoder.0", hidden, pixels},
	{"encoder.residual", hidden, hidden},
	{"encoder.1", code, hidden},
	{"decoder.0", hidden, code},
	{"decoder.residual", hidden, hidden},
	{"decoder.1", pixels, hidden},
}

// graph is a graph under construction; the first error stays.
type graph struct {
	program.Graph
	err error
}

func (g *graph) tensor(name string, shape ...int) *G.Node {
	return G.NewTensor(g.ExprGraph, tensor.Float32, len(shape), G.WithName(name), G.WithShape(shape...))
}

func (g *graph) input(kind program.InputKind, shape ...int) *G.Node {
	n := g.tensor(string(kind), shape...)
	g.Inputs = append(g.Inputs, program.Input{Node: n, Kind: kind})
	return n
}

func (g *graph) must(n *G.Node, err error) *G.Node {
	if g.err == nil {
		g.err = err
	}
	return n
}

// linear adds layer i.
func (g *graph) linear(x *G.Node, i int, activation op.Kind) *G.Node {
	if g.err != nil {
		return nil
	}
	l := layers[i]
	w, b := g.tensor(l.name+".weight", l.out, l.in), g.tensor(l.name+".bias", l.out)
	g.Params = append(g.Params, w, b)
	return g.must(op.Linear(x, w, b, op.Activation{Kind: activation}))
}

// half adds an encoder from layer 0 on, or a decoder from layer 3 on: a layer, a
// residual one with its skip connection, and one more.
func (g *graph) half(x *G.Node, first int) *G.Node {
	h := g.linear(x, first, op.ReLU)
	if around := g.linear(h, first+1, op.Tanh); g.err == nil {
		h = g.must(op.Add(h, around))
	}
	return g.linear(h, first+2, op.Identity)
}

// loss goes from images to their squared error.
func loss(batch int) *graph {
	g := &graph{Graph: program.Graph{ExprGraph: G.NewGraph()}}
	x, weights := g.input(program.InputRows, batch, pixels), g.input(program.InputWeights, batch)
	y := g.half(g.half(x, 0), 3)
	if g.err == nil {
		cost := g.must(op.Loss{Kind: op.MSE}.Mean(y, x, weights))
		g.Outputs = []program.Output{{Name: "loss", Node: cost}}
	}
	return g
}

// forward builds the parts.
func forward(part program.Part, batch int) (*program.Graph, error) {
	g := &graph{Graph: program.Graph{ExprGraph: G.NewGraph()}}
	var y *G.Node
	switch part {
	case program.Evaluate:
		g = loss(batch)
		return &g.Graph, g.err
	case program.Encode:
		y = g.half(g.input(program.InputRows, batch, pixels), 0)
	case program.Decode:
		y = g.half(g.input(program.InputCodes, batch, code), 3)
	case program.Reconstruct:
		y = g.half(g.half(g.input(program.InputRows, batch, pixels), 0), 3)
	default:
		return nil, fmt.Errorf("no part %q", part)
	}
	g.Outputs = []program.Output{{Name: string(part), Node: y}}
	return &g.Graph, g.err
}

// residual is the program: one phase of Adam on all parameters.
func residual() (*program.Program, error) {
	const batch = 8
	g := loss(batch)
	if g.err != nil {
		return nil, g.err
	}
	grads, err := G.Grad(g.Outputs[0].Node, g.Params...)
	if err != nil {
		return nil, err
	}
	p := &program.Program{
		Name: "residual", Row: data.Shape{C: 1, H: 4, W: 4}, Code: code, Scaling: data.PixelScaling(data.Range{Lo: 0, Hi: 1}), Batch: batch, Forward: forward,
		Phases: []*program.Phase{{Graph: g.Graph, Name: "train", Trained: g.Params, Grads: grads, Optimizer: optim.Default(optim.Adam, 1e-2)}},
	}
	for _, n := range g.Params {
		p.Params = append(p.Params, program.Param{Name: n.Name(), Shape: n.Shape(), Bound: 0.3})
	}
	return p, nil
}

// A network of one's own, with skip connections, trains on the tape machine and
// on the CPU, and makes codes there.
func ExampleTrainProgram() {
	values := make([]byte, 64*pixels)
	for i := range values {
		row, at := i/pixels, i%pixels
		values[i] = byte(127 + 120*math.Sin(float64(at)*(1+float64(row%8)/8)/3))
	}
	rows, err := data.Images(values, 1, 4, 4)
	if err != nil {
		log.Fatal(err)
	}
	ds := &data.Source{Name: "waves", Train: data.Set{Rows: rows}}
	ctx := context.Background()
	for _, device := range []string{aegis.DeviceTape, aegis.DeviceCPU} {
		p, err := residual()
		if err != nil {
			log.Fatal(err)
		}
		r, err := aegis.TrainProgram(ctx, p, ds, aegis.ProgramConfig{Epochs: 40, Seed: 1, Device: device})
		if err != nil {
			log.Fatal(err)
		}
		first, last := r.Metrics[0].TrainLoss, r.Metrics[len(r.Metrics)-1].TrainLoss
		fmt.Printf("%s: %s after %d epochs, a tenth of the first loss: %v\n", r.VM, r.Status, r.Epochs, last < first/10)

		n, err := aegis.OpenProgram(p, r.State, aegis.WithDevice(device))
		if err != nil {
			log.Fatal(err)
		}
		codes, err := n.Run(ctx, program.Encode, program.Feed{Values: make([]float32, 2*pixels)})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(len(codes), "values in 2 codes")
		if err := n.Close(); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// tape: finished after 40 epochs, a tenth of the first loss: true
	// 6 values in 2 codes
	// cpu: finished after 40 epochs, a tenth of the first loss: true
	// 6 values in 2 codes
}
