package vmtest

import (
	"context"
	"encoding/json"
	"iter"
	"testing"

	"aegis/internal/numtest"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model"
	"aegis/model/program"
)

// OptimTolerance is that of float32 against float64 over fifty steps, relative
// to the largest value of a tensor. Adam's and RMSprop's first steps divide a
// gradient by its own size, so that errors of small ones are carried on whole.
const OptimTolerance = 2e-5

// What the golden file of optimizers was made with.
const (
	optimRows   = 23 // four batches of 5 and one of 3
	optimEpochs = 10
)

// Optim holds a VM to fifty steps of PyTorch's by each optimizer and schedule,
// through the loop of training: losses, rates and what parameters become.
func Optim(t *testing.T, open Open) {
	want, made := goldenFile(t, "optim")
	var cases map[string]json.RawMessage
	if err := json.Unmarshal([]byte(made["cases"]), &cases); err != nil {
		t.Fatal(err)
	}
	for name, config := range cases {
		t.Run(name, func(t *testing.T) {
			spec := network(model.FullyConnected, [3]int{1, 3, 4}, []int{7}, 3, 5, nil)
			spec.Activation, spec.Rows, spec.Epochs = "tanh", optimRows, optimEpochs
			if err := json.Unmarshal(config, &spec); err != nil {
				t.Fatal(err)
			}
			pixels := make([]byte, optimRows*spec.Image[1]*spec.Image[2])
			for i := range pixels {
				pixels[i] = byte(37 * i)
			}
			p, m := machine(t, open, spec, pixels)
			losses, rates := trainedInOrder(t, p, m)
			wanted := func(key string) []float64 { return widen(want[name+"/"+key].Data) }
			numtest.Close(t, "rates", rates, wanted("rates"), 1e-6)
			numtest.Close(t, "losses", losses, wanted("losses"), OptimTolerance)
			after := state(t, m)
			for _, param := range p.Params {
				numtest.Close(t, param.Name, widen(after.Tensors[param.Name].Data), wanted(param.Name), OptimTolerance)
			}
		})
	}
}

// trainedInOrder runs the epochs of the golden file: the loss of each step, and
// of each epoch's last one the learning rate.
func trainedInOrder(t *testing.T, p *program.Program, m vm.Trainer) (losses, rates []float64) {
	t.Helper()
	rows := train.Rows(optimRows)
	_, err := train.Run(context.Background(), m, p, train.Config{
		Epochs: optimEpochs, Rows: optimRows, Val: rows, ValSet: vm.TestSet, Plateau: p.Plateau(),
		Order: func(_, behind int) iter.Seq[[]int32] { return func(yield func([]int32) bool) { yield(rows[behind:]) } },
	}, train.Hooks{
		Progress: func(at train.Progress) { losses = append(losses, widen(at.StepLosses)...) },
		Epoch:    func(e train.Epoch) error { rates = append(rates, e.LearningRate); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return losses, rates
}
