package kernels

import (
	"errors"
	"slices"

	"aegis/cuda/driver"
	"aegis/model/optim"
)

// Array is Count values on the device.
type Array struct {
	Ptr   driver.DevicePtr
	Count int
}

// ClipNorm gives what gradients are multiplied by so that their norm is within
// Clip.Norm, values bounded by Clip.Value first: Factor = [optim.Clip.Factor] of
// the sum of their squares. A launch for each 16 gradients and one more.
type ClipNorm struct {
	Step      driver.DevicePtr
	Clip      optim.Clip
	Gradients []Array
	Scratch   driver.DevicePtr // ScratchFloats floats, used during the launches, aligned to 8 bytes
	Factor    driver.DevicePtr // a scalar
}

// A launch of squares has so many arrays, and at most so many blocks for each.
const (
	clipArrays = 16
	clipBlocks = 256
)

// width is the blocks for each gradient: as many as the largest one keeps busy.
func (l ClipNorm) width() int {
	most := 1
	for _, g := range l.Gradients {
		most = max(most, g.Count)
	}
	return min(ceil(most, 4*threads), clipBlocks)
}

// ScratchFloats is the memory that the launches need: a double for each block.
func (l ClipNorm) ScratchFloats() int { return 2 * l.width() * len(l.Gradients) }

// Launches returns the launches of squares and that of clip_factor.
func (l ClipNorm) Launches() ([]Launch, error) {
	errs := []error{pointers(l.Step, l.Scratch, l.Factor), l.Clip.Validate()}
	if l.Clip.Norm == 0 || len(l.Gradients) == 0 {
		errs = append(errs, errors.New("want a norm that bounds one gradient at least"))
	}
	for _, g := range l.Gradients {
		errs = append(errs, pointers(g.Ptr), sizes("gradient", g.Count))
	}
	if err := fail("clip-norm", errs...); err != nil {
		return nil, err
	}
	width, at := l.width(), l.Scratch
	var list []Launch
	for some := range slices.Chunk(l.Gradients, clipArrays) {
		var a args
		for i := range clipArrays {
			g := some[min(i, len(some)-1)] // what no block has is not read
			a.ptr(g.Ptr)
			a.int(g.Count)
		}
		a.ptr(at)
		a.float(float64(l.Clip.Limit()))
		a.ptr(l.Step)
		list = append(list, Launch{
			Family: Clip, Kernel: "squares", Args: a,
			Grid: driver.Dim3{X: uint32(width), Y: uint32(len(some)), Z: 1}, Block: driver.Dim3{X: threads, Y: 1, Z: 1},
		})
		at += driver.DevicePtr(8 * width * len(some))
	}
	var a args
	a.ptr(l.Scratch)
	a.int(width * len(l.Gradients))
	a.float(l.Clip.Norm)
	a.ptr(l.Factor, l.Step)
	return append(list, Launch{
		Family: Clip, Kernel: "clip_factor", Args: a,
		Grid: driver.Dim3{X: 1, Y: 1, Z: 1}, Block: driver.Dim3{X: threads, Y: 1, Z: 1},
	}), nil
}
