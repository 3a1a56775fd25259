package vmtest

import (
	"context"
	"fmt"
	"math"
	"testing"

	G "gorgonia.org/gorgonia"

	"aegis/data"
	"aegis/internal/numtest"
	"aegis/internal/session"
	"aegis/internal/vm"
	"aegis/model/op"
	"aegis/model/optim"
	"aegis/model/program"
)

// The sizes of [Residual].
const (
	residualBatch  = 8
	residualHidden = 12
	residualCode   = 3
	residualPixels = 16
)

// residualHalf is a layer, a residual one with its skip connection, and one more.
func residualHalf(h *Hand, x *G.Node, name string, outputs int) *G.Node {
	h.t.Helper()
	y := h.Linear(x, name+".0", residualHidden, relu)
	y = h.Must(op.Add(y, h.Linear(y, name+".residual", residualHidden, tanh)))
	return h.Linear(y, name+".1", outputs, op.None)
}

func residualLoss(h *Hand, batch int) []program.Output {
	h.t.Helper()
	x, weights := h.input(program.InputRows, "", batch, residualPixels), h.input(program.InputWeights, "", batch)
	y := residualHalf(h, residualHalf(h, x, "encoder", residualCode), "decoder", residualPixels)
	return []program.Output{{Name: "loss", Node: h.Mean(y, x, weights)}}
}

// Residual is a program with skip connections, such as a user builds.
func Residual(t *testing.T) *program.Program {
	t.Helper()
	p := &program.Program{Name: "residual", Row: data.Shape{C: 1, H: 4, W: 4}, Code: residualCode, Scaling: data.PixelScaling(data.Range{Hi: 1}), Batch: residualBatch}
	h := NewHand(t, G.NewGraph(), &p.Params)
	outputs := residualLoss(h, residualBatch)
	grads, err := G.Grad(outputs[0].Node, h.Params...)
	if err != nil {
		t.Fatal(err)
	}
	p.Phases = []*program.Phase{{
		Name: "train", Trained: h.Params, Grads: grads, Optimizer: optim.Default(optim.Adam, 1e-2),
		Graph: program.Graph{ExprGraph: h.Graph, Inputs: h.Inputs, Params: h.Params, Outputs: outputs},
	}}
	p.Forward = func(part program.Part, batch int) (*program.Graph, error) {
		h := NewHand(t, G.NewGraph(), new([]program.Param))
		var outputs []program.Output
		switch part {
		case program.Evaluate:
			outputs = residualLoss(h, batch)
		case program.Encode:
			outputs = []program.Output{{Name: "code", Node: residualHalf(h, h.input(program.InputRows, "", batch, residualPixels), "encoder", residualCode)}}
		case program.Decode:
			outputs = []program.Output{{Name: "image", Node: residualHalf(h, h.input(program.InputCodes, "", batch, residualCode), "decoder", residualPixels)}}
		case program.Reconstruct:
			code := residualHalf(h, h.input(program.InputRows, "", batch, residualPixels), "encoder", residualCode)
			outputs = []program.Output{{Name: "image", Node: residualHalf(h, code, "decoder", residualPixels)}}
		default:
			return nil, fmt.Errorf("no part %q", part)
		}
		return &program.Graph{ExprGraph: h.Graph, Inputs: h.Inputs, Params: h.Params, Outputs: outputs}, nil
	}
	return p
}

// Waves is a dataset that [Residual] reads.
func Waves(n int) *data.Source {
	rows := data.Rows{N: n, Shape: data.Shape{C: 1, H: 4, W: 4}, Bytes: make([]byte, n*residualPixels)}
	for i := range rows.Bytes {
		row, at := i/residualPixels, i%residualPixels
		rows.Bytes[i] = byte(127 + 120*math.Sin(float64(at)*(1+float64(row%8)/8)/3))
	}
	return &data.Source{Name: "waves", Train: data.Set{Rows: rows}}
}

// TrainsProgram trains a program with skip connections as a user does, and
// holds its losses to those of the tape machine.
func TrainsProgram(t *testing.T, open Open) {
	var losses [2][]float64
	for i, open := range []Open{open, reference} {
		r, err := session.TrainProgram(context.Background(), Residual(t), Waves(61), session.ProgramConfig{Epochs: 3, Seed: 1, Val: 9}, nil,
			func(cfg session.ProgramConfig, p *program.Program) (vm.Trainer, string, error) {
				m, err := open(p, uint64(cfg.Seed))
				return m, "", err
			})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range r.Metrics {
			losses[i] = append(losses[i], m.TrainLoss, *m.ValLoss)
		}
		if n := len(losses[i]); n != 6 || losses[i][4] > losses[i][0]/2 {
			t.Errorf("losses %v; want those of 3 epochs, and half of the first", losses[i])
		}
	}
	numtest.Close(t, "losses", losses[0], losses[1], trainedTolerance)
}
