package plan

import (
	"errors"
	"fmt"
	"slices"

	"aegis/model/op"
)

// Convolutions.
const (
	Conv2d   Op = "conv2d"    // (rows) y ← x, w, b; Window, Activation
	Conv2dDX Op = "conv2d-dx" // (rows) dx ← dz, w, [y]; Window, Slope
	Conv2dDW Op = "conv2d-dw" // (sum)  dw, db ← dz, x, [slots…]; Window, Update
)

var conv2dFamily = family{
	decode: decodeConv2d,
	rules: []rule{
		{
			op: Conv2d, layer: Conv2d, dst: []role{rows}, src: []role{rows, weights, whole}, activation: true,
			window: func(in Instr) (image, small, weights int) { return in.Src[0], in.Dst[0], in.Src[1] },
			shapes: func(o operands) error { return o.window(o.src(2), o.dst(0)) },
			flops:  windowFLOPs, name: layerName, detail: windowDetail,
		},
		{
			op: Conv2dDX, layer: Conv2d, dst: []role{rows}, src: []role{rows, weights}, slope: maybe, scatters: true,
			window: func(in Instr) (image, small, weights int) { return in.Dst[0], in.Src[0], in.Src[1] },
			shapes: func(o operands) error { return o.window(nil, nil) },
			flops:  windowFLOPs, name: dxName, detail: windowDetail,
		},
		{
			op: Conv2dDW, layer: Conv2d, sum: true, dst: []role{weights, whole}, src: []role{rows, rows}, merges: true,
			window: func(in Instr) (image, small, weights int) { return in.Src[1], in.Src[0], in.Dst[0] },
			shapes: func(o operands) error { return o.window(o.dst(1), o.src(0)) },
			flops:  windowFLOPs, detail: windowDetail, beside: biasBeside,
		},
	},
}

func decodeConv2d(d *decoder, n node) (int, error) {
	switch def := n.def.(type) {
	case op.Conv2dDef:
		return d.emit(n, Instr{Op: Conv2d, Activation: def.Activation, Window: def.Window}, n.in...)
	case op.Conv2dDXDef:
		return d.emit(n, Instr{Op: Conv2dDX, Window: def.Window}, n.in...)
	case op.Conv2dDWDef:
		return d.emit(n, Instr{Op: Conv2dDW, Window: def.Window}, n.in...)
	}
	return 0, errUnknown
}

// Windowed is a convolution seen from its larger side: a kernel that moves
// over image (B,C,H,W) and stops at each position of small (B,O,h,w), with
// weights (O,C,kH,kW). The two sides of a transposed convolution, and those
// of a gradient by the image, are written and read the other way around.
func (in Instr) Windowed() (image, small, weights int) {
	if window := in.Op.rule().window; window != nil {
		return window(in)
	}
	return -1, -1, -1
}

// Whole says that the only patch of a convolution, a transposed one or one of
// their gradients is the whole image: it is then a linear layer.
func (p *Plan) Whole(in Instr) bool {
	i, s, w := in.Windowed()
	image, small, kernel := p.Buffers[i].Shape, p.Buffers[s].Shape, p.Buffers[w].Shape
	return small[2]*small[3] == 1 && image[2] == kernel[2] && image[3] == kernel[3] && in.Window.Padding == [2]int{}
}

// Scatters says that an instruction adds patches to an image: a transposed
// convolution or the gradient of a convolution by its image, unless the only
// patch is the whole image. The values of a patch are then columns of a product.
// Linear layers go back through the matrix as it is: a copy of big weights costs
// more to keep than it saves.
func (p *Plan) Scatters(in Instr) bool { return in.Op.rule().scatters && !p.Whole(in) }

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

// windowFLOPs multiplies and adds every weight at each position of each row.
func windowFLOPs(p *Plan, in Instr) float64 {
	_, small, _ := in.Windowed()
	s := p.Buffers[small].Shape
	return p.productFLOPs(in, s[0]*s[2]*s[3])
}

func windowDetail(in Instr) string {
	return fmt.Sprintf("/%d,%d +%d,%d", in.Window.Stride[0], in.Window.Stride[1], in.Window.Padding[0], in.Window.Padding[1])
}
