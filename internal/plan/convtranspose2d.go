package plan

import "aegis/model/op"

// Transposed convolutions: the image is what a layer writes.
const (
	ConvTranspose2d   Op = "convtranspose2d"    // (rows) y ← x, w, b; Window, Activation
	ConvTranspose2dDX Op = "convtranspose2d-dx" // (rows) dx ← dz, w, [y]; Window, Slope
	ConvTranspose2dDW Op = "convtranspose2d-dw" // (sum)  dw, db ← dz, x, [slots…]; Window, Update
)

var convTranspose2dFamily = family{
	decode: decodeConvTranspose2d,
	rules: []rule{
		{
			op: ConvTranspose2d, layer: ConvTranspose2d, dst: []role{rows}, src: []role{rows, weights, whole}, activation: true, scatters: true,
			window: func(in Instr) (image, small, weights int) { return in.Dst[0], in.Src[0], in.Src[1] },
			shapes: func(o operands) error { return o.window(o.src(2), o.dst(0)) },
			flops:  windowFLOPs, name: layerName, detail: windowDetail,
		},
		{
			op: ConvTranspose2dDX, layer: ConvTranspose2d, dst: []role{rows}, src: []role{rows, weights}, slope: maybe,
			window: func(in Instr) (image, small, weights int) { return in.Src[0], in.Dst[0], in.Src[1] },
			shapes: func(o operands) error { return o.window(nil, nil) },
			flops:  windowFLOPs, name: dxName, detail: windowDetail,
		},
		{
			op: ConvTranspose2dDW, layer: ConvTranspose2d, sum: true, dst: []role{weights, whole}, src: []role{rows, rows}, merges: true,
			window: func(in Instr) (image, small, weights int) { return in.Src[0], in.Src[1], in.Dst[0] },
			shapes: func(o operands) error { return o.window(o.dst(1), o.src(0)) },
			flops:  windowFLOPs, detail: windowDetail, beside: biasBeside,
		},
	},
}

func decodeConvTranspose2d(d *decoder, n node) (int, error) {
	switch def := n.def.(type) {
	case op.ConvTranspose2dDef:
		return d.emit(n, Instr{Op: ConvTranspose2d, Activation: def.Activation, Window: def.Window}, n.in...)
	case op.ConvTranspose2dDXDef:
		return d.emit(n, Instr{Op: ConvTranspose2dDX, Window: def.Window}, n.in...)
	case op.ConvTranspose2dDWDef:
		return d.emit(n, Instr{Op: ConvTranspose2dDW, Window: def.Window}, n.in...)
	}
	return 0, errUnknown
}
