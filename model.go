package aegis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"aegis/data"
	"aegis/internal/run"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model"
	"aegis/model/program"
)

// Model is a trained autoencoder. It is safe for concurrent use: calls take
// turns, and one whose context ends while it waits returns the context's error.
type Model struct {
	spec    model.Spec
	program *program.Program
	turn    chan struct{} // holds one value while a call has its turn
	machine vm.Trainer    // used in a turn only; nil when closed
}

// ErrClosed says that a model was used after [Model.Close].
var ErrClosed = errors.New("aegis: the model is closed; load it again")

// Load opens a model.safetensors or last.safetensors on a device.
func Load(path, device string) (*Model, error) {
	m, err := load(path, device)
	if err != nil {
		return nil, fmt.Errorf("aegis: load %s: %w", path, err)
	}
	return m, nil
}

func load(path, device string) (*Model, error) {
	file, err := run.OpenTensors(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	spec, err := fileSpec(file)
	if err != nil {
		return nil, err
	}
	lean := spec
	lean.Batch = 1 // what is loaded is not trained
	p, err := lean.Program()
	if err != nil {
		return nil, err
	}
	state := p.Start(0)
	for _, param := range p.Params {
		if state.Tensors[param.Name], err = file.Read(param.Name, param.Shape); err != nil {
			return nil, err
		}
	}
	machine, _, err := devices{name: device}.open(p, 0)
	if err != nil {
		return nil, err
	}
	if err := machine.SetState(state); err != nil {
		return nil, errors.Join(err, machine.Close())
	}
	return &Model{spec: spec, program: p, turn: make(chan struct{}, 1), machine: machine}, nil
}

// fileSpec returns the network that a file's parameters belong to. They may be
// hostile: a network larger than the file is refused before it is built.
func fileSpec(file *run.TensorFile) (model.Spec, error) {
	var spec model.Spec
	text, ok := file.Metadata["config"]
	if !ok {
		return spec, errors.New("want a config in its metadata, got none; was it written by aegis?")
	}
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		return spec, fmt.Errorf("config: %w", err)
	}
	if err := spec.Validate(); err != nil {
		return spec, fmt.Errorf("config: %w", err)
	}
	cost, err := spec.Cost()
	if err != nil {
		return spec, fmt.Errorf("config: %w", err)
	}
	const float = 4 // bytes
	if have := file.Size() / float; int64(cost.Params) > have {
		return spec, fmt.Errorf("config: a network of %d parameters, in a file of %d values", cost.Params, have)
	}
	return spec, nil
}

// Spec returns the network.
func (m *Model) Spec() model.Spec { return m.spec }

// Pixels returns the range of pixels that the network reads and writes.
func (m *Model) Pixels() (lo, hi float32) { return m.program.Pixels.Lo, m.program.Pixels.Hi }

// Encode returns the codes (n,Z) of n images.
func (m *Model) Encode(ctx context.Context, images data.Images) ([]float32, error) {
	return m.images(ctx, program.Encode, images, m.program.Code)
}

// Reconstruct returns n images (n,P), encoded and decoded, in the range of
// [Model.Pixels].
func (m *Model) Reconstruct(ctx context.Context, images data.Images) ([]float32, error) {
	return m.images(ctx, program.Reconstruct, images, m.program.PixelCount())
}

// Decode returns the images (n,P) of n codes (n,Z).
func (m *Model) Decode(ctx context.Context, codes []float32) ([]float32, error) {
	n := len(codes) / m.program.Code
	if n*m.program.Code != len(codes) {
		return nil, fmt.Errorf("aegis: decode: want codes of %d values, got %d values in all", m.program.Code, len(codes))
	}
	out := make([]float32, n*m.program.PixelCount())
	err := m.take(ctx, func() error {
		return m.machine.Infer(ctx, program.Decode, program.Feed{Values: codes}, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Loss returns the model's loss over images, a mean over pixels.
func (m *Model) Loss(ctx context.Context, images data.Images) (float64, error) {
	if err := m.check(images); err != nil {
		return 0, err
	}
	var terms []float64
	err := m.take(ctx, func() (err error) {
		if err := m.machine.Bind(vm.TestSet, images.Pixels); err != nil {
			return err
		}
		terms, err = m.machine.Evaluate(ctx, vm.TestSet, train.Rows(images.N))
		return err
	})
	if err != nil {
		return 0, err
	}
	return terms[0], nil
}

// Close waits for the call in progress and releases the device. What is called
// later returns [ErrClosed]; to close again does nothing.
func (m *Model) Close() error {
	m.turn <- struct{}{}
	defer func() { <-m.turn }()
	if m.machine == nil {
		return nil
	}
	machine := m.machine
	m.machine = nil
	return machine.Close()
}

// take waits for the machine and runs f with it.
func (m *Model) take(ctx context.Context, f func() error) error {
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("aegis: wait for the model: %w", ctx.Err())
	}
	defer func() { <-m.turn }()
	if m.machine == nil {
		return ErrClosed
	}
	return f()
}

func (m *Model) check(images data.Images) error {
	if got := [3]int{images.C, images.H, images.W}; got != m.spec.Image {
		return fmt.Errorf("aegis: want images of %v (channels, height, width), got %v", m.spec.Image, got)
	}
	if images.N < 0 || images.N != len(images.Pixels)/images.Size() || len(images.Pixels)%images.Size() != 0 {
		return fmt.Errorf("aegis: want %d images of %d bytes, got %d bytes in all", images.N, images.Size(), len(images.Pixels))
	}
	return nil
}

func (m *Model) images(ctx context.Context, part program.Part, images data.Images, width int) ([]float32, error) {
	if err := m.check(images); err != nil {
		return nil, err
	}
	out := make([]float32, images.N*width)
	in := program.Feed{Set: vm.TestSet, Rows: train.Rows(images.N)}
	err := m.take(ctx, func() error {
		if err := m.machine.Bind(vm.TestSet, images.Pixels); err != nil {
			return err
		}
		return m.machine.Infer(ctx, part, in, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
