package model

import (
	"slices"
	"strings"
	"testing"

	"aegis/data"
)

func regular(t *testing.T, preset string, bend func(s *Spec)) Spec {
	t.Helper()
	s, err := Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	s.Image = [3]int{1, 28, 28}
	bend(&s)
	return s
}

// Batch norm counts as a module of nn.Sequential, dropout does not.
func TestNamesWithBatchNorm(t *testing.T) {
	p, err := regular(t, "fc12", func(s *Spec) { s.BatchNorm, s.Dropout = true, 0.5 }).Program()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, param := range p.Params[:14] {
		names = append(names, param.Name)
	}
	want := []string{
		"encoder.0.weight", "encoder.0.bias", "encoder.1.weight", "encoder.1.bias", "encoder.1.running_mean", "encoder.1.running_var",
		"encoder.3.weight", "encoder.3.bias", "encoder.4.weight", "encoder.4.bias", "encoder.4.running_mean", "encoder.4.running_var",
		"encoder.6.weight", "encoder.6.bias",
	}
	if !slices.Equal(names, want) {
		t.Errorf("parameters %v, want %v", names, want)
	}
}

func TestRegularIsRefused(t *testing.T) {
	for _, c := range []struct {
		preset, want string
		bend         func(s *Spec)
	}{
		{"fc12", "dropout 1; want", func(s *Spec) { s.Dropout = 1 }},
		{"fc128", "this network has none", func(s *Spec) { s.Dropout = 0.5 }},
		{"fc128", "this network has none", func(s *Spec) { s.BatchNorm = true }},
		{"fc12", "batch norm with a batch of 1", func(s *Spec) { s.BatchNorm, s.Batch = true, 1 }},
		{"fc12", "l2 -1; want", func(s *Spec) { s.L2 = -1 }},
		{"fc12", "code_l2", func(s *Spec) { s.CodeL2 = -1 }},
		{"fc12", `corrupt "blur:1"; want`, func(s *Spec) { s.Corrupt = "blur:1" }},
		{"fc12", "want a standard deviation", func(s *Spec) { s.Corrupt = "gaussian:0" }},
		{"fc12", "want a chance", func(s *Spec) { s.Corrupt = "mask:1" }},
		{"fc12", `sparse "l1"; want`, func(s *Spec) { s.Sparse = "l1" }},
		{"fc12", `sparse "topk:1.5"; want`, func(s *Spec) { s.Sparse = "topk:1.5" }},
		{"fc12", "want at most 12", func(s *Spec) { s.Sparse = "topk:13" }},
		{"fc64", "no sigmoid's", func(s *Spec) { s.Sparse = "kl:0.05:1e-3" }},
		{"fc12", "no sigmoid's", func(s *Spec) { s.Sparse, s.Activation = "kl:0.05:1e-3", "sigmoid" }},
		{"vae", `condition "weather"; want labels`, func(s *Spec) { s.Condition = "weather" }},
		{"cvae", "257 classes; want 1 to 256", func(s *Spec) { s.Classes = 257 }},
		{"fc12", "a condition without a likelihood", func(s *Spec) { s.Condition = Labels }},
		{"vae", `binarize "often"; want static or dynamic`, func(s *Spec) { s.Binarize = "often" }},
		{"fc12", "no chance of 1", func(s *Spec) { s.Binarize = Static }},
		{"vae", "vectors of 5 values; a value is the chance of 1", func(s *Spec) { s.Binarize, s.Image = Static, [3]int{0, 0, 5} }},
		{"vae", "scale none; a value is the chance of 1", func(s *Spec) {
			s.Binarize, s.Image, s.Scaling = Dynamic, [3]int{1, 2, 2}, &data.Scaling{Kind: data.ScaleNone}
		}},
	} {
		if err := regular(t, c.preset, c.bend).Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.preset, err, c.want)
		}
	}
}
