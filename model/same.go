package model

import "fmt"

// SameNetwork says where another spec's network is not this one's, the first
// difference in the order of the options: nil where the parameters of one are
// those of the other, and mean the same. How they are trained may differ.
func (s Spec) SameNetwork(other Spec) error {
	for _, c := range []struct {
		what     string
		own, his any
	}{
		{"family", s.Family, other.Family},
		{"rows of", s.row(), other.row()},
		{"hidden", s.Hidden, other.Hidden},
		{"latent", s.Latent, other.Latent},
		{"activation", s.Activation, other.Activation},
		{"activate code", s.ActivateCode, other.ActivateCode},
		{"output", s.LastActivation(), other.LastActivation()},
		{"batch norm", s.BatchNorm, other.BatchNorm},
		{"variational", s.Variational(), other.Variational()},
		{"likelihood gaussian:learned", s.Likelihood == GaussianLearned, other.Likelihood == GaussianLearned},
		{"condition", s.Condition, other.Condition},
		{"classes", s.classesRead(), other.classesRead()},
		{"adversarial", s.Adversarial(), other.Adversarial()},
		{"discriminator", s.judge(), other.judge()},
		{"sparse codes of top", s.topK(), other.topK()},
	} {
		if fmt.Sprint(c.own) != fmt.Sprint(c.his) {
			return fmt.Errorf("model: %s %v; want %s %v", c.what, c.own, c.what, c.his)
		}
	}
	return nil
}

// classesRead is how many classes the network reads, 0 where it reads none.
func (s Spec) classesRead() int {
	if s.Condition == "" {
		return 0
	}
	return s.Classes
}

// judge are the widths of an adversarial network's discriminator.
func (s Spec) judge() []int {
	if !s.Adversarial() {
		return nil
	}
	return s.discriminatorWidths()
}

// topK is how many values of a code are kept, 0: all.
func (s Spec) topK() int {
	sparse, _ := parseSparsity(s.Sparse) // it was checked
	return sparse.k
}
