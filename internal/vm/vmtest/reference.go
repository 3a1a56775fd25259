package vmtest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"aegis/internal/numtest"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/internal/vm/tape"
	"aegis/model"
	"aegis/model/op"
	"aegis/model/optim"
	"aegis/model/program"
)

// network bends the smallest preset of a family into an odd one.
func network(family model.Family, image [3]int, hidden []int, latent, batch int, bend func(*model.Spec)) model.Spec {
	s := model.Spec{
		Model: "odd", Family: family, Image: image, Hidden: hidden, Latent: latent, Activation: "relu", Output: "sigmoid",
		Loss: model.MSE, Init: model.InitTorch, Optimizer: optim.Adam, LR: 1e-3, Batch: batch, Epochs: 1,
	}
	if bend != nil {
		bend(&s)
	}
	return s
}

// Networks returns one of each thing that a plan can hold: every activation,
// loss and optimizer, widths that fill no vector, odd images, one pixel, one
// row, no hidden layer, a batch of one.
func Networks() map[string]model.Spec {
	specs := map[string]model.Spec{
		"one pixel":  network(model.FullyConnected, [3]int{1, 1, 1}, []int{1}, 1, 1, nil),
		"odd widths": network(model.FullyConnected, [3]int{1, 5, 7}, []int{33, 17}, 3, 5, nil),
		"no hidden":  network(model.FullyConnected, [3]int{1, 20, 32}, nil, 9, 16, func(s *model.Spec) { s.ActivateCode = true }),
		"colour":     network(model.Convolutional, [3]int{3, 9, 6}, []int{5, 7}, 4, 3, nil),
		"conv odd":   network(model.Convolutional, [3]int{1, 7, 13}, []int{16}, 5, 9, func(s *model.Spec) { s.Output = "tanh" }),
		"conv none":  network(model.Convolutional, [3]int{2, 4, 3}, nil, 6, 4, nil),
		"conv point": network(model.Convolutional, [3]int{1, 1, 1}, []int{3}, 2, 2, nil),
		"momentum": network(model.FullyConnected, [3]int{1, 4, 4}, []int{8}, 2, 4, func(s *model.Spec) {
			s.Optimizer, s.LR, s.Momentum = optim.SGD, 0.05, 0.9
		}),
		"sgd": network(model.Convolutional, [3]int{1, 6, 6}, []int{4}, 2, 4, func(s *model.Spec) { s.Optimizer, s.LR = optim.SGD, 0.05 }),
	}
	for _, kind := range op.Kinds() {
		a := string(kind)
		specs["fc "+a] = network(model.FullyConnected, [3]int{1, 6, 6}, []int{19}, 5, 7, func(s *model.Spec) {
			s.Activation, s.Output, s.ActivateCode = a, a, true
		})
		specs["conv "+a] = network(model.Convolutional, [3]int{1, 6, 5}, []int{6}, 4, 3, func(s *model.Spec) {
			s.Activation, s.Output = a, a
		})
	}
	for _, l := range []model.Loss{model.MSE, model.MAE, model.Huber, model.BCE} {
		specs["loss "+string(l)] = network(model.FullyConnected, [3]int{1, 5, 5}, []int{12}, 4, 6, func(s *model.Spec) { s.Loss = l })
		specs["conv loss "+string(l)] = network(model.Convolutional, [3]int{1, 5, 5}, []int{4}, 4, 6, func(s *model.Spec) { s.Loss = l })
	}
	vary := func(likelihood string) func(s *model.Spec) {
		return func(s *model.Spec) { s.Loss, s.Likelihood, s.Beta, s.Output = "", likelihood, 0.5, "sigmoid" }
	}
	free := func(s *model.Spec) {
		vary(model.GaussianLearned)(s)
		s.FreeBits, s.KLWarmup, s.Rows = 0.1, 0.5, 12
	}
	specs["vae"] = network(model.FullyConnected, [3]int{1, 5, 7}, []int{19}, 3, 5, vary(model.Bernoulli))
	specs["vae free bits"] = network(model.FullyConnected, [3]int{1, 5, 5}, []int{12}, 4, 6, free)
	specs["conv-vae"] = network(model.Convolutional, [3]int{2, 6, 5}, []int{4, 7}, 3, 6, vary("gaussian:0.3"))
	specs["conv-vae learned"] = network(model.Convolutional, [3]int{1, 5, 5}, []int{9}, 4, 6, vary(model.GaussianLearned))
	conditional := func(likelihood string) func(s *model.Spec) {
		return func(s *model.Spec) {
			vary(likelihood)(s)
			s.Condition, s.Classes = model.Labels, classes
		}
	}
	specs["cvae"] = network(model.FullyConnected, [3]int{1, 5, 7}, []int{19, 8}, 3, 5, conditional("gaussian:0.5"))
	specs["conv-cvae"] = network(model.Convolutional, [3]int{1, 5, 5}, []int{4, 9}, 4, 6, conditional(model.Bernoulli))
	return specs
}

// Tolerances against the reference, both in float32 and with sums in other
// orders; a few steps of Adam carry small differences on.
const (
	forwardTolerance = 2e-5
	trainedTolerance = 2e-3
)

// Reference holds a VM to the tape machine on every network: one step's
// gradients, losses over steps with a short last batch, evaluation and every
// forward part at several sizes.
func Reference(t *testing.T, open Open) {
	networks := Networks()
	maps.Copy(networks, RegularNetworks())
	for name, spec := range networks {
		t.Run(name, func(t *testing.T) {
			const images = 11
			pixels := make([]byte, images*spec.Image[0]*spec.Image[1]*spec.Image[2])
			r := rand.New(rand.NewPCG(7, 7))
			for i := range pixels {
				pixels[i] = byte(r.Uint32())
			}
			compareGradients(t, open, spec, pixels)
			p, m := machine(t, open, spec, pixels)
			_, ref := machine(t, reference, spec, pixels)
			compareForward(t, p, m, ref, images, forwardTolerance)
			rows := train.Rows(images)
			got, want := steps(t, p, m, 0, rows), steps(t, p, ref, 0, rows)
			numtest.Close(t, "losses", got, want, trainedTolerance)
			compareForward(t, p, m, ref, images, trainedTolerance)
		})
	}
}

func reference(p *program.Program, seed uint64) (vm.Trainer, error) { return tape.Open(p, seed) }

// compareGradients takes a huge step of SGD on both, over a short batch.
func compareGradients(t *testing.T, open Open, spec model.Spec, pixels []byte) {
	t.Helper()
	spec.Optimizer, spec.LR, spec.Momentum = optim.SGD, 1<<16, 0
	p, m := machine(t, open, spec, pixels)
	_, ref := machine(t, reference, spec, pixels)
	rows := train.Rows(min(max(1, p.Batch-1), len(pixels)/p.PixelCount()))
	steps(t, p, m, 0, rows)
	steps(t, p, ref, 0, rows)
	got, want := state(t, m), state(t, ref)
	rounding := Rounding(t, spec)
	for _, param := range p.Params {
		if slices.Contains(rounding, param.Name) {
			continue
		}
		numtest.Close(t, "step of "+param.Name, widen(got.Tensors[param.Name].Data), widen(want.Tensors[param.Name].Data), GradientTolerance)
	}
}

// Rounding names the biases before a batch norm: its mean takes them away, so
// that nothing but rounding is in their gradients.
func Rounding(t *testing.T, spec model.Spec) (params []string) {
	t.Helper()
	layers, err := spec.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		if l.Norm != "" {
			params = append(params, l.Name+".bias")
		}
	}
	return params
}

// compareForward compares losses, codes and images.
func compareForward(t *testing.T, p *program.Program, m, ref vm.Trainer, images int, tolerance float64) {
	t.Helper()
	ctx := context.Background()
	for _, n := range []int{1, images} {
		rows := train.Rows(images)[images-n:]
		var losses [2][]float64
		var codes, rebuilt, decoded, logvars [2][]float32
		for i, machine := range []vm.Trainer{m, ref} {
			var err error
			if losses[i], err = machine.Evaluate(ctx, vm.TestSet, rows); err != nil {
				t.Fatal(err)
			}
			in := program.Feed{Set: vm.TestSet, Rows: rows}
			codes[i] = infer(t, machine, program.Encode, in, n*p.Code)
			if _, err := p.Forward(program.LogVar, 1); err == nil {
				logvars[i] = infer(t, machine, program.LogVar, in, n*p.Code)
			}
			rebuilt[i] = infer(t, machine, program.Reconstruct, in, n*p.PixelCount())
			decoded[i] = infer(t, machine, program.Decode, program.Feed{Values: codes[0], Labels: labelled(n)}, n*p.PixelCount())
		}
		what := fmt.Sprintf("%d rows: ", n)
		numtest.Close(t, what+"evaluate", losses[0], losses[1], tolerance)
		numtest.Close(t, what+"encode", widen(codes[0]), widen(codes[1]), tolerance)
		numtest.Close(t, what+"logvar", widen(logvars[0]), widen(logvars[1]), tolerance)
		numtest.Close(t, what+"reconstruct", widen(rebuilt[0]), widen(rebuilt[1]), tolerance)
		numtest.Close(t, what+"decode", widen(decoded[0]), widen(decoded[1]), tolerance)
	}
}

// inferrer is what both contracts have.
type inferrer interface {
	Infer(ctx context.Context, part program.Part, in program.Feed, out []float32) error
}

func infer(t *testing.T, m inferrer, part program.Part, in program.Feed, size int) []float32 {
	t.Helper()
	out := make([]float32, size)
	if err := m.Infer(context.Background(), part, in, out); err != nil {
		t.Fatal(err)
	}
	return out
}
