//go:build !cpu

package gorgoniavm

import (
	"fmt"

	G "gorgonia.org/gorgonia"
)

// globalAverage is the mean over all pixels of a channel: (B,C,H,W) → (B,C,1,1).
func (l *lowering) globalAverage(n *G.Node, in []*G.Node) error {
	s := in[0].Shape()
	shape := []int{s[0] * s[1]}
	sum := l.take(shape[0])
	l.foldAxes(sum, whole(l.at[in[0]], s), s, []int{2, 3}, false)
	l.do(mapping{function: "÷", shape: shape, y: whole(l.at[n], shape), a: whole(sum, shape), b: repeated(l.scalar(float32(s[2]*s[3])), shape)})
	return nil
}

// pooling is how windows lie on images: (B·C,H,W), with zeros around.
type pooling struct {
	images, h, w     int // of the image
	outH, outW       int
	kH, kW           int
	top, left        int // zeros before
	strideH, strideW int
}

func (l *lowering) pooling(n *G.Node, image, pooled []int) (pooling, error) {
	f := fieldsOf(n.Op())
	p := pooling{
		images: image[0] * image[1], h: image[2], w: image[3], outH: pooled[2], outW: pooled[3],
		kH: f.int("h"), kW: f.int("w"), top: f.int("padNorth"), left: f.int("padWest"), strideH: f.int("strideH"), strideW: f.int("strideW"),
	}
	if f.bool("explicitPadding") { // as Gorgonia has it
		p.top, p.left = f.int("padSouth"), f.int("padEast")
	}
	return p, f.err
}

// padded is the shape with zeros around.
func (p pooling) padded() []int {
	return []int{p.images, max(p.h+p.top, (p.outH-1)*p.strideH+p.kH), max(p.w+p.left, (p.outW-1)*p.strideW+p.kW)}
}

// inner is the image within the padded ones.
func (p pooling) inner(padded view) view {
	return padded.from(p.top*padded.strides[1] + p.left*padded.strides[2])
}

func (p pooling) area() float32 { return float32(p.kH * p.kW) }

// average is the mean over the pixels of a window, zeros around the image among them,
// as PyTorch's avg_pool2d has it. Gorgonia's own divides by the width of the image.
func (l *lowering) average(n *G.Node, in []*G.Node) error {
	p, err := l.pooling(n, in[0].Shape(), n.Shape())
	if err != nil {
		return err
	}
	shape := []int{p.images, p.h, p.w}
	x, padded := whole(l.at[in[0]], shape), p.padded()
	if padded[1] != p.h || padded[2] != p.w {
		around := whole(l.take(size(padded)), padded)
		all := []int{size(padded)}
		l.do(mapping{function: "fill", shape: all, y: whole(around.ptr, all)})
		l.do(mapping{function: "copy", shape: shape, y: p.inner(around), a: x})
		x = around
	}
	windows := []int{p.images, p.outH, p.outW, p.kH, p.kW}
	v := view{ptr: x.ptr, strides: []int{x.strides[0], p.strideH * x.strides[1], p.strideW * x.strides[2], x.strides[1], x.strides[2]}}
	y, flat := l.flat(n)
	sum := l.take(flat[0])
	l.foldAxes(sum, v, windows, []int{3, 4}, false)
	l.do(mapping{function: "÷", shape: flat, y: y, a: whole(sum, flat), b: repeated(l.scalar(p.area()), flat)})
	return nil
}

// averageGrad gives each pixel of a window its part of the gradient: input, output and
// the gradient by that.
func (l *lowering) averageGrad(n *G.Node, in []*G.Node) error {
	pooled := in[1].Shape()
	p, err := l.pooling(n, in[0].Shape(), pooled)
	if err != nil {
		return err
	}
	const most = 1024 // launches
	if p.kH*p.kW > most {
		return fmt.Errorf("a window of %d by %d; want at most %d pixels", p.kH, p.kW, most)
	}
	flat := []int{size(pooled)}
	part := l.take(flat[0])
	l.do(mapping{function: "÷", shape: flat, y: whole(part, flat), a: whole(l.at[in[2]], flat), b: repeated(l.scalar(p.area()), flat)})
	padded := p.padded()
	around, all := whole(l.take(size(padded)), padded), []int{size(padded)}
	l.do(mapping{function: "fill", shape: all, y: whole(around.ptr, all)})
	windows := []int{p.images, p.outH, p.outW}
	for u := range p.kH {
		for v := range p.kW {
			place := around.from(u*around.strides[1] + v*around.strides[2])
			place.strides = []int{around.strides[0], p.strideH * around.strides[1], p.strideW * around.strides[2]}
			l.do(mapping{function: "+", shape: windows, y: place, a: place, b: whole(part, windows)})
		}
	}
	shape := []int{p.images, p.h, p.w}
	l.do(mapping{function: "copy", shape: shape, y: whole(l.at[n], shape), a: p.inner(around)})
	return nil
}

// upsample repeats pixels: (B,C,H,W) → (B,C,s·H,s·W).
func (l *lowering) upsample(n *G.Node, in []*G.Node) error {
	f := fieldsOf(n.Op())
	s, by := in[0].Shape(), f.int("stride")+1
	if f.err != nil {
		return f.err
	}
	shape := []int{s[0] * s[1], s[2], by, s[3], by}
	l.do(mapping{function: "copy", shape: shape, y: whole(l.at[n], shape), a: view{ptr: l.at[in[0]], strides: []int{s[2] * s[3], s[3], 0, 1, 0}}})
	return nil
}

// upsampleGrad adds up what a pixel became: input, output and the gradient by that.
func (l *lowering) upsampleGrad(n *G.Node, in []*G.Node) error {
	f := fieldsOf(n.Op())
	s, by := in[0].Shape(), f.int("stride")+1
	if f.err != nil {
		return f.err
	}
	shape := []int{s[0] * s[1], s[2], by, s[3], by}
	l.foldAxes(l.at[n], whole(l.at[in[2]], shape), shape, []int{2, 4}, false)
	return nil
}
