//go:build !cpu

package cuda

import (
	"fmt"
	"testing"

	"aegis/cuda/internal/gpu"
	"aegis/cuda/kernels"
	"aegis/model/op"
)

// work is the least that an operation does: the bytes of all operands, each
// read or written once, and two gpu.Operations for each product that is added up
// in a matrix product or a convolution. Whatever else it computes is free.
type work struct {
	Bytes int64 `json:"bytes"`
	Flops int64 `json:"flops"`
}

// workOf counts the work of an operation on a whole batch.
func workOf(o gpu.Operation) (work, error) {
	switch o := o.(type) {
	case kernels.Linear:
		return floats(o.Rows*(o.In+o.Out)+o.Out*(o.In+1), o.Rows*o.In*o.Out), nil
	case kernels.LinearDX:
		slope := 0
		if o.Y != 0 {
			slope = o.Rows * o.In
		}
		return floats(o.Rows*(o.In+o.Out)+o.Out*o.In+slope, o.Rows*o.In*o.Out), nil
	case kernels.LinearDW:
		return floats(o.Rows*(o.In+o.Out)+o.Out*(o.In+1)*passes(o.Optimizer), o.Rows*o.In*o.Out), nil
	case kernels.Conv2d:
		return convolution(kernels.Convolution(o), o.Rows*o.O*o.OH*o.OW), nil
	case kernels.ConvTranspose2d:
		return convolution(kernels.Convolution(o), o.Rows*o.C*o.H*o.W), nil
	case kernels.ConvDW:
		images, weights := sides(o.Windows)
		if o.Transposed {
			weights += o.C
		} else {
			weights += o.O
		}
		return floats(o.Rows*images+weights*passes(o.Optimizer), o.Rows*products(o.Windows)), nil
	case kernels.Loss:
		n := 2
		if o.Grad != 0 {
			n++
		}
		if o.Y != 0 {
			n++
		}
		return floats(n*o.Rows*o.Width+1, 0), nil
	case kernels.Load:
		value := 5
		if o.Floats {
			value = 8
		}
		return work{Bytes: int64(o.Rows) * int64(value*o.Width+4)}, nil
	case kernels.Update:
		return floats(o.Count*(1+passes(&o.Optimizer)), 0), nil
	case kernels.ClipNorm:
		values := 1
		for _, g := range o.Gradients {
			values += g.Count
		}
		return floats(values, 0), nil
	}
	return plainWork(o)
}

// plainWork counts the operations that go through rows of values.
func plainWork(o gpu.Operation) (work, error) {
	switch o := o.(type) {
	case kernels.Activate:
		return floats(2*o.Rows*o.Width, 0), nil
	case kernels.Slope:
		return floats(3*o.Rows*o.Width, 0), nil
	case kernels.Add:
		if o.Whole {
			return floats(3*o.Width, 0), nil
		}
		return floats(3*o.Rows*o.Width, 0), nil
	case kernels.Mul:
		return floats(3*o.Rows*o.Width, 0), nil
	case kernels.Scale:
		if o.Whole {
			return floats(2*o.Width, 0), nil
		}
		return floats(2*o.Rows*o.Width, 0), nil
	case kernels.Lerp:
		return floats(3*o.Width, 0), nil
	case kernels.Copy:
		return floats(2*o.Rows*o.Width, 0), nil
	case kernels.Clamp:
		return floats(passesOf(o.DY != 0)*o.Rows*o.Width, 0), nil
	case kernels.Concat:
		return floats(2*o.Rows*(o.N+o.M), 0), nil
	case kernels.Columns:
		return floats(2*o.Rows*o.Count, 0), nil
	case kernels.Collect:
		return floats(2, 0), nil
	}
	return familyWork(o)
}

// passesOf is how often a value of a row is read or written: once each, and once
// more where a gradient is read too.
func passesOf(gradient bool) int {
	if gradient {
		return 3
	}
	return 2
}

// familyWork counts the operations of inputs, batch norm and variational networks.
func familyWork(o gpu.Operation) (work, error) {
	switch o := o.(type) {
	case kernels.Fetch:
		return floats(2, 0), nil
	case kernels.OneHot:
		return floats(o.Rows*(1+o.Width), 0), nil
	case kernels.Noise:
		return floats(o.Rows*o.Width, 0), nil
	case kernels.Drop:
		return floats(2*o.Rows*o.Width, 0), nil
	case kernels.Mixture:
		return floats(5*o.Rows, 0), nil
	case kernels.KLGrad:
		return floats(2*o.Rows*o.Width, 0), nil
	case kernels.Moments:
		return floats(o.Rows*o.Channels.Channels*o.Area+2*o.Channels.Channels, 0), nil
	case kernels.BatchNorm:
		return floats(2*o.Rows*o.Channels.Channels*o.Area+4*o.Channels.Channels, 0), nil
	case kernels.BatchNormSums:
		return floats(2*o.Rows*o.Channels.Channels*o.Area+4*o.Channels.Channels, 0), nil
	case kernels.BatchNormDX:
		return floats(3*o.Rows*o.Channels.Channels*o.Area+5*o.Channels.Channels, 0), nil
	}
	return work{}, fmt.Errorf("no count of the work of a %T", o)
}

func floats(values, products int) work {
	return work{Bytes: 4 * int64(values), Flops: 2 * int64(products)}
}

// passes is how often a value of a parameter's size is read or written: the
// gradient is written, or the parameter and its slots are read and written.
func passes(o *kernels.Optimizer) int {
	if o == nil {
		return 1
	}
	return 2 * (1 + len(o.Spec.Slots()))
}

// convolution counts a convolution with so many results.
func convolution(c kernels.Convolution, results int) work {
	images, values := sides(c.Windows)
	values += c.Rows * images
	if c.Bias != 0 {
		values += results / c.Rows
	}
	if c.Y != 0 {
		values += results
	}
	return floats(values, c.Rows*products(c.Windows))
}

// sides is the values of an image and of its windows' results, and those of
// the weights.
func sides(w kernels.Windows) (images, weights int) {
	return w.C*w.H*w.W + w.O*w.OH*w.OW, w.O * w.C * w.KH * w.KW
}

// products is how many products the windows of an image take, without those
// with padding.
func products(w kernels.Windows) int {
	return w.O * w.C * taps(w, 0, w.H, w.KH, w.OH) * taps(w, 1, w.W, w.KW, w.OW)
}

// taps counts along an axis the places of all windows that are in the image.
func taps(w kernels.Windows, axis, size, kernel, windows int) int {
	n := 0
	for i := range windows {
		for k := range kernel {
			if at := i*w.Window.Stride[axis] - w.Window.Padding[axis] + k; at >= 0 && at < size {
				n++
			}
		}
	}
	return n
}

func TestWork(t *testing.T) {
	batch := kernels.Batch{Rows: 2}
	windows := kernels.Windows{
		C: 1, H: 4, W: 4, O: 3, OH: 2, OW: 2, KH: 3, KW: 3, Window: op.Window{Stride: [2]int{2, 2}, Padding: [2]int{1, 1}},
	}
	for _, c := range []struct {
		name string
		o    gpu.Operation
		want work
	}{
		{"linear", kernels.Linear{Batch: batch, In: 5, Out: 3}, work{Bytes: 4 * (10 + 6 + 18), Flops: 60}},
		{"its weights", kernels.LinearDW{Batch: batch, In: 5, Out: 3}, work{Bytes: 4 * (10 + 6 + 18), Flops: 60}},
		{"a slope", kernels.LinearDX{Batch: batch, In: 5, Out: 3, Y: 1}, work{Bytes: 4 * (10 + 6 + 15 + 10), Flops: 60}},
		{"convolution", kernels.Conv2d{Batch: batch, Windows: windows}, work{Bytes: 4 * (2*(16+12) + 27), Flops: 2 * 2 * 3 * 5 * 5}},
		{"noise", kernels.Noise{Batch: batch, Width: 7}, work{Bytes: 4 * 14}},
		{"a clamp's gradient", kernels.Clamp{Batch: batch, Width: 7, DY: 1}, work{Bytes: 4 * 3 * 14}},
		{"batch norm", kernels.BatchNorm{Channels: kernels.Channels{Batch: batch, Channels: 3, Area: 5}}, work{Bytes: 4 * (2*30 + 12)}},
		{"norm of gradients", kernels.ClipNorm{Gradients: []kernels.Array{{Count: 7}, {Count: 2}}}, work{Bytes: 4 * 10}},
		{"load", kernels.Load{Batch: batch, Width: 7}, work{Bytes: 2 * (7 + 4 + 28)}},
	} {
		if got, err := workOf(c.o); err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
	if _, err := workOf(nil); err == nil {
		t.Error("no operation: got no error")
	}
}
