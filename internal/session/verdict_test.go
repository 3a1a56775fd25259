package session

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/data"
	"aegis/internal/run"
	"aegis/model"
)

// TestVerdict trains well, at a rate that kills a network, and on images that
// are all alike.
func TestVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		bend  func(*Config, *data.Source)
		check func(t *testing.T, s *Summary)
	}{
		"good": {
			bend: func(c *Config, _ *data.Source) { c.Epochs = 40 },
			check: func(t *testing.T, s *Summary) {
				if s.Better == nil || *s.Better < 0.3 || *s.VarianceExplained != *s.Better || len(s.Warnings) != 0 {
					t.Errorf("verdict %+v; want variance explained and no warning", s.Verdict)
				}
				if want := 1 - *s.TestLoss / *s.MeanImageLoss; math.Abs(*s.Better-want) > 1e-6 {
					t.Errorf("better by %v, want %v", *s.Better, want)
				}
			},
		},
		"dead": {
			bend: func(c *Config, _ *data.Source) { c.LR, c.Epochs = 3, 4 },
			check: func(t *testing.T, s *Summary) {
				if text := strings.Join(s.Warnings, "\n"); !strings.Contains(text, "no better than the mean image") || !strings.Contains(text, "alike") {
					t.Errorf("warnings %q; want the mean image and outputs alike", s.Warnings)
				}
			},
		},
		"another loss": {
			bend: func(c *Config, _ *data.Source) { c.Loss = model.BCE },
			check: func(t *testing.T, s *Summary) {
				if s.Better == nil || s.VarianceExplained != nil {
					t.Errorf("verdict %+v; want no variance explained", s.Verdict)
				}
			},
		},
		"images alike": {
			bend: func(_ *Config, ds *data.Source) { clear(ds.Train.Bytes); clear(ds.Test.Bytes) },
			check: func(t *testing.T, s *Summary) {
				if s.Better != nil || len(s.Warnings) != 0 || *s.MeanImageLoss != 0 {
					t.Errorf("verdict %+v; want the mean image's loss 0 alone", s.Verdict)
				}
			},
		},
		"test images alike": {
			bend: func(_ *Config, ds *data.Source) { fill(ds.Test.Bytes, 77) },
			check: func(t *testing.T, s *Summary) {
				if s.Better == nil || len(s.Warnings) != 0 {
					t.Errorf("verdict %+v; want no warning of images that say nothing", s.Verdict)
				}
			},
		},
		"no test set": {
			bend: func(_ *Config, ds *data.Source) { ds.Test = data.Set{} },
			check: func(t *testing.T, s *Summary) {
				if s.Better == nil || s.MeanImageLoss == nil {
					t.Errorf("verdict %+v; want one over training rows", s.Verdict)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, ds := config(t, "fc64"), blobs(120, 24, 8, 8)
			c.bend(&cfg, ds)
			out := filepath.Join(t.TempDir(), "run")
			s, err := trained(context.Background(), cfg, ds, Options{Out: out})
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, s)
			var kept Summary
			text, err := os.ReadFile(filepath.Join(out, run.SummaryFile))
			if err != nil || json.Unmarshal(text, &kept) != nil || kept.MeanImageLoss == nil || *kept.MeanImageLoss != *s.MeanImageLoss {
				t.Errorf("%s: %s (%v); want the mean image's loss in it", run.SummaryFile, text, err)
			}
		})
	}
}

// TestAlike: images that are all alike say nothing of a code or of units,
// whatever byte they are of and whatever the range of pixels.
func TestAlike(t *testing.T) {
	for _, preset := range []string{"fc12", "fc64"} {
		for _, v := range []byte{0, 1, 77, 254, 255} {
			cfg, ds := config(t, preset), blobs(150, 100, 8, 8)
			cfg.Epochs = 1
			fill(ds.Train.Bytes, v)
			fill(ds.Test.Bytes, v)
			s, err := trained(context.Background(), cfg, ds, Options{Out: filepath.Join(t.TempDir(), "run")})
			if err != nil || len(s.Warnings) != 0 || s.Words() != "every image is the mean image" {
				t.Errorf("%s, all %d: %+v (%v)", preset, v, s, err)
			}
		}
	}
}

func fill(pixels []byte, v byte) {
	for i := range pixels {
		pixels[i] = v
	}
}

func TestWords(t *testing.T) {
	base := 0.25
	for _, c := range []struct {
		better float64
		mse    bool
		want   string
	}{
		{0.748, true, "the mean image's loss is 0.25000: 74.8 % of the variance explained"},
		{0.748, false, "the mean image's loss is 0.25000: 74.8 % better"},
		{-1.627, false, "the mean image's loss is 0.25000: the model's is 2.63 times as high"},
		{-0.0001, true, "the mean image's loss is 0.25000: the model's is as high"},
		{-164209.847, true, "the mean image's loss is 0.25000: the model's is more than 1000 times as high"},
		{math.NaN(), true, "the mean image's loss is 0.25000: the model's is no finite number"},
	} {
		better := c.better
		v := Verdict{MeanImageLoss: &base, Better: &better}
		if c.mse {
			v.VarianceExplained = &better
		}
		if got := v.Words(); got != c.want {
			t.Errorf("%v: %q, want %q", c.better, got, c.want)
		}
	}
}

// TestFinite: what is no number is none, which JSON has as null.
func TestFinite(t *testing.T) {
	for value, want := range map[float64]string{0: "0", -1.5: "-1.5", math.Inf(1): "null", math.Inf(-1): "null", math.NaN(): "null"} {
		if text, err := json.Marshal(Metrics{ValLoss: finite(value)}); err != nil || !strings.Contains(string(text), `"val_loss":`+want+",") {
			t.Errorf("%v gives %s (%v), want %s", value, text, err, want)
		}
	}
}
