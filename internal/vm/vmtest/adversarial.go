package vmtest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"aegis/internal/numtest"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model"
	"aegis/model/optim"
)

// AdversarialNetworks are held to a prior by a discriminator.
func AdversarialNetworks() map[string]model.Spec {
	bend := func(prior string, more func(s *model.Spec)) func(s *model.Spec) {
		return func(s *model.Spec) {
			s.Prior, s.Discriminator, s.BatchNorm, s.Activation = prior, []int{11, 6}, true, "leakyrelu:0.2"
			s.Optimizer, s.LR, s.Momentum = optim.SGD, 0.25, 0.5
			if more != nil {
				more(s)
			}
		}
	}
	return map[string]model.Spec{
		"aae": network(model.FullyConnected, [3]int{1, 5, 7}, []int{17, 9}, 3, 5, bend(model.NormalPrior, nil)),
		"aae-adam": network(model.FullyConnected, [3]int{1, 5, 7}, []int{17, 9}, 3, 5, bend(model.NormalPrior, func(s *model.Spec) {
			s.Optimizer, s.LR, s.Momentum, s.Beta1 = optim.Adam, 2e-3, 0, 0.5
		})),
		"aae-mixture": network(model.FullyConnected, [3]int{1, 5, 7}, []int{17, 9}, 2, 5, bend("mixture:5", nil)),
		"conv": network(model.Convolutional, [3]int{2, 6, 5}, []int{5, 18}, 4, 5, bend(model.NormalPrior, func(s *model.Spec) {
			s.Corrupt, s.Dropout, s.L2 = "mask:0.25", 0.25, 0.01
		})),
	}
}

// Adversarial holds a VM to PyTorch's losses of three phases and to all tensors,
// running statistics among them, over steps of which one is short, and to the loss
// by running statistics; where PyTorch has no numbers, to the tape machine.
func Adversarial(t *testing.T, open Open) {
	for name, spec := range AdversarialNetworks() {
		t.Run(name, func(t *testing.T) {
			const rows = 13
			pixels := make([]byte, rows*spec.Image[0]*spec.Image[1]*spec.Image[2])
			for i := range pixels {
				pixels[i] = byte(37 * i)
			}
			p, m := machine(t, open, spec, pixels)
			got := adversarialSteps(t, spec, m)
			if spec.Family == model.Convolutional {
				_, ref := machine(t, reference, spec, pixels)
				rounding := Rounding(t, spec)
				for name, want := range adversarialSteps(t, spec, ref) {
					if param := strings.Split(name, ".momentum."); slices.Contains(rounding, param[len(param)-1]) {
						continue
					}
					numtest.Close(t, name, got[name], want, trainedTolerance)
				}
				compareForward(t, p, m, ref, rows, trainedTolerance)
				return
			}
			want := readGolden(t, name)
			for name, tensor := range want {
				numtest.Close(t, name, got[name], widen(tensor.Data), LossTolerance)
			}
			if spec.Optimizer == optim.SGD && len(want) != len(p.Params)+2 {
				t.Errorf("%d tensors of PyTorch; want %d and two losses", len(want), len(p.Params))
			}
		})
	}
}

// adversarialSteps trains on all rows, then on the first two batches once more,
// and returns losses and tensors.
func adversarialSteps(t *testing.T, spec model.Spec, m vm.Trainer) map[string][]float64 {
	t.Helper()
	p, err := spec.Program()
	if err != nil {
		t.Fatal(err)
	}
	const rows = 13
	losses := steps(t, p, m, 0, train.Rows(rows))
	losses = append(losses, steps(t, p, m, 3, train.Rows(2*p.Batch))...)
	test, err := m.Evaluate(context.Background(), vm.TestSet, train.Rows(rows))
	if err != nil {
		t.Fatal(err)
	}
	results := map[string][]float64{"losses": losses, "test": test[:1]}
	for name, tensor := range state(t, m).Tensors {
		results[name] = widen(tensor.Data)
	}
	return results
}
