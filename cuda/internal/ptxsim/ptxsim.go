// Package ptxsim runs PTX on the CPU behind the interface of cuda/driver, for
// tests on machines without a GPU. It is never a fallback: only tests open it,
// and its device calls itself a simulator.
//
// It runs the very text that a GPU's driver would compile, warp by warp, and
// checks every access: bounds, use after free, alignment, uninitialized
// memory, races in shared and global memory, barriers and warp instructions
// that not every lane comes to. Work is done when it is waited for, as late as
// the driver's rules allow, so that a missing wait shows. What it cannot show
// is speed, coalescing, memory ordering without fences, and occupancy.
//
// PTX is that of NVRTC 11.8 for compute_80 (PTX ISA 7.8); an instruction that
// the simulator does not know is an error when the module is loaded. Results
// are those of the hardware for everything that is defined to the bit; the
// .approx instructions and mma are within the hardware's stated error.
package ptxsim

import (
	"crypto/sha256"
	"fmt"
	"runtime"
	"sync"

	"aegis/cuda/driver"
)

// The limits of the simulated device, those of compute capability 8.0.
const (
	maxThreadsPerBlock = 1024
	maxBlockXY         = 1024
	maxBlockZ          = 64
	maxGridX           = 1<<31 - 1
	maxGridYZ          = 65535
	defaultShared      = 48 << 10
	maxShared          = 163 << 10
	simVersion         = 11080
)

// Name is the device's name.
const Name = "PTX simulator (not a GPU)"

// Options configure the simulator.
type Options struct {
	// Memory is the size of the device's memory in bytes; 0 is 1 GiB.
	Memory int64
	// Workers is how many blocks run at a time; 0 is GOMAXPROCS. It changes
	// no result.
	Workers int
	// NoRaces turns the search for races off, which is a tenth to a third of the time.
	NoRaces bool
	// MaxSteps is how many instructions the warps of a block may run before
	// the kernel counts as endless; 0 is 2^30, which take a minute.
	MaxSteps int
	// SharedOptin is the shared memory, in bytes, that a block may opt in to;
	// 0 is the 163 KiB of compute capability 8.0, and 8.6 has 99 KiB.
	SharedOptin int
}

// Open returns a driver with one simulated device. Its contexts share what
// they have in common of the modules that they load, so tests that open many
// are faster on one driver.
func Open(o Options) driver.Driver {
	if o.Memory == 0 {
		o.Memory = 1 << 30
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.MaxSteps == 0 {
		o.MaxSteps = 1 << 30
	}
	if o.SharedOptin == 0 {
		o.SharedOptin = maxShared
	}
	return &system{options: o, parsed: map[[sha256.Size]byte]*module{}}
}

// system implements driver.Driver.
type system struct {
	options Options

	mu     sync.Mutex
	parsed map[[sha256.Size]byte]*module // by the image's hash
}

// parse parses PTX, or finds it parsed; the module is read only.
func (s *system) parse(image []byte) (*module, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sha256.Sum256(image)
	if m := s.parsed[key]; m != nil {
		return m, nil
	}
	m, err := parse(string(image))
	if err == nil {
		s.parsed[key] = m
	}
	return m, err
}

func (s *system) Version() (int, error)     { return simVersion, nil }
func (s *system) DeviceCount() (int, error) { return 1, nil }

// ordinal fails for every device but 0.
func (s *system) ordinal(call string, ordinal int) error {
	if ordinal != 0 {
		return driver.NewError(call, driver.InvalidDevice, fmt.Errorf("ptxsim: want device 0, got %d", ordinal))
	}
	return nil
}

func (s *system) Device(ordinal int) (driver.Device, error) {
	if err := s.ordinal("cuDeviceGet", ordinal); err != nil {
		return driver.Device{}, err
	}
	return driver.Device{Name: Name, Memory: s.options.Memory, Major: 8, Minor: 0}, nil
}

func (s *system) DeviceAttribute(ordinal int, a driver.DeviceAttribute) (int, error) {
	if err := s.ordinal("cuDeviceGet", ordinal); err != nil {
		return 0, err
	}
	switch a {
	case driver.MaxThreadsPerBlock, driver.MaxBlockX, driver.MaxBlockY:
		return maxThreadsPerBlock, nil
	case driver.MaxBlockZ:
		return maxBlockZ, nil
	case driver.MaxGridX:
		return maxGridX, nil
	case driver.MaxGridY, driver.MaxGridZ:
		return maxGridYZ, nil
	case driver.SharedPerBlock:
		return defaultShared, nil
	case driver.SharedOptin:
		return s.options.SharedOptin, nil
	case driver.SharedPerSM:
		return s.options.SharedOptin + 1<<10, nil
	case driver.WarpSize:
		return warpSize, nil
	case driver.RegistersPerBlock:
		return 65536, nil
	case driver.Multiprocessors:
		return s.options.Workers, nil
	case driver.ThreadsPerSM:
		return 2048, nil
	case driver.CapabilityMajor:
		return 8, nil
	case driver.CapabilityMinor:
		return 0, nil
	case driver.ClockRate, driver.MemoryClockRate, driver.MemoryBusWidth, driver.L2Cache:
		return 0, nil
	}
	return 0, driver.NewError("cuDeviceGetAttribute", driver.InvalidValue, fmt.Errorf("ptxsim: attribute %d is not simulated", a))
}

func (s *system) Context(ordinal int) (driver.Context, error) {
	if err := s.ordinal("cuDeviceGet", ordinal); err != nil {
		return nil, err
	}
	return newContext(s), nil
}
