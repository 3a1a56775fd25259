package vmtest

import (
	"context"
	"slices"
	"testing"

	"aegis/internal/numtest"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model"
	"aegis/model/optim"
)

// RegularNetworks are regularised ones: batch norm, dropout, noise in what is
// read, penalties on codes and weights.
func RegularNetworks() map[string]model.Spec {
	return map[string]model.Spec{
		"batch norm": network(model.FullyConnected, [3]int{1, 5, 7}, []int{33, 17}, 3, 5, func(s *model.Spec) {
			s.BatchNorm, s.ActivateCode = true, true
		}),
		"conv batch norm": network(model.Convolutional, [3]int{2, 7, 6}, []int{5, 18}, 4, 4, func(s *model.Spec) {
			s.BatchNorm, s.Activation = true, "leakyrelu"
		}),
		"batch norm gelu": network(model.Convolutional, [3]int{1, 6, 6}, []int{16}, 4, 9, func(s *model.Spec) {
			s.BatchNorm, s.Activation, s.Dropout = true, "gelu", 0.25
		}),
		"gaussian": network(model.FullyConnected, [3]int{1, 5, 7}, []int{13}, 3, 5, func(s *model.Spec) {
			s.Corrupt, s.Sparse = "gaussian:0.5", "l1:0.5"
		}),
		"mask": network(model.Convolutional, [3]int{2, 5, 7}, []int{13}, 8, 5, func(s *model.Spec) {
			s.Corrupt, s.Sparse, s.Output = "mask:0.25", "topk:3", "tanh"
		}),
		"salt and pepper": network(model.Convolutional, [3]int{1, 6, 4}, []int{7}, 4, 3, func(s *model.Spec) {
			s.Corrupt, s.CodeL2, s.Loss = "saltpepper:0.25", 0.5, model.BCE
		}),
		"rate": network(model.FullyConnected, [3]int{1, 5, 7}, []int{13}, 6, 4, func(s *model.Spec) {
			s.Sparse, s.Activation, s.ActivateCode = "kl:0.125:0.5", "sigmoid", true
		}),
		"decay": network(model.FullyConnected, [3]int{1, 5, 7}, []int{13}, 6, 4, func(s *model.Spec) { s.L1, s.L2 = 0.01, 0.02 }),
		"conv decay": network(model.Convolutional, [3]int{1, 5, 7}, []int{13, 17}, 6, 4, func(s *model.Spec) {
			s.L1, s.L2, s.BatchNorm = 0.01, 0.02, true
			s.Optimizer, s.LR = optim.SGD, 0.05 // Adam makes steps of the rounding in a bias before a norm
		}),
		"binarize static": network(model.FullyConnected, [3]int{1, 5, 7}, []int{19}, 3, 5, func(s *model.Spec) {
			s.Loss, s.Binarize = model.BCE, model.Static
		}),
		"binarize dynamic": network(model.Convolutional, [3]int{1, 5, 7}, []int{19}, 3, 5, func(s *model.Spec) {
			s.Loss, s.Binarize = model.BCE, model.Dynamic
		}),
		"dropout": network(model.FullyConnected, [3]int{1, 5, 7}, []int{33, 17}, 3, 5, func(s *model.Spec) { s.Dropout = 0.5 }),
	}
}

// goldenRegular are the networks of scripts/golden_runs.py.
func goldenRegular() map[string]model.Spec {
	fc := func(bend func(s *model.Spec)) model.Spec {
		s := network(model.FullyConnected, [3]int{1, 5, 7}, []int{17, 9}, 3, 5, nil)
		s.Activation, s.Optimizer, s.LR, s.Momentum, s.Rows, s.Epochs = "tanh", optim.SGD, 0.5, 0.5, goldenRows, 2
		bend(&s)
		return s
	}
	conv := func(bend func(s *model.Spec)) model.Spec {
		return fc(func(s *model.Spec) {
			s.Family, s.Image, s.Hidden, s.Latent, s.Activation = model.Convolutional, [3]int{2, 6, 5}, []int{5, 18}, 4, "leakyrelu"
			bend(s)
		})
	}
	return map[string]model.Spec{
		"dropout":                fc(func(s *model.Spec) { s.Dropout = 0.25 }),
		"dropout relu":           fc(func(s *model.Spec) { s.Dropout, s.Activation = 0.25, "relu" }),
		"conv dropout":           conv(func(s *model.Spec) { s.Dropout = 0.25 }),
		"dropout and batch norm": conv(func(s *model.Spec) { s.Dropout, s.BatchNorm = 0.25, true }),
		"gaussian":               conv(func(s *model.Spec) { s.Corrupt = "gaussian:0.5" }),
		"mask":                   fc(func(s *model.Spec) { s.Corrupt = "mask:0.25" }),
		"mask tanh":              conv(func(s *model.Spec) { s.Corrupt, s.Output = "mask:0.25", "tanh" }),
		"salt and pepper":        fc(func(s *model.Spec) { s.Corrupt = "saltpepper:0.25" }),
		"l1 code":                fc(func(s *model.Spec) { s.Sparse = "l1:0.01" }),
		"rate":                   fc(func(s *model.Spec) { s.Sparse, s.Activation, s.ActivateCode = "kl:0.125:0.05", "sigmoid", true }),
		"top":                    conv(func(s *model.Spec) { s.Sparse = "topk:2" }),
		"small code":             conv(func(s *model.Spec) { s.CodeL2 = 0.05 }),
		"decay":                  fc(func(s *model.Spec) { s.L1, s.L2 = 0.001, 0.002 }),
		"cosine": fc(func(s *model.Spec) {
			s.Optimizer, s.LR, s.Momentum, s.Schedule = optim.Adam, 0.01, 0, optim.Cosine
		}),
	}
}

// goldenRows is how many rows they train on.
const goldenRows = 13

// Regular holds a VM to PyTorch's regularised networks: all losses and tensors
// over steps of which one is short, and the losses of evaluation.
func Regular(t *testing.T, open Open) {
	want := readGolden(t, "regular")
	for name, spec := range goldenRegular() {
		t.Run(name, func(t *testing.T) {
			pixels := make([]byte, goldenRows*spec.Image[0]*spec.Image[1]*spec.Image[2])
			for i := range pixels {
				pixels[i] = byte(37 * i)
			}
			wanted := func(key string) []float64 { return widen(want[name+"/"+key].Data) }
			p, m := machine(t, open, spec, pixels)
			losses := steps(t, p, m, 0, train.Rows(goldenRows))
			losses = append(losses, steps(t, p, m, 3, train.Rows(2*p.Batch))...)
			numtest.Close(t, "losses", losses, wanted("losses"), LossTolerance)
			after := state(t, m)
			for _, param := range p.Params {
				if !slices.Contains(Rounding(t, spec), param.Name) {
					numtest.Close(t, param.Name, widen(after.Tensors[param.Name].Data), wanted(param.Name), LossTolerance)
				}
			}
			test, err := m.Evaluate(context.Background(), vm.TestSet, train.Rows(goldenRows))
			if err != nil {
				t.Fatal(err)
			}
			numtest.Close(t, "test", test, wanted("test"), LossTolerance)
		})
	}
}
