package session

import (
	"context"
	"errors"
	"math"
	"testing"

	"aegis/data"
	"aegis/internal/run"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/internal/vm/cpu"
	"aegis/model/program"
)

// blobs is a dataset of images with one bright blob each, classes by its
// place: small, and easy to learn.
func blobs(rows, tests, height, width int) *data.Source {
	set := func(n, phase int) data.Set {
		s := data.Set{Rows: data.Rows{N: n, Shape: data.Shape{C: 1, H: height, W: width}, Bytes: make([]byte, n*height*width)}}
		for i := range n {
			class := (i*7 + phase) % 4
			cy, cx := float64(height)*(0.3+0.4*float64(class/2)), float64(width)*(0.3+0.4*float64(class%2))
			size := 1.5 + float64(i%5)/3
			for y := range height {
				for x := range width {
					dy, dx := float64(y)-cy, float64(x)-cx
					s.Bytes[(i*height+y)*width+x] = byte(255 * math.Exp(-(dy*dy+dx*dx)/(2*size*size)))
				}
			}
			s.Labels = append(s.Labels, byte(class))
		}
		return s
	}
	return &data.Source{Name: "blobs", Train: set(rows, 0), Test: set(tests, 1)}
}

func config(t *testing.T, preset string) Config {
	t.Helper()
	cfg, err := NewConfig(preset)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Batch, cfg.Epochs = 8, 2
	return cfg
}

// openCPU opens the CPU VM whatever the configuration's device.
func openCPU(cfg Config, p *program.Program) (vm.Trainer, string, error) {
	if err := CheckMemory(cfg); err != nil {
		return nil, "", err
	}
	m, err := cpu.Open(p, uint64(cfg.Seed), cpu.Options{Threads: cfg.Threads})
	return m, "", err
}

// trained is a run on the CPU VM.
func trained(ctx context.Context, cfg Config, ds *data.Source, opt Options) (*Summary, error) {
	return Train(ctx, cfg, ds, opt, openCPU)
}

// checkModel finds a summary's test loss with the parameters that a run of a
// configuration wrote.
func checkModel(t *testing.T, cfg Config, path string, test data.Set, want float64) {
	t.Helper()
	cfg.Image, cfg.Rows = [3]int{test.C, test.H, test.W}, 1
	if cfg.Condition != "" {
		cfg.Classes = 4
	}
	p, err := cfg.Program()
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := openCPU(cfg, p)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	state, err := m.State()
	if err != nil {
		t.Fatal(err)
	}
	tensors, _, err := run.ReadTensors(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, tensor := range tensors {
		state.Tensors[name] = tensor
	}
	if err := m.SetState(state); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.Bind(vm.TestSet, test.Rows), m.Label(vm.TestSet, widened(test.Labels))); err != nil {
		t.Fatal(err)
	}
	terms, err := m.Evaluate(context.Background(), vm.TestSet, train.Rows(test.N))
	if err != nil || math.Abs(terms[0]-want) > 1e-6*want {
		t.Errorf("the written model has test loss %v (%v), the summary %v", terms, err, want)
	}
}
