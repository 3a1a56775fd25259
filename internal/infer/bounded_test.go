package infer

import (
	"testing"

	"aegis/model"
)

// TestBounded: the farther a value lies beyond what a chance can be, the worse.
func TestBounded(t *testing.T) {
	spec, err := model.Preset("vae")
	if err != nil {
		t.Fatal(err)
	}
	_, loss := spec.Scored()
	bounded := bounded(spec, loss.Row)
	logits := []float32{4, -3, 0.5}
	last := bounded(logits, []float32{1, 0, 0.5})
	if want := loss.Row(logits, []float32{1, 0, 0.5}); last != want {
		t.Errorf("%v within, want %v", last, want)
	}
	for _, bright := range []float32{1.01, 2, 50, 1e20} {
		score := bounded(logits, []float32{bright, 0, 0.5})
		if !(score > last) {
			t.Errorf("%v scores %v, less than what is nearer: %v", bright, score, last)
		}
		last = score
	}
	if dark := bounded(logits, []float32{1, -1, 0.5}); !(dark > 100) {
		t.Errorf("-1 scores %v", dark)
	}
}
