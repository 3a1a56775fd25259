package infer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"aegis/data"
	"aegis/internal/infer"
	"aegis/internal/run"
	"aegis/internal/vm"
	"aegis/internal/vm/cpu"
	"aegis/model"
	"aegis/model/program"
)

func onCPU(p *program.Program, params vm.Params) (vm.Runner, error) {
	return cpu.OpenRunner(p, 0, params, cpu.Options{Threads: 2})
}

// images are n images of a size, no two alike.
func images(n, height, width int) data.Rows {
	rows := data.Rows{N: n, Shape: data.Shape{C: 1, H: height, W: width}, Bytes: make([]byte, n*height*width)}
	for i := range rows.Bytes {
		rows.Bytes[i] = byte(i * 37 >> 1)
	}
	return rows
}

// loaded is a model whose parameters are those of a seed, times a factor; it
// comes through the bytes of a file.
func loaded(t *testing.T, spec model.Spec, factor float32) (*infer.Model, *program.Program, *program.State) {
	t.Helper()
	p, err := spec.Program()
	if err != nil {
		t.Fatal(err)
	}
	state := p.Start(1)
	for _, tensor := range state.Tensors {
		for i := range tensor.Data {
			tensor.Data[i] *= factor
		}
	}
	return reopened(t, spec, state), p, state
}

// reopened is a model that comes through the bytes of a file.
func reopened(t *testing.T, spec model.Spec, state *program.State) *infer.Model {
	t.Helper()
	config, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := run.EncodeTensors(&file, state.Tensors, map[string]string{"config": string(config)}); err != nil {
		t.Fatal(err)
	}
	m, err := infer.LoadBytes(file.Bytes(), onCPU)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// TestScoreIsTheLossOfARow holds scores to what the VM that trains says of each
// row, for every loss; the factor 40 has outputs of which float32 knows no
// complement.
func TestScoreIsTheLossOfARow(t *testing.T) {
	for _, loss := range []model.Loss{model.MSE, model.MAE, model.Huber, model.BCE} {
		for _, factor := range []float32{1, 40} {
			spec, err := model.Preset("fc64")
			if err != nil {
				t.Fatal(err)
			}
			spec.Loss, spec.Image, spec.Hidden, spec.Latent = loss, [3]int{1, 6, 5}, []int{40}, 7
			m, p, state := loaded(t, spec, factor)
			rows := images(9, 6, 5)
			scores, err := m.Score(context.Background(), rows)
			if err != nil || len(scores) != rows.N {
				t.Fatalf("%d scores, error %v", len(scores), err)
			}
			trainer, err := cpu.Open(p, 0, cpu.Options{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = trainer.Close() }()
			if err := errors.Join(trainer.SetState(state), trainer.Bind(vm.TestSet, rows)); err != nil {
				t.Fatal(err)
			}
			for i, got := range scores {
				want, err := trainer.Evaluate(context.Background(), vm.TestSet, []int32{int32(i)})
				if err != nil || !(math.Abs(got-want[0]) <= 1e-6*want[0]) {
					t.Errorf("%s, factor %v: score %v of row %d; the loss is %v (%v)", loss, factor, got, i, want, err)
				}
			}
		}
	}
}

// TestManyBatches: images that are given in several batches have the results
// that they have one by one.
func TestManyBatches(t *testing.T) {
	spec, err := model.Preset("fc12")
	if err != nil {
		t.Fatal(err)
	}
	spec.Image, spec.Hidden, spec.Latent = [3]int{1, 200, 250}, []int{2}, 2
	m, _, _ := loaded(t, spec, 1)
	all, ctx := images(50, 200, 250), context.Background()
	codes, err := m.Encode(ctx, all)
	if err != nil || len(codes) != 100 {
		t.Fatalf("%d values, error %v", len(codes), err)
	}
	for i := range all.N {
		code, err := m.Encode(ctx, all.Slice(i, i+1))
		if err != nil || code[0] != codes[2*i] || code[1] != codes[2*i+1] {
			t.Fatalf("image %d: code %v alone (%v), %v among others", i, code, err, codes[2*i:2*i+2])
		}
	}
}

// slow is a device whose calls take until they are let go.
type slow struct {
	vm.Runner
	began, goOn chan struct{}
	closed      bool
}

func (s *slow) Infer(context.Context, program.Part, program.Feed, []float32) error {
	s.began <- struct{}{}
	<-s.goOn
	if s.closed {
		return errors.New("closed while it ran")
	}
	return nil
}

func (s *slow) Close() error {
	s.closed = true
	return nil
}

// TestCloseWaits: calls side by side end well, and Close comes after them.
func TestCloseWaits(t *testing.T) {
	p := &program.Program{Row: data.Shape{W: 2}, Code: 1, Forward: func(program.Part, int) (*program.Graph, error) { return nil, nil }}
	s := &slow{began: make(chan struct{}), goOn: make(chan struct{})}
	n, err := infer.OpenNetwork(p, &program.State{}, func(*program.Program, vm.Params) (vm.Runner, error) { return s, nil })
	if err != nil {
		t.Fatal(err)
	}
	call := func() error {
		_, err := n.Run(context.Background(), program.Encode, program.Feed{Values: []float32{1, 2}})
		return err
	}
	ends, closed := make(chan error), make(chan error)
	for range 2 {
		go func() { ends <- call() }()
	}
	<-s.began
	<-s.began // both at once
	go func() { closed <- n.Close() }()
	for !errors.Is(closing(n), infer.ErrClosed) { // until Close is under way
	}
	close(s.goOn)
	for range 2 {
		if err := <-ends; err != nil {
			t.Errorf("a call before Close: %v", err)
		}
	}
	if err := errors.Join(<-closed, n.Close()); err != nil || !s.closed {
		t.Errorf("close: %v, closed %v", err, s.closed)
	}
}

// closing asks for what is an error at once, and says whether Close came first.
func closing(n *infer.Network) error {
	_, err := n.Run(context.Background(), program.Encode, program.Feed{Values: []float32{1}})
	return err
}

// TestEvaluateIsNoUse: the losses of a set are not for a network that is used.
func TestEvaluateIsNoUse(t *testing.T) {
	p := &program.Program{Row: data.Shape{W: 2}, Code: 1, Forward: func(program.Part, int) (*program.Graph, error) { return nil, nil }}
	n, err := infer.OpenNetwork(p, &program.State{}, func(*program.Program, vm.Params) (vm.Runner, error) { return &slow{}, nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, values := range [][]float32{nil, {1, 2}} {
		if _, err := n.Run(context.Background(), program.Evaluate, program.Feed{Values: values}); err == nil || !strings.Contains(err.Error(), "no part of a network that is used") {
			t.Errorf("%d values: error %v", len(values), err)
		}
	}
}

func TestOpenNetworkOfNothing(t *testing.T) {
	if _, err := infer.OpenNetwork(nil, nil, onCPU); err == nil {
		t.Error("no program was opened")
	}
}
