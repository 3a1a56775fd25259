package kernels

import "aegis/cuda/driver"

// KLGrad is the gradient of the mean divergence from N(0, 1) by means or log
// variances, dx = Factor·s·x'/n, or with means a gradient for each column also
// times that: x, dx (B,Z). One launch.
type KLGrad struct {
	Batch
	Width  int  // Z
	LogVar bool // x has log variances, x' is ½·(e^x − 1); else x' is x
	Factor float64
	Scalar driver.DevicePtr // s; 0: there is none
	Means  driver.DevicePtr // (Z); 0: there is none
	X, DX  driver.DevicePtr
}

// Launches returns the launch of kl_grad.
func (l KLGrad) Launches() ([]Launch, error) {
	if err := fail("kl-grad", sizes("x", l.Rows, l.Width), pointers(l.X, l.DX, l.Step)); err != nil {
		return nil, err
	}
	logvar := 0
	if l.LogVar {
		logvar = 1
	}
	var a args
	a.ptr(l.X, l.Means, l.Scalar, l.DX)
	a.int(l.Width, logvar)
	a.float(l.Factor)
	a.ptr(l.Step)
	return []Launch{strided(Variational, "kl_grad", l.Rows*l.Width, a)}, nil
}

// KLMeans is the mean divergence from N(0, 1) of each dimension over the n rows:
// mu, logvar (B,Z) → means (Z). One launch.
type KLMeans struct {
	Batch
	Width             int // Z
	Mu, LogVar, Means driver.DevicePtr
}

// Launches returns the launch of kl_means: a block for each dimension.
func (l KLMeans) Launches() ([]Launch, error) {
	if err := fail("kl-means", sizes("mu", l.Rows, l.Width), pointers(l.Mu, l.LogVar, l.Means, l.Step)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.Mu, l.LogVar, l.Means)
	a.int(l.Width)
	a.ptr(l.Step)
	return []Launch{{
		Family: Variational, Kernel: "kl_means", Args: a,
		Grid: driver.Dim3{X: uint32(l.Width), Y: 1, Z: 1}, Block: driver.Dim3{X: threads, Y: 1, Z: 1},
	}}, nil
}

// FreeBits is s = Σ max(Floor, x), or with DX its gradient, Factor·s above the
// floor and else 0: x, dx (Z). One launch.
type FreeBits struct {
	Step   driver.DevicePtr
	Width  int // Z
	Floor  float64
	X      driver.DevicePtr
	Value  driver.DevicePtr // a scalar; 0: the gradient is wanted
	Factor float64
	Scalar driver.DevicePtr // s; 0: there is none
	DX     driver.DevicePtr
}

// Launches returns the launch of free_bits or of free_bits_grad.
func (l FreeBits) Launches() ([]Launch, error) {
	out := l.Value
	if out == 0 {
		out = l.DX
	}
	if err := fail("free-bits", sizes("x", l.Width), pointers(l.X, out, l.Step)); err != nil {
		return nil, err
	}
	var a args
	if l.Value != 0 {
		a.ptr(l.X, l.Value)
		a.float(l.Floor)
		a.int(l.Width)
		a.ptr(l.Step)
		return []Launch{{
			Family: Variational, Kernel: "free_bits", Args: a,
			Grid: driver.Dim3{X: 1, Y: 1, Z: 1}, Block: driver.Dim3{X: threads, Y: 1, Z: 1},
		}}, nil
	}
	a.ptr(l.X, l.Scalar, l.DX)
	a.float(l.Floor, l.Factor)
	a.int(l.Width)
	a.ptr(l.Step)
	return []Launch{strided(Variational, "free_bits_grad", l.Width, a)}, nil
}

// Likelihood says what [Gaussian] gives.
type Likelihood int

// The results, as in variational.cu.
const (
	LikelihoodValue Likelihood = iota
	LikelihoodPrecision
	LikelihoodGradient
)

// Gaussian is a normal likelihood of rows of so many values, whose deviation is
// learned: see op.GaussianDef. All operands are one value. One launch.
type Gaussian struct {
	Step     driver.DevicePtr
	Kind     Likelihood
	Values   float64
	Factor   float64
	Scalar   driver.DevicePtr // 0: there is none
	Square   driver.DevicePtr // 0 for the precision
	LogSigma driver.DevicePtr
	Out      driver.DevicePtr
}

// Launches returns the launch of gaussian.
func (l Gaussian) Launches() ([]Launch, error) {
	needed := []driver.DevicePtr{l.LogSigma, l.Out, l.Step}
	if l.Kind != LikelihoodPrecision {
		needed = append(needed, l.Square)
	}
	if err := fail("gaussian", pointers(needed...)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.Square, l.LogSigma, l.Scalar, l.Out)
	a.int(int(l.Kind))
	a.float(l.Values, l.Factor)
	a.ptr(l.Step)
	return []Launch{{
		Family: Variational, Kernel: "gaussian", Args: a,
		Grid: driver.Dim3{X: 1, Y: 1, Z: 1}, Block: driver.Dim3{X: 1, Y: 1, Z: 1},
	}}, nil
}

// Concat puts the columns of a (B,N), then those of b (B,M) into c (B,N+M). One
// launch.
type Concat struct {
	Batch
	N, M    int
	A, B, C driver.DevicePtr
}

// Launches returns the launch of concat.
func (l Concat) Launches() ([]Launch, error) {
	if err := fail("concat", sizes("a", l.Rows, l.N), sizes("c", l.Rows, l.N+l.M), sizes("b", l.M), pointers(l.A, l.B, l.C, l.Step)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.A, l.B, l.C)
	a.int(l.N, l.M)
	a.ptr(l.Step)
	return []Launch{strided(Variational, "concat", l.Rows*(l.N+l.M), a)}, nil
}

// Columns takes Count columns from First on out of x (B,P). One launch.
type Columns struct {
	Batch
	Width        int // P
	First, Count int
	X, Y         driver.DevicePtr
}

// Launches returns the launch of columns.
func (l Columns) Launches() ([]Launch, error) {
	err := sizes("x", l.Rows, l.Width)
	if err == nil && (l.First < 0 || l.First+l.Count > l.Width) {
		err = sizes("columns", 0)
	}
	if err := fail("columns", err, sizes("columns", l.Count), pointers(l.X, l.Y, l.Step)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.X, l.Y)
	a.int(l.Width, l.First, l.Count)
	a.ptr(l.Step)
	return []Launch{strided(Variational, "columns", l.Rows*l.Count, a)}, nil
}
