package session

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"aegis/data/memory"
	"aegis/internal/advice"
	"aegis/internal/vm"
	"aegis/model"
	"aegis/model/program"
)

// TestMemory holds what a run is said to take to what it takes for certain: a
// checkpoint of parameters and state with the best parameters, and on a CPU the
// VM's of them and activations. A GPU has memory of its own.
func TestMemory(t *testing.T) {
	for _, spec := range model.Presets() {
		cfg := config(t, spec.Model)
		cfg.Image = [3]int{1, 28, 28}
		cost, err := cfg.Cost()
		if err != nil {
			t.Fatal(err)
		}
		const float, slots = 4, 2 // Adam's
		params := float * float64(cost.Params)
		if got, least := checkpointBytes(cost), params*(1+slots+1); got < least {
			t.Errorf("%s: a checkpoint takes %.0f bytes; want at least %.0f", spec.Model, got, least)
		}
		if got, least := cfg.machineBytes(cost), params*(1+slots)+cost.ActivationBytes; got < least {
			t.Errorf("%s: a VM takes %.0f bytes; want at least %.0f", spec.Model, got, least)
		}
		const codes, asFloats = 10_000, 4 + 8
		if got, least := cfg.pictureBytes(), codes*asFloats*float64(cfg.Latent); got < least {
			t.Errorf("%s: pictures take %.0f bytes; want at least %.0f", spec.Model, got, least)
		}
		// However wide codes are, pictures stay small beside the network, which
		// has more than 1,000 bytes for each of a code's values.
		for _, cfg.Latent = range []int{1 << 10, 1 << 15, 1 << 20, 1 << 24} {
			limit := 200e6 + float64(cfg.Latent)*200
			if got := cfg.pictureBytes(); got > limit {
				t.Errorf("latent %d: pictures take %.0f bytes; want at most %.0f", cfg.Latent, got, limit)
			}
		}
	}
}

// TestMemoryOfTheDevice asks for more activations than there is memory for: a
// VM on a CPU is refused, one that has memory of its own is asked.
func TestMemoryOfTheDevice(t *testing.T) {
	ds, out := blobs(20, 8, 6, 6), filepath.Join(t.TempDir(), "run")
	cfg := config(t, "fc12")
	cfg.Batch = 1 << 24
	if memory.Total().Bytes == 0 {
		t.Skip("how much memory there is here is not known")
	}
	if _, err := trained(context.Background(), cfg, ds, Options{Out: out}); err == nil || !slices.Contains(advice.Of(err), "batch") {
		t.Errorf("on a CPU: error %v; want to lower the batch", err)
	}
	asked := errors.New("the device was asked")
	_, err := Train(context.Background(), cfg, ds, Options{Out: out}, func(Config, *program.Program) (vm.Trainer, string, error) {
		return nil, "", asked
	})
	if !errors.Is(err, asked) {
		t.Errorf("on another device: error %v, want %v", err, asked)
	}
}
