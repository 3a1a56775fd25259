package kernels

import (
	"fmt"

	"aegis/cuda/driver"
	"aegis/data/philox"
)

// Fetch copies a number of the step with index i to Y: the float at Scalars +
// 4·i·Stride. One launch.
type Fetch struct {
	Step    driver.DevicePtr
	Scalars driver.DevicePtr
	Stride  int
	Y       driver.DevicePtr // a scalar
}

// Launches returns the launch of fetch.
func (l Fetch) Launches() ([]Launch, error) {
	if err := fail("fetch", pointers(l.Scalars, l.Y, l.Step), sizes("stride", l.Stride)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.Scalars, l.Y)
	a.int(l.Stride)
	a.ptr(l.Step)
	return []Launch{{
		Family: Inputs, Kernel: "fetch", Args: a,
		Grid: driver.Dim3{X: 1, Y: 1, Z: 1}, Block: driver.Dim3{X: 1, Y: 1, Z: 1},
	}}, nil
}

// OneHot is y[r,k] = 1 where k is the class of row r, else 0: y (B,K), and all
// of a row 0 where its class is -1. One launch.
type OneHot struct {
	Batch
	Width   int              // K
	Classes driver.DevicePtr // int32: those of all rows of the run, step after step
	Y       driver.DevicePtr
}

// Launches returns the launch of one_hot.
func (l OneHot) Launches() ([]Launch, error) {
	if err := fail("one-hot", sizes("labels", l.Rows, l.Width), pointers(l.Classes, l.Y, l.Step)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.Classes, l.Y)
	a.int(l.Width)
	a.ptr(l.Step)
	return []Launch{strided(Inputs, "one_hot", l.Rows*l.Width, a)}, nil
}

// NoiseKind is a distribution, by the number that kernels know it by.
type NoiseKind int

// The distributions of package philox, as in inputs.cu.
const (
	Uniform   NoiseKind = iota // [philox.Stream.Uniforms]
	Bernoulli                  // [philox.Stream.Bernoullis]
	Normal                     // [philox.Stream.Normals]
)

// Noise fills y (B,P) with random numbers, to the bits of package philox. They
// belong to the step's number since the start of training and to the place in
// its batch; or ByRow to step 0 and to a row's number: the one in Numbers,
// where the rows of all steps of the run lie, or where that is 0 First and
// those behind it. One launch.
type Noise struct {
	Batch
	Width   int // P
	Kind    NoiseKind
	P       float64 // Bernoulli: the chance of a 1
	Stream  philox.Stream
	ByRow   bool
	Numbers driver.DevicePtr // int32
	First   int
	Y       driver.DevicePtr
}

// Launches returns the launch of noise: a thread for four numbers.
func (l Noise) Launches() ([]Launch, error) {
	if err := l.check("noise"); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.Y, l.Numbers)
	a.int(l.Width, int(l.Kind))
	return []Launch{strided(Inputs, "noise", l.Rows*ceil(l.Width, 4), l.place(a))}, nil
}

// check says what is wrong.
func (l Noise) check(name string, more ...error) error {
	var err error
	switch {
	case l.Kind < Uniform || l.Kind > Normal:
		err = fmt.Errorf("unknown kind of noise %d", l.Kind)
	case !(l.P >= 0 && l.P <= 1):
		err = fmt.Errorf("chance %v; want a number in [0, 1]", l.P)
	case !l.ByRow && (l.Numbers != 0 || l.First != 0):
		err = fmt.Errorf("numbers of rows for noise that belongs to places")
	}
	return fail(name, append(more, err, sizes("batch", l.Rows, l.Width), pointers(l.Y, l.Step))...)
}

// place adds what says which numbers are drawn.
func (l Noise) place(a args) args {
	byRow := 0
	if l.ByRow {
		byRow = 1
	}
	a = append(a, driver.Uint32(philox.Threshold(l.P)))
	a.int(byRow, l.First)
	a = append(a, driver.Uint32(uint32(l.Stream.Seed)), driver.Uint32(uint32(l.Stream.Seed>>32)), driver.Uint32(uint32(l.Stream.Purpose)))
	a.ptr(l.Step)
	return a
}

// Drop is y = x·Factor where Bernoulli noise is 1, else x·0: x, y (B,P). One
// launch.
type Drop struct {
	Noise  // of kind Bernoulli
	X      driver.DevicePtr
	Factor float64
}

// Launches returns the launch of drop: a thread for four numbers.
func (l Drop) Launches() ([]Launch, error) {
	var err error
	if l.Kind != Bernoulli {
		err = fmt.Errorf("noise of kind %d; want Bernoulli", l.Kind)
	}
	if err := l.check("drop", err, pointers(l.X)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.X, l.Y, l.Numbers)
	a.int(l.Width)
	a = append(a, driver.Float32(float32(l.Factor)))
	return []Launch{strided(Inputs, "drop", l.Rows*ceil(l.Width, 4), l.place(a))}, nil
}
