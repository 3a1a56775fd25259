package gpu

import (
	"fmt"

	"aegis/cuda/driver"
	"aegis/cuda/kernels"
)

// Operation is what kernels are launched for, such as one of the structs of
// package kernels.
type Operation interface {
	Launches() ([]kernels.Launch, error)
}

// Call is a launch whose kernel is loaded.
type Call struct {
	Function driver.Function
	Config   driver.LaunchConfig
	Args     []driver.Arg
}

// Modules are the families of kernels that are loaded, until the context is
// closed, and the functions in them.
type Modules struct {
	context   *Context
	ptx       func(kernels.Family) ([]byte, error)
	loaded    map[kernels.Family]driver.Module
	functions map[kernelName]driver.Function
}

// kernelName is a kernel and the family that it is in.
type kernelName struct {
	family kernels.Family
	kernel string
}

// NewModules loads nothing yet: a family is loaded with the first of its
// kernels that is called.
func NewModules(c *Context, ptx func(kernels.Family) ([]byte, error)) *Modules {
	return &Modules{
		context: c, ptx: ptx, loaded: make(map[kernels.Family]driver.Module), functions: make(map[kernelName]driver.Function),
	}
}

// Calls loads what operations launch.
func (m *Modules) Calls(list []Operation) ([]Call, error) {
	var calls []Call
	for _, o := range list {
		launches, err := o.Launches()
		if err != nil {
			return nil, fmt.Errorf("cuda: %w", err)
		}
		for _, launch := range launches {
			f, err := m.function(launch)
			if err != nil {
				return nil, err
			}
			calls = append(calls, Call{Function: f, Args: launch.Args, Config: driver.LaunchConfig{
				Grid: launch.Grid, Block: launch.Block, Shared: launch.Shared, Stream: m.context.Stream,
			}})
		}
	}
	return calls, nil
}

// function finds a kernel, and loads its family where it is the first of it.
func (m *Modules) function(launch kernels.Launch) (driver.Function, error) {
	name := kernelName{family: launch.Family, kernel: launch.Kernel}
	if f, ok := m.functions[name]; ok {
		return f, nil
	}
	module, ok := m.loaded[launch.Family]
	if !ok {
		image, err := m.ptx(launch.Family)
		if err != nil {
			return 0, fmt.Errorf("cuda: %w", err)
		}
		if module, err = m.context.LoadModule(image); err != nil {
			return 0, err
		}
		m.loaded[launch.Family] = module
	}
	f, err := m.context.Function(module, launch.Kernel)
	if err != nil {
		return 0, err
	}
	m.functions[name] = f
	return f, nil
}
