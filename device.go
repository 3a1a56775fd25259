package aegis

import (
	"fmt"

	"aegis/cuda"
	"aegis/data/memory"
	"aegis/internal/advice"
	"aegis/internal/plan"
	"aegis/internal/session"
	"aegis/internal/vm"
	"aegis/internal/vm/cpu"
	"aegis/internal/vm/tape"
	"aegis/model/program"
)

// The devices that a Config names.
const (
	DeviceAuto = session.DeviceAuto // the fastest VM that can run here
	DeviceCPU  = session.DeviceCPU  // the fastest VM on the CPU
	DeviceCUDA = session.DeviceCUDA // an NVIDIA GPU
	DeviceTape = session.DeviceTape // Gorgonia's tape machine, the reference
)

// Devices returns all names.
func Devices() []string { return session.Devices() }

// devices is a user's choice of where a program runs.
type devices struct {
	name    string // of Devices
	gpu     int    // number of the GPU
	threads int    // on a CPU, 0: as many as pay

	fits func() error // asked before a VM takes of this process's memory; may be nil
}

// openVM opens the VM that a configuration names.
func openVM(c Config, p *program.Program) (m vm.Trainer, why string, err error) {
	d := devices{name: c.Device, gpu: c.GPU, threads: c.Threads, fits: func() error { return session.CheckMemory(c) }}
	return d.open(p, uint64(c.Seed))
}

// openProgramVM opens the VM that a program's configuration names.
func openProgramVM(c ProgramConfig, p *program.Program) (m vm.Trainer, why string, err error) {
	d := devices{name: c.Device, gpu: c.GPU, threads: c.Threads, fits: func() error { return session.CheckProgramMemory(p) }}
	return d.open(p, uint64(c.Seed))
}

// open prepares a program under the parameters of a seed. Where auto chose, it
// says why in one line.
func (d devices) open(p *program.Program, seed uint64) (m vm.Trainer, why string, err error) {
	if err := session.CheckDevice(d.name, d.gpu, d.threads); err != nil {
		return nil, "", err
	}
	if d.name == DeviceCUDA || d.name == DeviceAuto {
		m, err := cuda.Open(p, seed, cuda.Options{GPU: d.gpu})
		switch {
		case err == nil && d.name == DeviceAuto:
			return m, "auto takes a GPU where one can be used", nil
		case err == nil:
			return m, "", nil
		case d.name == DeviceCUDA:
			return nil, "", cpuHelps(err)
		}
		why = "auto takes the CPU, for " + err.Error()
	}
	if d.fits != nil {
		if err := d.fits(); err != nil {
			return nil, "", err
		}
	}
	if d.name == DeviceTape {
		m, err = tape.Open(p, seed)
	} else {
		m, err = cpu.Open(p, seed, cpu.Options{Threads: d.threads})
	}
	return m, why, err
}

// openRunner opens a device for the forward parts of a program.
func (d devices) openRunner(p *program.Program, params vm.Params) (vm.Runner, error) {
	if err := session.CheckDevice(d.name, d.gpu, d.threads); err != nil {
		return nil, err
	}
	if d.name == DeviceCUDA || d.name == DeviceAuto {
		r, err := cuda.OpenRunner(p, 0, params, cuda.Options{GPU: d.gpu})
		switch {
		case err == nil:
			return r, nil
		case d.name == DeviceCUDA:
			return nil, cpuHelps(err)
		}
	}
	if d.name == DeviceTape {
		return asRunner(tape.OpenRunner(p, 0, params))
	}
	return asRunner(cpu.OpenRunner(p, 0, params, cpu.Options{Threads: d.threads}))
}

// asRunner is a device of the contract's type, nil where there is none.
func asRunner[R vm.Runner](r R, err error) (vm.Runner, error) {
	if err != nil {
		return nil, err
	}
	return r, nil
}

// cpuHelps adds to why there is no GPU what helps.
func cpuHelps(err error) error {
	return advice.With(fmt.Errorf("%w; or run on the device %s", err, DeviceCPU), "device "+DeviceCPU)
}

// Plan returns the plan that the CPU VM trains a network by, as text with
// shapes, FLOPs and bytes; the configuration's Image must be set, and its Rows where
// something goes by epochs.
func Plan(c Config) (string, error) {
	p, err := c.Program()
	if err != nil {
		return "", err
	}
	compiled, err := plan.Compile(p, cpu.PlanOptions())
	if err != nil {
		return "", err
	}
	return compiled.String(), nil
}

// totalMemory returns the memory in bytes that this process may have, 0 where
// it is unknown.
func totalMemory() uint64 { return memory.Total().Bytes }
