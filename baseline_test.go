package aegis

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aegis/data"
	"aegis/internal/run"
	"aegis/model"
	"aegis/model/op"
	"aegis/model/program"
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

func TestWarnings(t *testing.T) {
	good, bad, worse := run.Float(0.5), run.Float(0.01), run.Float(-3)
	nan := run.Float(math.NaN())
	healthy := findings{better: &good, in: 1, out: 0.5, code: spread{1, 8}, dead: []deadLayer{{"encoder.0", 3, 10}}, activation: "relu", noun: "image"}
	for name, c := range map[string]struct {
		bend func(*findings)
		want []string
	}{
		"healthy":          {bend: func(*findings) {}},
		"all images alike": {bend: func(f *findings) { f.better = nil }},
		"no better":        {bend: func(f *findings) { f.better = &bad }, want: []string{"no better than the mean image"}},
		"worse":            {bend: func(f *findings) { f.better = &worse }, want: []string{"4.00 times as high"}},
		"not a number":     {bend: func(f *findings) { f.better = &nan }, want: []string{"no better"}},
		"outputs alike":    {bend: func(f *findings) { f.out = 0 }, want: []string{"answers alike"}},
		"collapsed":        {bend: func(f *findings) { f.code.constant = 8 }, want: []string{"collapsed"}},
		"half a code":      {bend: func(f *findings) { f.code.constant = 4 }, want: []string{"4 of the code's 8"}},
		"dead":             {bend: func(f *findings) { f.dead[0].dead = 9 }, want: []string{"9 of the 10 units of encoder.0 are dead"}},
	} {
		f := healthy
		f.dead = slices.Clone(f.dead)
		c.bend(&f)
		got := warnings(f)
		if len(got) != len(c.want) || len(got) > 0 && (!strings.Contains(got[0], c.want[0]) || !strings.Contains(got[0], "try")) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestCodeSpread(t *testing.T) {
	if got := codeSpread([]float32{1, 5, 0, 2, 5, 0, 3, 5, 0}, 3); got != (spread{constant: 2, all: 3}) {
		t.Errorf("%+v, want 2 of 3 constant", got)
	}
	if got := codeSpread(make([]float32, 6), 2); got != (spread{constant: 2, all: 2}) {
		t.Errorf("zeros: %+v, want both constant", got)
	}
}

// TestDeadUnits gives a layer of three units one that no image wakes.
func TestDeadUnits(t *testing.T) {
	relu, err := op.ParseActivation("relu")
	if err != nil {
		t.Fatal(err)
	}
	layers := []model.Layer{
		{Name: "encoder.0", Kind: model.Linear, In: []int{2}, Out: []int{3}, Activation: relu},
		{Name: "encoder.2", Kind: model.Linear, In: []int{3}, Out: []int{2}, Activation: relu},
		{Name: "decoder.0", Kind: model.Linear, In: []int{2}, Out: []int{2}},
	}
	params := map[string]program.Tensor{
		"encoder.0.weight": {Data: []float32{1, 0, 0, 1, 1, 1}}, "encoder.0.bias": {Data: []float32{0, 0, -5}},
		"encoder.2.weight": {Data: []float32{1, 1, 0, 0, 0, 1}}, "encoder.2.bias": {Data: []float32{0, 0}},
	}
	got := deadUnits(layers, params, [][]float32{{1, 0}, {0, 1}})
	if want := []deadLayer{{"encoder.0", 1, 3}, {"encoder.2", 1, 2}}; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	layers[0].Activation.Kind = op.Tanh // nothing is known of what does not die
	if got := deadUnits(layers, params, [][]float32{{1, 0}}); got != nil {
		t.Errorf("tanh: %+v, want none", got)
	}
}

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
				if want := 1 - *s.TestLoss / *s.MeanImageLoss; math.Abs(float64(*s.Better-want)) > 1e-6 {
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
			s, err := Train(context.Background(), cfg, ds, Options{Out: out})
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
