package session

import (
	"testing"

	"aegis/model"
)

// TestNeed holds what a run is said to take to what it takes for certain: the
// VM's parameters and state, a checkpoint of them with the best parameters, and
// codes for a picture, which stay small however wide they are.
func TestNeed(t *testing.T) {
	for _, spec := range model.Presets() {
		cfg := config(t, spec.Model)
		cfg.Image = [3]int{1, 28, 28}
		cost, err := cfg.Cost()
		if err != nil {
			t.Fatal(err)
		}
		const float, slots = 4, 2 // Adam's
		least := float*float64(cost.Params)*(1+slots+1+slots+1) + cost.ActivationBytes
		const shown, asFloats = 1000, 4 + 8
		least += shown * asFloats * float64(cfg.Latent)
		if got := cfg.need(cost, shown); got < least {
			t.Errorf("%s needs %.0f bytes; want at least %.0f", spec.Model, got, least)
		}
		if narrow, wide := cfg.pictureBytes(1000), cfg.pictureBytes(1e6); wide < narrow || wide > 11*narrow {
			t.Errorf("%s: pictures of 1000 images take %.0f bytes, of a million %.0f", spec.Model, narrow, wide)
		}
		for _, cfg.Latent = range []int{1 << 10, 1 << 15, 1 << 20, 1 << 24} {
			limit := 200e6 + float64(cfg.Latent)*200 // a network has 1,000 and more bytes for each
			if got := cfg.pictureBytes(10_000); got < 64*asFloats || got > limit {
				t.Errorf("latent %d: pictures take %.0f bytes; want at most %.0f", cfg.Latent, got, limit)
			}
		}
	}
}
