package plan

import (
	"errors"
	"fmt"
	"slices"

	"aegis/model/op"
)

// checkOperands checks the number of every instruction's operands and their
// shapes.
func (p *Plan) checkOperands() error {
	return p.each(func(ph *Phase, _ int, in Instr) error {
		o := operands{plan: p, in: in, slots: len(ph.Optimizer.Slots())}
		if err := o.counts(); err != nil {
			return err
		}
		if err := o.shapes(); err != nil {
			return fmt.Errorf("%w: %s", err, o)
		}
		return nil
	})
}

// operands is an instruction under examination.
type operands struct {
	plan  *Plan
	in    Instr
	slots int // that the optimizer keeps for a parameter
}

// String lists the operands' shapes.
func (o operands) String() string {
	list := func(buffers []int) (shapes [][]int) {
		for _, v := range buffers {
			shapes = append(shapes, o.plan.Buffers[v].Shape)
		}
		return shapes
	}
	return fmt.Sprintf("%v ← %v", list(o.in.Dst), list(o.in.Src))
}

func (o operands) dst(i int) []int { return o.plan.Buffers[o.in.Dst[i]].Shape }
func (o operands) src(i int) []int { return o.plan.Buffers[o.in.Src[i]].Shape }

// counts checks how many operands there are, and that there are such buffers.
func (o operands) counts() error {
	dst, src := 1, 1
	copies := false // one more result is allowed
	switch in := o.in; in.Op {
	case Load:
		src = 0
	case Linear, Conv2d, ConvTranspose2d:
		src = 3
	case LinearDX, Conv2dDX, ConvTranspose2dDX, Loss, Add, AddSums:
		src = 2
	case Slope:
		src = 2
		if in.Slope == op.None {
			return errors.New("has no slope")
		}
	case LinearDW, Conv2dDW, ConvTranspose2dDW:
		dst, src = 2, 2
		if in.Update {
			src += 2 * o.slots
			copies = true
		}
	case LossGrad:
		dst, src = 2, 2
	case Update:
		src = 1 + o.slots
		copies = true
	case Activate, Pack, biasGrad, reshape:
	default:
		return errors.New("no such instruction")
	}
	if o.in.Slope != op.None && o.in.Op != Slope {
		if !isDX(o.in.Op) && o.in.Op != LossGrad {
			return errors.New("cannot have a slope")
		}
		src++
	}
	if got := len(o.in.Dst); got != dst && !(copies && got == dst+1) {
		return fmt.Errorf("want %d results, got %d", dst, got)
	}
	if got := len(o.in.Src); got != src {
		return fmt.Errorf("want %d sources, got %d", src, got)
	}
	for _, v := range slices.Concat(o.in.Dst, o.in.Src) {
		if v < 0 || v >= len(o.plan.Buffers) {
			return fmt.Errorf("no buffer #%d", v)
		}
	}
	return nil
}

// shapes checks shapes against the instruction's rule.
func (o operands) shapes() error {
	if o.in.Op.PerRow() {
		if err := o.batches(); err != nil {
			return err
		}
	}
	if o.in.Slope != op.None && !slices.Equal(o.src(len(o.in.Src)-1), o.dst(len(o.in.Dst)-1)) {
		return errors.New("want the slope's y in the result's shape")
	}
	switch o.in.Op {
	case Linear:
		return o.linear(o.src(0), o.dst(0), o.src(1), o.src(2))
	case LinearDX:
		return o.linear(o.dst(0), o.src(0), o.src(1), nil)
	case LinearDW:
		return o.linear(o.src(1), o.src(0), o.dst(0), o.dst(1))
	case Conv2d, ConvTranspose2d:
		return o.window(o.src(2), o.dst(0))
	case Conv2dDX, ConvTranspose2dDX:
		return o.window(nil, nil)
	case Conv2dDW, ConvTranspose2dDW:
		return o.window(o.dst(1), o.src(0))
	case biasGrad:
		if dz, db := o.src(0), o.dst(0); len(db) != 1 || len(dz) < 2 || dz[1] != db[0] {
			return errors.New("want dz (B,O,…), db (O)")
		}
	case Loss, LossGrad:
		if pred := o.src(0); len(o.dst(0)) != 0 || !slices.Equal(pred, o.src(1)) ||
			o.in.Op == LossGrad && !slices.Equal(pred, o.dst(1)) {
			return errors.New("want a scalar ← pred (B,…), target (B,…)")
		}
	case Activate, Slope, Add, AddSums, Update:
		for i := range o.in.Src {
			if !slices.Equal(o.src(i), o.dst(0)) {
				return errors.New("want all of one shape")
			}
		}
	case reshape, Pack:
		if o.plan.Buffers[o.in.Src[0]].Size() != o.plan.Buffers[o.in.Dst[0]].Size() {
			return errors.New("want as many values")
		}
	}
	return nil
}

// batches wants the batch as first dimension of what has rows.
func (o operands) batches() error {
	rows := func(v int) error {
		if s := o.plan.Buffers[v].Shape; len(s) == 0 || s[0] != o.plan.Batch {
			return fmt.Errorf("want %d rows in %s", o.plan.Batch, o.plan.label(v))
		}
		return nil
	}
	list := slices.Clone(o.in.Src)
	if isProduct(o.in.Op) || isDX(o.in.Op) {
		list = append(list[:1], list[1+len(o.weights()):]...)
	}
	if o.in.Op == Loss || o.in.Op == LossGrad {
		list = append(list, o.in.Dst[1:]...)
	} else {
		list = append(list, o.in.Dst...)
	}
	for _, v := range list {
		if err := rows(v); err != nil {
			return err
		}
	}
	return nil
}

// weights returns the sources that are parameters of a product.
func (o operands) weights() []int {
	if isProduct(o.in.Op) {
		return o.in.Src[1:3]
	}
	return o.in.Src[1:2]
}

// linear checks x (B,I), y (B,O), w (O,I), b (O), or nil where there is none.
func (o operands) linear(x, y, w, b []int) error {
	if len(x) != 2 || len(y) != 2 || len(w) != 2 || x[0] != y[0] || w[0] != y[1] || w[1] != x[1] ||
		b != nil && !slices.Equal(b, y[1:]) {
		return errors.New("want inputs (B,I), outputs (B,O), weights (O,I), bias (O)")
	}
	return nil
}

// window checks a convolution from its larger side, and the bias of what the
// layer's result, or its gradient, is.
func (o operands) window(bias, result []int) error {
	i, s, k := o.in.Windowed()
	image, small, w := o.plan.Buffers[i].Shape, o.plan.Buffers[s].Shape, o.plan.Buffers[k].Shape
	if len(image) != 4 || len(small) != 4 || len(w) != 4 || image[0] != small[0] || w[0] != small[1] || w[1] != image[1] {
		return errors.New("want an image (B,C,H,W), its windows (B,O,oH,oW), weights (O,C,kH,kW)")
	}
	for axis := range 2 {
		stride, padding := o.in.Window.Stride[axis], o.in.Window.Padding[axis]
		if stride < 1 || padding < 0 {
			return fmt.Errorf("want a stride of at least 1 and a padding of at least 0, got %v", o.in.Window)
		}
		room := image[2+axis] + 2*padding - w[2+axis]
		if room < 0 || room/stride+1 != small[2+axis] {
			return fmt.Errorf("%v does not take the image to its windows", o.in.Window)
		}
	}
	if bias != nil && !slices.Equal(bias, result[1:2]) {
		return errors.New("want a bias for each channel of the result")
	}
	return nil
}
