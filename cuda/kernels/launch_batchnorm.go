package kernels

import (
	"aegis/cuda/driver"
	"aegis/model/op"
)

// Channels is how values x (B,C,A) lie: C channels of A positions.
type Channels struct {
	Batch
	Channels, Area int // C, A
}

func (c Channels) check(ps ...driver.DevicePtr) []error {
	return []error{sizes("x", c.Rows, c.Channels, c.Area), pointers(append(ps, c.Step)...)}
}

// each returns the launch of a kernel with a block for each channel.
func (c Channels) each(kernel string, a args) Launch {
	return Launch{
		Family: BatchNorms, Kernel: kernel, Args: a,
		Grid: driver.Dim3{X: uint32(c.Channels), Y: 1, Z: 1}, Block: driver.Dim3{X: threads, Y: 1, Z: 1},
	}
}

// strided returns the launch of a kernel that goes through all values.
func (c Channels) strided(kernel string, a args) Launch {
	return strided(BatchNorms, kernel, c.Rows*c.Channels*c.Area, a)
}

// Moments is mean, biased and unbiased variance of each channel over the n
// rows and over the positions: x → M (3,C). One launch.
type Moments struct {
	Channels
	X, M driver.DevicePtr
}

// Launches returns the launch of moments.
func (l Moments) Launches() ([]Launch, error) {
	if err := fail("moments", l.check(l.X, l.M)...); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.X, l.M)
	a.int(l.Channels.Channels, l.Area)
	a.ptr(l.Step)
	return []Launch{l.each("moments", a)}, nil
}

// BatchNorm is y = f(γ·(x − mean)/√(variance + Epsilon) + β). One launch.
type BatchNorm struct {
	Channels
	X, Mean, Variance, Gamma, Beta, Y driver.DevicePtr
	Epsilon                           float64
	Activation                        op.Activation
}

// Launches returns the launch of batch_norm.
func (l BatchNorm) Launches() ([]Launch, error) {
	kind, err := activation(l.Activation)
	if err := fail("batch-norm", append(l.check(l.X, l.Mean, l.Variance, l.Gamma, l.Beta, l.Y), err)...); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.X, l.Mean, l.Variance, l.Gamma, l.Beta, l.Y)
	a.int(l.Channels.Channels, l.Area)
	a.float(l.Epsilon)
	a.int(int(kind))
	a.float(l.Activation.Alpha)
	a.ptr(l.Step)
	return []Launch{l.strided("batch_norm", a)}, nil
}

// BatchNormSums is dγ = Σ dy·x̂ and dβ = Σ dy by the moments of x. One launch.
type BatchNormSums struct {
	Channels
	DY, X, M, DGamma, DBeta driver.DevicePtr
	Epsilon                 float64
}

// Launches returns the launch of batch_norm_sums.
func (l BatchNormSums) Launches() ([]Launch, error) {
	if err := fail("batch-norm-sums", l.check(l.DY, l.X, l.M, l.DGamma, l.DBeta)...); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.DY, l.X, l.M, l.DGamma, l.DBeta)
	a.int(l.Channels.Channels, l.Area)
	a.float(l.Epsilon)
	a.ptr(l.Step)
	return []Launch{l.each("batch_norm_sums", a)}, nil
}

// BatchNormDX is dx = γ/√(variance + Epsilon)·(dy − dβ/N − x̂·dγ/N) with N
// values in a channel. One launch.
type BatchNormDX struct {
	Channels
	DY, X, M, Gamma, DGamma, DBeta, DX driver.DevicePtr
	Epsilon                            float64
}

// Launches returns the launch of batch_norm_dx.
func (l BatchNormDX) Launches() ([]Launch, error) {
	if err := fail("batch-norm-dx", l.check(l.DY, l.X, l.M, l.Gamma, l.DGamma, l.DBeta, l.DX)...); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.DY, l.X, l.M, l.Gamma, l.DGamma, l.DBeta, l.DX)
	a.int(l.Channels.Channels, l.Area)
	a.float(l.Epsilon)
	a.ptr(l.Step)
	return []Launch{l.strided("batch_norm_dx", a)}, nil
}
