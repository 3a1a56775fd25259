package session

import (
	"math"
	"testing"

	"aegis/data"
	"aegis/model"
)

// TestMeanLoss is worked out by hand: two pixels of two training images, and
// one image to answer.
func TestMeanLoss(t *testing.T) {
	trained := data.Rows{N: 3, Shape: data.Shape{C: 1, H: 1, W: 2}, Bytes: []byte{0, 255, 102, 255, 9, 9}}
	tests := data.Rows{N: 3, Shape: data.Shape{C: 1, H: 1, W: 2}, Bytes: []byte{7, 7, 255, 255, 0, 255}}
	unit, sym := data.Range{Lo: 0, Hi: 1}, data.Range{Lo: -1, Hi: 1}
	if got := meanImage(trained, []int32{0, 1}, unit); math.Abs(got[0]-0.2) > 1e-7 || math.Abs(got[1]-1) > 1e-7 {
		t.Fatalf("mean image %v, want 0.2 and 1", got)
	}
	for name, c := range map[string]struct {
		loss   model.Loss
		pixels data.Range
		want   float64 // of the second test image: (1, 1) in [0,1]
	}{
		"mse":           {model.MSE, unit, 0.64 / 2},
		"mse in [-1,1]": {model.MSE, sym, 4 * 0.64 / 2},
		"mae":           {model.MAE, unit, 0.8 / 2},
		"huber":         {model.Huber, sym, (1.6 - 0.5) / 2},
		"huber below 1": {model.Huber, unit, 0.32 / 2},
		"bce":           {model.BCE, unit, -math.Log(0.2) / 2},
	} {
		m := meanImage(trained, []int32{0, 1}, c.pixels)
		if got, want := meanLoss(model.BCE, m, tests, []int32{2}, data.PixelScaling(unit)), -math.Log(0.8)/2; c.pixels == unit && math.Abs(got-want) > 1e-6 {
			t.Errorf("bce of a dark pixel: %v, want %v", got, want)
		}
		if got := meanLoss(c.loss, m, tests, []int32{1}, data.PixelScaling(c.pixels)); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
