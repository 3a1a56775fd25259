package explorer

import (
	"slices"
	"testing"
)

// TestAxesLike: components point as those before did.
func TestAxesLike(t *testing.T) {
	before := axes{Components: [2][]float64{{1, 0, 0.1}, {0, 1, 0}}}
	got := axes{Components: [2][]float64{{-0.9, 0.1, 0}, {0.1, 0.9, 0}}}.like(before)
	if want := [2][]float64{{0.9, -0.1, 0}, {0.1, 0.9, 0}}; !slices.Equal(got.Components[0], want[0]) || !slices.Equal(got.Components[1], want[1]) {
		t.Errorf("got %v; want %v", got.Components, want)
	}
	if first := (axes{Components: [2][]float64{{-1}, nil}}).like(axes{}); first.Components[0][0] != -1 {
		t.Errorf("the first look's %v", first.Components)
	}
}
