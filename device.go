package aegis

import (
	"errors"
	"slices"
	"strings"

	"github.com/pbnjay/memory"

	"aegis/internal/cpu"
	"aegis/internal/plan"
	"aegis/internal/program"
	"aegis/internal/tape"
	"aegis/internal/train"
)

// The devices that a Config names.
const (
	DeviceAuto = "auto" // the fastest VM that can run here
	DeviceCPU  = "cpu"  // the fastest VM on the CPU
	DeviceCUDA = "cuda" // an NVIDIA GPU
	DeviceTape = "tape" // Gorgonia's tape machine, the reference
)

// Devices returns all names.
func Devices() []string { return []string{DeviceAuto, DeviceCPU, DeviceCUDA, DeviceTape} }

func checkDevice(name string) error {
	if !slices.Contains(Devices(), name) {
		return configErrorf("aegis: unknown device %q; want one of %s", name, strings.Join(Devices(), ", "))
	}
	return nil
}

// errNoCUDA is what a device of cuda says until there is a VM for it.
var errNoCUDA = errors.New("aegis: device cuda: this version has no CUDA VM yet; run with --device cpu")

// open prepares a program on a device under the parameters of a seed, with a
// number of threads or, for 0, as many as pay.
func open(device string, threads int, p *program.Program, seed uint64) (train.Machine, error) {
	if err := checkDevice(device); err != nil {
		return nil, err
	}
	switch device {
	case DeviceCUDA:
		return nil, errNoCUDA
	case DeviceTape:
		return tape.Open(p, seed)
	}
	return cpu.Open(p, seed, cpu.Options{Threads: threads})
}

// Plan returns the plan that the CPU VM trains by, as text with shapes, FLOPs
// and bytes; Image must be set.
func (c Config) Plan() (string, error) {
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

// totalMemory returns the machine's memory in bytes, 0 where it is unknown.
func totalMemory() uint64 { return memory.TotalMemory() }
