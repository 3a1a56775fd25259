package model

// fullyConnected is P → hidden… → Z → …hidden → P.
func (s Spec) fullyConnected() network {
	widths := append(append([]int{s.row().Size()}, s.Hidden...), s.Latent)
	var n network
	for i := 1; i < len(widths); i++ {
		n.encoder = append(n.encoder, Layer{Kind: Linear, In: []int{widths[i-1]}, Out: []int{widths[i]}})
	}
	for i := len(widths) - 1; i > 0; i-- {
		n.decoder = append(n.decoder, Layer{Kind: Linear, In: []int{widths[i]}, Out: []int{widths[i-1]}})
	}
	return n
}
