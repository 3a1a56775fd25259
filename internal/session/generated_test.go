package session

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"aegis/internal/run"
)

// Pictures of new images are there where codes can be drawn, a grid where a code
// has two values, and terms where a loss has several.
func TestGeneratedPictures(t *testing.T) {
	for name, c := range map[string]struct {
		preset string
		bend   func(*Config)
		want   map[string]bool
	}{
		"plain":               {"fc12", func(*Config) {}, nil},
		"plain, two values":   {"fc12", func(c *Config) { c.Latent = 2 }, nil},
		"sparse":              {"fc12", func(c *Config) { c.Sparse = "l1:0.1" }, map[string]bool{run.TermsFile: true}},
		"variational":         {"vae", func(*Config) {}, map[string]bool{run.TermsFile: true, run.SamplesFile: true}},
		"variational, planar": {"vae", func(c *Config) { c.Latent = 2 }, map[string]bool{run.TermsFile: true, run.SamplesFile: true, run.GridFile: true}},
		"conditional":         {"cvae", func(c *Config) { c.Latent = 2 }, map[string]bool{run.TermsFile: true, run.SamplesFile: true}},
		"adversarial":         {"aae", func(*Config) {}, map[string]bool{run.TermsFile: true, run.SamplesFile: true}},
		"adversarial, planar": {"aae", func(c *Config) { c.Latent, c.Prior = 2, "mixture:3" }, map[string]bool{run.TermsFile: true, run.SamplesFile: true, run.GridFile: true}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t, c.preset)
			c.bend(&cfg)
			out := filepath.Join(t.TempDir(), "run")
			if _, err := trained(context.Background(), cfg, blobs(40, 12, 8, 8), Options{Out: out}); err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{run.TermsFile, run.SamplesFile, run.GridFile} {
				if _, err := os.Stat(filepath.Join(out, file)); (err == nil) != c.want[file] {
					t.Errorf("%s: %v, want it there: %v", file, err, c.want[file])
				}
			}
		})
	}
}
