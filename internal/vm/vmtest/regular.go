package vmtest

import "aegis/model"

// RegularNetworks are regularised ones: batch norm, dropout, noise in what is
// read, penalties on codes and weights.
func RegularNetworks() map[string]model.Spec {
	return map[string]model.Spec{
		"batch norm": network(model.FullyConnected, [3]int{1, 5, 7}, []int{33, 17}, 3, 5, func(s *model.Spec) {
			s.BatchNorm, s.ActivateCode = true, true
		}),
		"conv batch norm": network(model.Convolutional, [3]int{2, 7, 6}, []int{5, 18}, 4, 4, func(s *model.Spec) {
			s.BatchNorm, s.Activation = true, "leakyrelu"
		}),
		"batch norm gelu": network(model.Convolutional, [3]int{1, 6, 6}, []int{16}, 4, 9, func(s *model.Spec) {
			s.BatchNorm, s.Activation, s.Dropout = true, "gelu", 0.25
		}),
		"gaussian": network(model.FullyConnected, [3]int{1, 5, 7}, []int{13}, 3, 5, func(s *model.Spec) {
			s.Corrupt, s.Sparse = "gaussian:0.5", "l1:0.5"
		}),
		"mask": network(model.Convolutional, [3]int{2, 5, 7}, []int{13}, 8, 5, func(s *model.Spec) {
			s.Corrupt, s.Sparse, s.Output = "mask:0.25", "topk:3", "tanh"
		}),
		"salt and pepper": network(model.Convolutional, [3]int{1, 6, 4}, []int{7}, 4, 3, func(s *model.Spec) {
			s.Corrupt, s.CodeL2, s.Loss = "saltpepper:0.25", 0.5, model.BCE
		}),
		"rate": network(model.FullyConnected, [3]int{1, 5, 7}, []int{13}, 6, 4, func(s *model.Spec) {
			s.Sparse, s.Activation, s.ActivateCode = "kl:0.125:0.5", "sigmoid", true
		}),
		"decay": network(model.FullyConnected, [3]int{1, 5, 7}, []int{13}, 6, 4, func(s *model.Spec) { s.L1, s.L2 = 0.01, 0.02 }),
		"conv decay": network(model.Convolutional, [3]int{1, 5, 7}, []int{13, 17}, 6, 4, func(s *model.Spec) {
			s.L1, s.L2, s.BatchNorm = 0.01, 0.02, true
		}),
		"binarize static": network(model.FullyConnected, [3]int{1, 5, 7}, []int{19}, 3, 5, func(s *model.Spec) {
			s.Loss, s.Binarize = model.BCE, model.Static
		}),
		"binarize dynamic": network(model.Convolutional, [3]int{1, 5, 7}, []int{19}, 3, 5, func(s *model.Spec) {
			s.Loss, s.Binarize = model.BCE, model.Dynamic
		}),
		"dropout": network(model.FullyConnected, [3]int{1, 5, 7}, []int{33, 17}, 3, 5, func(s *model.Spec) { s.Dropout = 0.5 }),
	}
}
