package model

import "aegis/model/op"

// halving is the window of the convolutions that halve an image: 3×3 kernels.
var halving = op.Window{Stride: [2]int{2, 2}, Padding: [2]int{1, 1}}

// convolutional halves the image once for each hidden channel count, takes
// what is left (7×7 of 28×28 after two) in one kernel to a code (Z,1,1), and
// goes the same way back. An output padding restores even sizes.
func (s Spec) convolutional() network {
	shapes := [][]int{{s.Image[0], s.Image[1], s.Image[2]}}
	hidden, width := s.Hidden, s.Latent
	if s.Variational() { // the last width is that of the one kernel, before the code
		last := len(hidden) - 1
		hidden, width = hidden[:last], hidden[last]
	}
	for _, channels := range hidden {
		last := shapes[len(shapes)-1]
		shapes = append(shapes, []int{channels, (last[1] + 1) / 2, (last[2] + 1) / 2})
	}
	last := shapes[len(shapes)-1]
	code := []int{width, 1, 1}
	whole := Layer{Kernel: [2]int{last[1], last[2]}, Window: op.Window{Stride: [2]int{1, 1}}}

	var n network
	for i := 1; i < len(shapes); i++ {
		n.encoder = append(n.encoder, Layer{
			Kind: Conv2d, In: shapes[i-1], Out: shapes[i], Kernel: [2]int{3, 3}, Window: halving,
		})
	}
	down, up := whole, whole
	down.Kind, down.In, down.Out = Conv2d, last, code
	up.Kind, up.In, up.Out = ConvTranspose2d, code, last
	n.encoder, n.decoder = append(n.encoder, down), append(n.decoder, up)
	for i := len(shapes) - 1; i > 0; i-- {
		to := shapes[i-1]
		n.decoder = append(n.decoder, Layer{
			Kind: ConvTranspose2d, In: shapes[i], Out: to, Kernel: [2]int{3, 3}, Window: halving,
			OutputPadding: [2]int{1 - to[1]%2, 1 - to[2]%2},
		})
	}
	return n
}
