package vmtest

import (
	"testing"

	G "gorgonia.org/gorgonia"

	"aegis/internal/numtest"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/internal/vm/tape"
	"aegis/model/op"
)

// Graphs are what no model has yet.
func Graphs() map[string]Handmade {
	vector, image := [3]int{1, 2, 3}, [3]int{3, 4, 5}
	return map[string]Handmade{
		"a result used twice: its gradients are added": {
			Image: vector, Row: []int{6},
			Losses: []func(h *Hand, x, weights *G.Node) *G.Node{func(h *Hand, x, weights *G.Node) *G.Node {
				y := h.Linear(x, "in", 4, tanh)
				return h.Mean(h.Must(G.Add(h.Linear(y, "a", 6, relu), h.Linear(y, "b", 6, op.None))), x, weights)
			}},
		},
		"weights used twice: their gradients are added": {
			Image: vector, Row: []int{6},
			Losses: []func(h *Hand, x, weights *G.Node) *G.Node{func(h *Hand, x, weights *G.Node) *G.Node {
				return h.Mean(h.Linear(h.Linear(h.Linear(x, "same", 6, tanh), "same", 6, tanh), "other", 6, op.None), x, weights)
			}},
		},
		"added to itself": {
			Image: vector, Row: []int{6},
			Losses: []func(h *Hand, x, weights *G.Node) *G.Node{func(h *Hand, x, weights *G.Node) *G.Node {
				y := h.Linear(x, "in", 4, tanh)
				return h.Mean(h.Linear(h.Must(G.Add(y, y)), "out", 6, op.None), x, weights)
			}},
		},
		"vectors to images and back": {
			Image: image, Row: []int{60},
			Losses: []func(h *Hand, x, weights *G.Node) *G.Node{func(h *Hand, x, weights *G.Node) *G.Node {
				y := h.Conv(h.Must(op.Reshape(x, 3, 4, 5)), "down", 4, relu) // (4,2,5)
				z := h.Linear(h.Must(op.Reshape(y, 40)), "code", 3, op.None)
				y = h.Must(op.Reshape(h.Linear(z, "wide", 40, relu), 4, 2, 5))
				return h.Mean(h.Must(op.Reshape(h.ConvTranspose(y, "up", 3, op.None), 60)), x, weights)
			}},
		},
		"one channel, which is a view of vectors": {
			Image: [3]int{1, 4, 5}, Row: []int{20},
			Losses: []func(h *Hand, x, weights *G.Node) *G.Node{func(h *Hand, x, weights *G.Node) *G.Node {
				y := h.Patch(h.Must(op.Reshape(x, 1, 4, 5)), "in", 1, op.None) // (1,2,2)
				z := h.Linear(h.Must(op.Reshape(y, 4)), "code", 3, tanh)
				y = h.Must(op.Reshape(h.Linear(z, "wide", 4, relu), 1, 2, 2))
				y = h.Must(op.Reshape(h.PatchTranspose(y, "up", 1, op.None), 16)) // (1,4,4)
				return h.Mean(h.Linear(y, "out", 20, op.None), x, weights)
			}},
		},
		"one channel at the end": {
			Image: [3]int{1, 4, 4}, Row: []int{16},
			Losses: []func(h *Hand, x, weights *G.Node) *G.Node{func(h *Hand, x, weights *G.Node) *G.Node {
				y := h.Patch(h.Must(op.Reshape(x, 1, 4, 4)), "in", 3, tanh)
				return h.Mean(h.Must(op.Reshape(h.PatchTranspose(y, "up", 1, op.None), 16)), x, weights)
			}},
		},
		"phases that share parameters": {
			Image: image, Row: []int{3, 4, 5},
			Losses: []func(h *Hand, x, weights *G.Node) *G.Node{
				func(h *Hand, x, weights *G.Node) *G.Node {
					return h.Mean(h.ConvTranspose(h.Conv(x, "down", 2, tanh), "up", 3, op.None), x, weights)
				},
				func(h *Hand, x, weights *G.Node) *G.Node {
					return h.Mean(h.ConvTranspose(h.Conv(x, "down", 2, tanh), "other", 3, relu), x, weights)
				},
			},
		},
		"terms of a loss": {
			Image: vector, Row: []int{6},
			Losses: []func(h *Hand, x, weights *G.Node) *G.Node{func(h *Hand, x, weights *G.Node) *G.Node {
				y := h.Linear(x, "in", 6, tanh)
				target := h.Must(op.Activate(x, tanh))
				terms := h.Must(G.Add(h.Mean(y, x, weights), h.Mean(y, target, weights)))
				return h.Must(G.Add(terms, h.Must(op.Loss{Kind: op.MAE}.Mean(y, x, weights))))
			}},
		},
		"an activation of an activation": {
			Image: vector, Row: []int{6},
			Losses: []func(h *Hand, x, weights *G.Node) *G.Node{func(h *Hand, x, weights *G.Node) *G.Node {
				y := h.Must(op.Activate(h.Linear(x, "in", 4, tanh), op.Activation{Kind: op.Sigmoid}))
				return h.Mean(h.Linear(y, "out", 6, op.None), x, weights)
			}},
		},
		"one gradient for two biases": {
			Image: vector, Row: []int{6},
			Losses: []func(h *Hand, x, weights *G.Node) *G.Node{func(h *Hand, x, weights *G.Node) *G.Node {
				return h.Mean(h.Must(G.Add(h.Linear(x, "a", 6, op.None), h.Linear(h.Linear(x, "c", 2, relu), "b", 6, op.None))), x, weights)
			}},
		},
		"patches side by side": {
			Image: [3]int{3, 8, 12}, Row: []int{3, 8, 12},
			Losses: []func(h *Hand, x, weights *G.Node) *G.Node{func(h *Hand, x, weights *G.Node) *G.Node {
				y := h.Patch(h.Patch(x, "in", 8, relu), "code", 4, tanh)
				return h.Mean(h.PatchTranspose(h.PatchTranspose(y, "back", 8, relu), "out", 3, op.None), x, weights)
			}},
		},
		"a divergence and a deviation that is learned": {
			Image: vector, Row: []int{6},
			Losses: []func(h *Hand, x, weights *G.Node) *G.Node{func(h *Hand, x, weights *G.Node) *G.Node {
				mu, logvar, y := code(h, x)
				square := h.Must(op.Loss{Kind: op.MSE, Sum: true}.Mean(y, x, weights))
				likelihood := h.Must(op.GaussianOf(square, h.Param("logsigma", 1), 6))
				divergence := h.Must(op.Loss{Kind: op.KL, Sum: true}.Mean(mu, logvar, weights))
				return h.Must(op.Add(h.Must(op.Scale(likelihood, 0.02)), h.Must(op.Scale(divergence, 0.3))))
			}},
		},
		"free bits and a deviation that is given": {
			Image: image, Row: []int{3, 4, 5},
			Losses: []func(h *Hand, x, weights *G.Node) *G.Node{func(h *Hand, x, weights *G.Node) *G.Node {
				wide := h.Must(op.Reshape(h.Conv(x, "down", 2, tanh), 20))
				mu, logvar, y := code(h, wide)
				y = h.ConvTranspose(h.Must(op.Reshape(y, 2, 2, 5)), "up", 3, op.None)
				likelihood := h.Must(op.Loss{Kind: op.Gaussian, Delta: 0.7, Sum: true}.Mean(y, x, weights))
				divergence := h.Must(op.FreeBits(h.Must(op.KLMeans(mu, logvar, weights)), 0.03))
				return h.Must(op.Add(h.Must(op.Scale(likelihood, 0.01)), h.Must(op.Scale(divergence, 0.3))))
			}},
		},
	}
}

// HandmadeGraphs holds a VM to the tape machine on each: losses and all state
// after steps, the last one with a short batch.
func HandmadeGraphs(t *testing.T, open Open) {
	for name, made := range Graphs() {
		t.Run(name, func(t *testing.T) {
			p := made.Program(t)
			rows := 2*p.Batch + 3
			pixels := make([]byte, rows*p.PixelCount())
			for i := range pixels {
				pixels[i] = byte(37 * i)
			}
			m, err := open(p, 1)
			if err != nil {
				t.Fatal(err)
			}
			ref, err := tape.Open(p, 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, machine := range []vm.Trainer{m, ref} {
				t.Cleanup(func() { _ = machine.Close() })
				if err := machine.Bind(vm.TrainSet, Rows(p, pixels)); err != nil {
					t.Fatal(err)
				}
			}
			got, want := steps(t, p, m, 0, train.Rows(rows)), steps(t, p, ref, 0, train.Rows(rows))
			numtest.Close(t, "losses", got, want, trainedTolerance)
			after, reference := state(t, m), state(t, ref)
			for name, tensor := range reference.Tensors {
				numtest.Close(t, name, widen(after.Tensors[name].Data), widen(tensor.Data), trainedTolerance)
			}
		})
	}
}

// code goes through a code of means and log variances and back to as many
// values; what a code has beside itself stands for noise and a class.
func code(h *Hand, x *G.Node) (mu, logvar, y *G.Node) {
	h.t.Helper()
	hidden := h.Linear(x, "in", 5, tanh)
	mu, logvar = h.Linear(hidden, "mu", 4, op.None), h.Linear(hidden, "logvar", 4, op.None)
	deviation := h.Must(op.Activate(logvar, op.Activation{Kind: op.Exp, Alpha: 0.5}))
	z := h.Must(op.Concat(h.Must(op.Add(mu, deviation)), h.Linear(hidden, "beside", 3, tanh)))
	return mu, logvar, h.Linear(z, "out", x.Shape()[1], op.None)
}
