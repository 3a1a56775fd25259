package kernels

import "aegis/cuda/driver"

// Mixture is draws of Components Gaussians whose centres lie on a circle, see
// op.MixtureDef: normal (B,2) and uniform (B,1) noise → z (B,2). Cos and Sin are of
// the angle from one centre to the next. One launch.
type Mixture struct {
	Batch
	Components                  int
	Radius, Deviation, Cos, Sin float64
	Normal, Uniform, Z          driver.DevicePtr
}

// Launches returns the launch of mixture.
func (l Mixture) Launches() ([]Launch, error) {
	if err := fail("mixture", sizes("z", l.Rows), sizes("components", l.Components), pointers(l.Normal, l.Uniform, l.Z, l.Step)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.Normal, l.Uniform, l.Z)
	a.float(l.Radius, l.Deviation, l.Cos, l.Sin)
	a.int(l.Components)
	a.ptr(l.Step)
	return []Launch{strided(Inputs, "mixture", l.Rows, a)}, nil
}
