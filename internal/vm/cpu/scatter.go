package cpu

import "aegis/internal/vm/cpu/kernel"

// planar says that a position sees so few values of an image's row that as
// columns of a product they would leave most of a vector empty.
func (g window) planar() bool { return g.run() < 16 }

// startOf returns a padded image with a value for each channel, as scatter
// wants it.
func (w *worker) startOf(g window, channels []float32) []float32 {
	area := g.rows * g.cols
	if !g.planar() {
		return w.repeated(&w.start, channels, area)
	}
	planes := w.space(&w.start, area*g.channels)
	for c, v := range channels {
		for i := range area {
			planes[c*area+i] = v
		}
	}
	return planes
}

// scatter is image = start + what each position of small times the weights
// (N, kH·kW·C) adds to its patch.
func (w *worker) scatter(g window, small, weight, image, start []float32) {
	if g.planar() {
		w.scatterPlanes(g, small, weight, image, start)
	} else {
		w.scatterRows(g, small, weight, image, start)
	}
}

// repeated returns values again and again.
func (w *worker) repeated(s *[]float32, values []float32, times int) []float32 {
	all := w.space(s, len(values)*times)
	for i := range times {
		copy(all[i*len(values):], values)
	}
	return all
}

// scatterRows makes one product for each row of the kernel, which adds to the
// padded image. A group is the positions of a column: what they see does not
// overlap.
func (w *worker) scatterRows(g window, small, weight, image, start []float32) {
	k, inputs, sum := w.exec.machine.kernels, len(small)/g.positions(), image
	if !g.inside() {
		sum = w.space(&w.sum, len(start))
	}
	copy(sum, start)
	for y := range g.kernelH {
		w.product = kernel.Product{
			M: g.outH, N: g.run(), K: inputs, A: small, RowA: g.outW * inputs, ColA: 1,
			Groups: g.outW, GroupA: inputs, GroupC: g.strideW * g.channels,
			B: weight[y*g.run():], LdB: g.length(), C: sum[y*g.line():], LdC: g.strideH * g.line(), Accumulate: true,
		}
		k.Gemm(&w.product, w.scratch)
	}
	if !g.inside() {
		r := g.edge()
		r.DstRun, r.SrcRun = r.SrcRun, r.DstRun
		k.CopyRuns(image, sum[g.origin():], r)
	}
}

// scatterPlanes has the positions as columns. The product (kH·kW·C, positions)
// is a plane for each value of a patch, and planes are added to those of the
// padded image, a stride apart.
func (w *worker) scatterPlanes(g window, small, weight, image, start []float32) {
	k, positions, length, area := w.exec.machine.kernels, g.positions(), g.length(), g.rows*g.cols
	inputs := len(small) / positions
	columns, planes := w.space(&w.columns, len(small)), w.space(&w.planes, length*positions)
	k.Transpose(columns, positions, small, inputs, positions, inputs)
	w.product = kernel.Product{
		M: length, N: positions, K: inputs, A: weight, RowA: 1, ColA: length,
		B: columns, LdB: positions, C: planes, LdC: positions,
	}
	k.Gemm(&w.product, w.scratch)
	sum := w.space(&w.sum, len(start))
	copy(sum, start)
	for at := range length {
		y, x, c := at/g.run(), at/g.channels%g.kernelW, at%g.channels
		k.AddSpread(sum[c*area+y*g.cols+x:], planes[at*positions:], g.outH, g.outW, g.strideW, g.strideH*g.cols, g.outW)
	}
	r := kernel.Runs{
		Places: g.channels, Runs: g.height, Length: g.width,
		DstPlace: g.height * g.width, DstRun: g.width, SrcPlace: area, SrcRun: g.cols,
	}
	from := sum[g.top*g.cols+g.left:]
	if g.channels == 1 {
		k.CopyRuns(image, from, r)
		return
	}
	planar := w.space(&w.planar, len(image))
	k.CopyRuns(planar, from, r)
	k.Transpose(image, g.channels, planar, r.DstPlace, g.channels, r.DstPlace)
}
