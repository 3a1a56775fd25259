package kernels

import "aegis/cuda/driver"

// Clamp is y = x within [Lo, Hi] for (B,P); with a gradient DY it is instead
// that where x lies in the range, else 0. One launch.
type Clamp struct {
	Batch
	Width    int // P
	Lo, Hi   float64
	DY, X, Y driver.DevicePtr
}

// Launches returns the launch of clamp or of clamp_grad.
func (l Clamp) Launches() ([]Launch, error) {
	if err := fail("clamp", sizes("x", l.Rows, l.Width), pointers(l.X, l.Y, l.Step)); err != nil {
		return nil, err
	}
	kernel := "clamp"
	var a args
	if l.DY != 0 {
		kernel = "clamp_grad"
		a.ptr(l.DY)
	}
	a.ptr(l.X, l.Y)
	a.float(l.Lo, l.Hi)
	a.int(l.Width)
	a.ptr(l.Step)
	return []Launch{strided(Regular, kernel, l.Rows*l.Width, a)}, nil
}

// TopK is y = From where x is among the K largest values of its row, of equal
// ones the first, else 0, for (B,P). From is x itself, or a gradient. One launch.
type TopK struct {
	Batch
	Width      int // P
	K          int
	From, X, Y driver.DevicePtr
}

// Launches returns the launch of top_k.
func (l TopK) Launches() ([]Launch, error) {
	if err := fail("top-k", sizes("x", l.Rows, l.Width), sizes("k", l.K), pointers(l.From, l.X, l.Y, l.Step)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.From, l.X, l.Y)
	a.int(l.K, l.Width)
	a.ptr(l.Step)
	return []Launch{strided(Regular, "top_k", l.Rows*l.Width, a)}, nil
}

// ChannelMeanGrad is dx[r,c,·] = g[c]/(n·A): g (C) → dx (B,C,A). One launch.
type ChannelMeanGrad struct {
	Channels
	G, DX driver.DevicePtr
}

// Launches returns the launch of channel_mean_grad.
func (l ChannelMeanGrad) Launches() ([]Launch, error) {
	if err := fail("channel-mean-grad", l.check(l.G, l.DX)...); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.G, l.DX)
	a.int(l.Channels.Channels, l.Area)
	a.ptr(l.Step)
	return []Launch{strided(Regular, "channel_mean_grad", l.Rows*l.Channels.Channels*l.Area, a)}, nil
}

// RateKL is the divergence of Width means from a rate, see op.RateKLDef, a
// scalar, in one launch of one block.
type RateKL struct {
	Step         driver.DevicePtr
	Width        int
	Rate         float64
	Means, Value driver.DevicePtr
}

// Launches returns the launch of rate_kl.
func (l RateKL) Launches() ([]Launch, error) {
	if err := fail("rate-kl", sizes("means", l.Width), pointers(l.Means, l.Value, l.Step)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.Means, l.Value)
	a.float(l.Rate)
	a.int(l.Width)
	a.ptr(l.Step)
	return []Launch{strided(Regular, "rate_kl", 1, a)}, nil
}

// RateKLGrad is the gradient of that by the means, times Factor, with a scalar
// also times that. One launch.
type RateKLGrad struct {
	Step         driver.DevicePtr
	Width        int
	Rate, Factor float64
	Scalar       driver.DevicePtr // 0: there is none
	Means, DM    driver.DevicePtr
}

// Launches returns the launch of rate_kl_grad.
func (l RateKLGrad) Launches() ([]Launch, error) {
	if err := fail("rate-kl-grad", sizes("means", l.Width), pointers(l.Means, l.DM, l.Step)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.Means, l.Scalar, l.DM)
	a.float(l.Rate, l.Factor)
	a.int(l.Width)
	a.ptr(l.Step)
	return []Launch{strided(Regular, "rate_kl_grad", l.Width, a)}, nil
}

// Decay is out = g + L1·sign(w) + 2·L2·w for Width values. One launch.
type Decay struct {
	Step      driver.DevicePtr
	Width     int
	L1, L2    float64
	G, W, Out driver.DevicePtr
}

// Launches returns the launch of decay.
func (l Decay) Launches() ([]Launch, error) {
	if err := fail("decay", sizes("weights", l.Width), pointers(l.G, l.W, l.Out, l.Step)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.G, l.W, l.Out)
	a.float(l.L1, 2*l.L2)
	a.int(l.Width)
	a.ptr(l.Step)
	return []Launch{strided(Regular, "decay", l.Width, a)}, nil
}
