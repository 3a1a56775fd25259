package aegis

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"aegis/data"
	"aegis/internal/run"
)

// TestFilesOfEarlierVersions loads what a version left and finds what it said
// then of four images. testdata/0.1.0 was written by that version, trained on
// 64 images of the same rule; those files never change.
func TestFilesOfEarlierVersions(t *testing.T) {
	for _, dir := range []string{"testdata/0.1.0/fc", "testdata/0.1.0/conv"} {
		t.Run(dir, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(dir, "want.json"))
			if err != nil {
				t.Fatal(err)
			}
			var want struct {
				Codes, Reconstructions []float32
				Loss                   float64 // of 16 images
			}
			if err := json.Unmarshal(text, &want); err != nil || len(want.Codes) == 0 {
				t.Fatalf("%d codes, %v", len(want.Codes), err)
			}
			cfg, err := LoadConfig(filepath.Join(dir, run.ConfigFile))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{run.ModelFile, run.LastFile} {
				m := loaded(t, filepath.Join(dir, name))
				if spec := m.Spec(); spec.Latent != cfg.Latent || spec.Image != cfg.Image {
					t.Errorf("%s: %+v; the configuration has %+v", name, spec, cfg.Spec)
				}
				codes, err := m.Encode(context.Background(), rule(4))
				if err != nil {
					t.Fatal(err)
				}
				rebuilt, err := m.Reconstruct(context.Background(), rule(4))
				if err != nil {
					t.Fatal(err)
				}
				sameValues(t, name+": codes", codes, want.Codes)
				sameValues(t, name+": reconstructions", rebuilt, want.Reconstructions)
				if loss := meanScore(t, m, rule(16)); math.Abs(loss-want.Loss) > 1e-6*want.Loss {
					t.Errorf("%s: mean score %v, want the loss %v", name, loss, want.Loss)
				}
			}
		})
	}
}

// rule is the images that the files were made of.
func rule(n int) data.Rows {
	images := data.Rows{N: n, Shape: data.Shape{C: 1, H: 6, W: 5}, Bytes: make([]byte, n*30)}
	for i := range images.Bytes {
		row, p := i/30, i%30
		images.Bytes[i] = byte((p*(7+row%5)*11 + row*29) % 256)
	}
	return images
}

// sameValues allows for the last bits: sets of kernels differ in them.
func sameValues(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i, v := range got {
		if math.Abs(float64(v-want[i])) > 1e-6 {
			t.Errorf("%s: value %d is %v, want %v", what, i, v, want[i])
		}
	}
}
