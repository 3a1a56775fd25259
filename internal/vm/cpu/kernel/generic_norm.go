package kernel

// affineGeneric is
//
//	for i := range dst {
//		dst[i] = x[i]*scale[i] + shift[i]
//	}
func affineGeneric(dst, x, scale, shift []float32) {
	x, scale, shift = x[:len(dst)], scale[:len(dst)], shift[:len(dst)]
	for i, v := range x {
		dst[i] = float32(v*scale[i]) + shift[i]
	}
}

// affineReLUGeneric is
//
//	for i := range dst {
//		dst[i] = max(0, x[i]*scale[i]+shift[i])
//	}
func affineReLUGeneric(dst, x, scale, shift []float32) {
	affineGeneric(dst, x, scale, shift)
	reluGeneric(dst, dst, 0)
}

// affine2Generic is
//
//	for i := range dst {
//		dst[i] = shift[i] + x[i]*scale[i] + y[i]*scaleY[i]
//	}
func affine2Generic(dst, x, scale, y, scaleY, shift []float32) {
	x, scale, y, scaleY, shift = x[:len(dst)], scale[:len(dst)], y[:len(dst)], scaleY[:len(dst)], shift[:len(dst)]
	for i, v := range x {
		sum := shift[i] + float32(v*scale[i])
		dst[i] = sum + float32(y[i]*scaleY[i])
	}
}

// addSquaresGeneric is
//
//	for i := range dst {
//		dst[i] += (x[i]-mean[i])*(x[i]-mean[i])
//	}
func addSquaresGeneric(dst, x, mean []float32) {
	x, mean = x[:len(dst)], mean[:len(dst)]
	for i, v := range x {
		d := v - mean[i]
		dst[i] += float32(d * d)
	}
}

// addCentredGeneric is
//
//	for i := range dst {
//		dst[i] += (x[i]-mean[i])*g[i]
//		sum[i] += g[i]
//	}
func addCentredGeneric(dst, sum, x, mean, g []float32) {
	x, sum, mean, g = x[:len(dst)], sum[:len(dst)], mean[:len(dst)], g[:len(dst)]
	for i, v := range x {
		d := v - mean[i]
		dst[i] += float32(d * g[i])
		sum[i] += g[i]
	}
}
