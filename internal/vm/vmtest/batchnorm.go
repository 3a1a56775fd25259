package vmtest

import (
	"context"
	"testing"

	"aegis/internal/numtest"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model"
	"aegis/model/optim"
)

// BatchNorm holds a VM to PyTorch's batch norm: losses and all tensors, running
// statistics among them, over steps of which one is short, and the loss by
// running statistics.
func BatchNorm(t *testing.T, open Open) {
	bend := func(activation string) func(s *model.Spec) {
		return func(s *model.Spec) {
			s.BatchNorm, s.Activation = true, activation
			s.Optimizer, s.LR, s.Momentum = optim.SGD, 0.5, 0.5
		}
	}
	for name, spec := range map[string]model.Spec{
		"fc":   network(model.FullyConnected, [3]int{1, 5, 7}, []int{17, 9}, 3, 5, bend("tanh")),
		"conv": network(model.Convolutional, [3]int{2, 6, 5}, []int{5, 18}, 4, 5, bend("leakyrelu")),
	} {
		t.Run(name, func(t *testing.T) {
			const rows = 13
			pixels := make([]byte, rows*spec.Image[0]*spec.Image[1]*spec.Image[2])
			for i := range pixels {
				pixels[i] = byte(37 * i)
			}
			want := readGolden(t, "batchnorm-"+name)
			p, m := machine(t, open, spec, pixels)
			losses := steps(t, p, m, 0, train.Rows(rows))
			losses = append(losses, steps(t, p, m, 3, train.Rows(2*p.Batch))...)
			numtest.Close(t, "losses", losses, widen(want["losses"].Data), LossTolerance)
			after := state(t, m)
			for _, param := range p.Params {
				numtest.Close(t, param.Name, widen(after.Tensors[param.Name].Data), widen(want[param.Name].Data), LossTolerance)
			}
			test, err := m.Evaluate(context.Background(), vm.TestSet, train.Rows(rows))
			if err != nil {
				t.Fatal(err)
			}
			numtest.Close(t, "test", test[:1], widen(want["test"].Data), LossTolerance)
		})
	}
}
