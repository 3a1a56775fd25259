package model

import (
	"strings"
	"testing"
)

// A class is read where both halves first have a vector: by the first layers of
// a fully connected network, by both heads and behind the code of a convolutional
// one.
func TestCondition(t *testing.T) {
	for preset, want := range map[string]map[string]int{
		"vae":      {"encoder.0": 784 + 7, "decoder.0": 20 + 7},
		"conv-vae": {"mu": 64 + 7, "logvar": 64 + 7, "decoder.0": 20 + 7},
	} {
		s := regular(t, preset, func(s *Spec) { s.Condition, s.Classes = Labels, 7 })
		layers, err := s.Layers()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range layers {
			if width, reads := want[l.Name]; (l.Classes > 0) != reads || reads && (l.Classes != 7 || l.In[0] != width) {
				t.Errorf("%s: %s reads %v, %d of them a class; want %d", preset, l.Name, l.In, l.Classes, width)
			}
		}
		s.Classes = 0
		if _, err := s.Program(); err == nil || !strings.Contains(err.Error(), "how many classes there are is not known") {
			t.Errorf("%s: error %v", preset, err)
		}
	}
}
