package session

import (
	"testing"

	"aegis/model"
)

// TestNeed holds what a run is said to take to what it takes for certain: the
// VM's parameters and state, and a checkpoint of them with the best parameters.
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
		if got := cfg.need(cost); got < least {
			t.Errorf("%s needs %.0f bytes; want at least %.0f", spec.Model, got, least)
		}
	}
}
