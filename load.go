package aegis

import (
	"io/fs"

	"aegis/internal/infer"
	"aegis/model/program"
)

// LoadOption chooses where a model runs: [WithDevice], [WithGPU], [WithThreads].
type LoadOption func(*devices)

// WithDevice names one of [Devices]. Without it a model runs on [DeviceAuto].
func WithDevice(name string) LoadOption { return func(d *devices) { d.name = name } }

// WithGPU numbers the GPU that the devices cuda and auto use, from 0.
func WithGPU(number int) LoadOption { return func(d *devices) { d.gpu = number } }

// WithThreads bounds the processors that a model on the CPU uses at once, by
// all calls together. 0 is as many as pay. It changes no result.
func WithThreads(n int) LoadOption { return func(d *devices) { d.threads = n } }

// Load opens a model.safetensors or last.safetensors of a run, or the former in
// a run's directory.
func Load(path string, options ...LoadOption) (*Model, error) {
	return asModel(infer.Load(path, runnerOn(options)))
}

// LoadBytes opens a model from the bytes of such a file, which may change
// afterwards.
func LoadBytes(file []byte, options ...LoadOption) (*Model, error) {
	return asModel(infer.LoadBytes(file, runnerOn(options)))
}

// LoadFS opens a model from a file of a file system, such as one that is
// embedded.
func LoadFS(fsys fs.FS, name string, options ...LoadOption) (*Model, error) {
	return asModel(infer.LoadFS(fsys, name, runnerOn(options)))
}

// ReadState reads what a run, such as one of [TrainProgram], left in
// model.safetensors, the best parameters, or in last.safetensors, the newest
// ones with the state of the optimizers.
func ReadState(path string) (*program.State, error) { return infer.ReadState(path) }

// OpenProgram opens the forward parts of a program of one's own under the
// parameters of a state, as [TrainProgram] returns it.
func OpenProgram(p *program.Program, s *program.State, options ...LoadOption) (*Network, error) {
	n, err := infer.OpenNetwork(p, s, runnerOn(options))
	if err != nil {
		return nil, err
	}
	return &Network{n}, nil
}

func asModel(m *infer.Model, err error) (*Model, error) {
	if err != nil {
		return nil, err
	}
	return &Model{m}, nil
}

// runnerOn is what opens the device of some options.
func runnerOn(options []LoadOption) infer.Open {
	d := devices{name: DeviceAuto}
	for _, o := range options {
		if o != nil {
			o(&d)
		}
	}
	return d.openRunner
}
