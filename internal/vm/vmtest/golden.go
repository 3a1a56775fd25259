// Package vmtest is for tests: what every VM must do, held to PyTorch's
// numbers and to the reference, on every preset and on odd networks.
package vmtest

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"aegis/data"
	"aegis/data/mnist"
	"aegis/internal/numtest"
	"aegis/internal/run"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model"
	"aegis/model/optim"
	"aegis/model/program"
)

// The files are written by scripts/golden.py: the gradients of one batch and
// the losses of ten steps of each preset, computed by PyTorch in float64 from
// parameters that Philox draws. A schedule of the learning rate goes over the ten
// steps; of deep30's and table's largest gradients there is every 61st value.
//
//go:embed golden/*.safetensors
var goldenFiles embed.FS

// Tolerances of float32 against float64, relative to the largest value of a
// tensor. A gradient is sums of up to 784 rounded products through six layers
// forward and back; ten steps of Adam, whose first ones divide a gradient by
// its own size, carry such errors into the losses.
const (
	GradientTolerance = 1e-4
	LossTolerance     = 1e-3
)

// Open prepares a program on the VM under test.
type Open func(p *program.Program, seed uint64) (vm.Trainer, error)

// What the files were made with.
const (
	goldenSeed   = 1
	goldenSteps  = 10
	goldenStride = 61 // between values of a gradient that is not there as a whole
)

// Golden holds a VM to PyTorch on every preset.
func Golden(t *testing.T, open Open) {
	ds, err := mnist.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range model.Presets() {
		if spec.Adversarial() { // held to it phase after phase; see Adversarial
			continue
		}
		t.Run(spec.Model, func(t *testing.T) {
			spec = goldenSpec(spec)
			want, made := goldenFile(t, spec.Model)
			batch, err := strconv.Atoi(made["batch"])
			if err != nil {
				t.Fatal(err)
			}
			spec.Epochs, spec.Batch, spec.Rows = 1, batch, goldenSteps*batch
			goldenGradients(t, open, spec, ds.Train, want)
			goldenLosses(t, open, spec, ds.Train, want["losses"])
		})
	}
}

// goldenSpec is a preset as its file has it: a variational one, which is wide,
// with fewer widths and rows, so that a simulated GPU takes seconds.
func goldenSpec(spec model.Spec) model.Spec {
	spec.Image = [3]int{1, 28, 28}
	if spec.Variational() {
		spec.Hidden, spec.Latent = []int{16}, 3
		if spec.Family == model.Convolutional {
			spec.Hidden = []int{3, 5, 7}
		}
	}
	return spec
}

func readGolden(t *testing.T, preset string) map[string]program.Tensor {
	t.Helper()
	tensors, _ := goldenFile(t, preset)
	return tensors
}

// goldenFile returns what a file holds, and what is known of how it was made.
func goldenFile(t *testing.T, preset string) (tensors map[string]program.Tensor, made map[string]string) {
	t.Helper()
	text, err := goldenFiles.ReadFile("golden/" + preset + ".safetensors")
	if err != nil {
		t.Fatalf("no golden file of %s: %v; run scripts/golden.py", preset, err)
	}
	if tensors, made, err = run.DecodeTensors(bytes.NewReader(text), int64(len(text))); err != nil {
		t.Fatal(err)
	}
	return tensors, made
}

// machine opens a VM for a spec, bound to images, and closes it after the test.
func machine(t *testing.T, open Open, spec model.Spec, images []byte) (*program.Program, vm.Trainer) {
	t.Helper()
	set := data.Set{Rows: data.Rows{
		N:     len(images) / (spec.Image[0] * spec.Image[1] * spec.Image[2]),
		Shape: data.Shape{C: spec.Image[0], H: spec.Image[1], W: spec.Image[2]}, Bytes: images,
	}}
	for i := range set.N {
		set.Labels = append(set.Labels, byte(i%max(1, spec.Classes)))
	}
	return machineOn(t, open, spec, set)
}

// machineOn opens a VM for a spec, bound to a set, and closes it after the test.
func machineOn(t *testing.T, open Open, spec model.Spec, from data.Set) (*program.Program, vm.Trainer) {
	t.Helper()
	p, err := spec.Program()
	if err != nil {
		t.Fatal(err)
	}
	m, err := open(p, goldenSeed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	for _, set := range []string{vm.TrainSet, vm.TestSet} {
		if err := m.Bind(set, from.Rows); err != nil {
			t.Fatal(err)
		}
		if spec.Condition == "" {
			continue
		}
		classes := make([]int32, len(from.Labels))
		for i, class := range from.Labels {
			classes[i] = int32(class)
		}
		if err := m.Label(set, classes); err != nil {
			t.Fatal(err)
		}
	}
	return p, m
}

// Rows are images of a program.
func Rows(p *program.Program, pixels []byte) data.Rows {
	return data.Rows{N: len(pixels) / p.PixelCount(), Shape: p.Row, Bytes: pixels}
}

// steps trains on rows, as many steps as they fill, and returns the losses.
func steps(t *testing.T, p *program.Program, m vm.Trainer, first int64, rows []int32) []float64 {
	t.Helper()
	s := program.Steps{First: first, Rows: rows}
	for i := range s.Count(p.Batch) {
		s.Scalars = p.StepScalars(s.Scalars, first+int64(i), 1)
	}
	if err := m.Train(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	losses, err := m.Losses()
	if err != nil {
		t.Fatal(err)
	}
	return widen(losses)
}

// goldenGradients takes one step of SGD so large that what is left of the
// parameters is rounding: the gradient is the difference over the rate.
func goldenGradients(t *testing.T, open Open, spec model.Spec, images data.Set, want map[string]program.Tensor) {
	const rate = 1 << 16
	spec.Optimizer, spec.LR = optim.SGD, rate
	p, m := machineOn(t, open, spec, images)
	before := state(t, m)
	steps(t, p, m, 0, train.Rows(p.Batch))
	after := state(t, m)
	count := 0
	for name, tensor := range want {
		param, ok := strings.CutPrefix(name, "grad.")
		if !ok {
			continue
		}
		count++
		from, to, stride := before.Tensors[param].Data, after.Tensors[param].Data, 1
		if len(tensor.Data) != len(from) {
			stride = goldenStride
		}
		var got []float64
		for i := 0; i < len(from); i += stride {
			got = append(got, (float64(from[i])-float64(to[i]))/rate)
		}
		numtest.Close(t, name, got, widen(tensor.Data), GradientTolerance)
	}
	if count != len(p.Params) {
		t.Errorf("gradients of %d parameters, want %d", count, len(p.Params))
	}
}

func goldenLosses(t *testing.T, open Open, spec model.Spec, images data.Set, want program.Tensor) {
	p, m := machineOn(t, open, spec, images)
	n := len(want.Data)
	if n != goldenSteps {
		t.Fatalf("%d golden losses, want %d", n, goldenSteps)
	}
	got, terms := steps(t, p, m, 0, train.Rows(n*p.Batch)), len(p.LossNames())
	for i, w := range want.Data {
		numtest.Close(t, fmt.Sprintf("loss of step %d", i+1), got[i*terms:][:1], []float64{float64(w)}, LossTolerance)
	}
}

func state(t *testing.T, m vm.Trainer) *program.State {
	t.Helper()
	s, err := m.State()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func widen(x []float32) []float64 {
	wide := make([]float64, len(x))
	for i, v := range x {
		wide[i] = float64(v)
	}
	return wide
}
