package aegis

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aegis/data"
	"aegis/internal/advice"
	"aegis/internal/run"
)

// table is vectors of 6 columns of very different sizes, made of two numbers,
// and one that never changes.
func table(rows int, seed uint64) data.Set {
	r := rand.New(rand.NewPCG(seed, 0))
	s := data.Set{Rows: data.Rows{N: rows, Shape: data.Shape{W: 6}}}
	for range rows {
		a, b := r.NormFloat64(), r.NormFloat64()
		for _, v := range []float64{a, 1000 + 20*b, 1e5 * (a + b), 7, -3e-4 * a, 50*a - 10*b} {
			s.Floats = append(s.Floats, float32(v))
		}
	}
	return s
}

func TestTrainVectors(t *testing.T) {
	for name, c := range map[string]struct {
		preset string
		bend   func(*Config)
		scale  data.Scale
		output string
	}{
		"fc12":             {preset: "fc12", scale: data.ScaleStandard, output: "identity"},
		"minmax":           {preset: "fc12", bend: func(c *Config) { c.Scale = data.ScaleMinMax }, scale: data.ScaleMinMax, output: "tanh"},
		"bce":              {preset: "fc64", bend: func(c *Config) { c.Loss = "bce" }, scale: data.ScaleMinMax, output: "sigmoid"},
		"an output":        {preset: "fc64", bend: func(c *Config) { c.Output = "elu" }, scale: data.ScaleStandard, output: "elu"},
		"its preset's":     {preset: "fc12", bend: func(c *Config) { c.Output = "tanh" }, scale: data.ScaleStandard, output: "tanh\noutput tanh stays within [-1,1]"},
		"rows held out":    {preset: "fc12", bend: func(c *Config) { c.Val = 0.2 }, scale: data.ScaleStandard, output: "identity"},
		"the tape machine": {preset: "fc12", bend: func(c *Config) { c.Device = DeviceTape }, scale: data.ScaleStandard, output: "identity"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t, c.preset)
			cfg.Latent, cfg.Hidden, cfg.Epochs, cfg.LR = 2, []int{16}, 20, 5e-3
			if c.bend != nil {
				c.bend(&cfg)
			}
			src := &data.Source{Name: "table", Train: table(400, 1), Test: table(50, 2)}
			out := filepath.Join(t.TempDir(), "run")
			var notes []string
			s, err := Train(context.Background(), cfg, src, Options{Out: out, Hooks: Hooks{Start: func(s Start) { notes = s.Notes }}})
			if err != nil {
				t.Fatal(err)
			}
			if s.Scale != c.scale || s.PicturesOf != "test rows" || !strings.Contains(strings.Join(notes, "\n"), "output is "+c.output) {
				t.Errorf("scale %s, pictures of %s, notes %q", s.Scale, s.PicturesOf, notes)
			}
			if c.scale == data.ScaleStandard && math.Abs(*s.MeanImageLoss-5./6) > 0.2 {
				t.Errorf("the mean row's loss is %v, want about 5/6: five columns have variance 1", *s.MeanImageLoss)
			}
			if _, err := os.Stat(filepath.Join(out, run.ReconstructionsFile)); err == nil {
				t.Error("there is a picture of vectors")
			}
			if _, err := os.Stat(filepath.Join(out, run.LatentFile)); err != nil {
				t.Error(err)
			}
			checkVectors(t, filepath.Join(out, run.ModelFile), src.Test, *s.TestLoss, c.scale == data.ScaleStandard && c.output == "identity")
		})
	}
}

// checkVectors loads a model: what it rebuilds is in the units of the rows.
func checkVectors(t *testing.T, path string, test data.Set, loss float64, close bool) {
	t.Helper()
	m, err := Load(path, WithDevice(DeviceCPU))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	ctx := context.Background()
	if got := meanScore(t, m, test.Rows); math.Abs(got-loss) > 1e-5*loss {
		t.Errorf("mean score %v, loss of the run %v", got, loss)
	}
	codes, err := m.Encode(ctx, test.Rows)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := m.Decode(ctx, codes)
	if err != nil {
		t.Fatal(err)
	}
	rebuilt, err := m.Reconstruct(ctx, test.Rows)
	if err != nil || !slices.Equal(rebuilt, decoded) {
		t.Errorf("rebuilt %v (%v), decoded %v", rebuilt[:6], err, decoded[:6])
	}
	for row := 0; row < test.N && close; row++ {
		got, want := rebuilt[6*row+1], test.FloatRow(row)[1]
		if math.Abs(float64(got-want)) > 40 || math.Abs(float64(rebuilt[6*row+3]-7)) > 1 {
			t.Fatalf("row %d is rebuilt as %v, was %v", row, rebuilt[6*row:][:6], test.FloatRow(row))
		}
	}
}

func TestVectorErrors(t *testing.T) {
	broken := table(40, 1)
	broken.Floats[6*9+4] = float32(math.NaN())
	for name, c := range map[string]struct {
		bend func(*Config, *data.Source)
		want string
		user bool // a *ConfigError
	}{
		"conv":     {bend: func(c *Config, _ *data.Source) { conv, _ := NewConfig("conv"); *c = conv }, want: "conv is convolutional and reads images, got vectors of 6 values; want a fully connected network"},
		"NaN":      {bend: func(_ *Config, s *data.Source) { s.Train = broken }, want: "table: row 9 of the training set, column 4, both counted from 0: want a finite number, got NaN"},
		"two vals": {bend: func(c *Config, s *data.Source) { c.Val, s.Val = 5, table(9, 3) }, want: "has a set of 9 rows for that", user: true},
		"bce":      {bend: func(c *Config, _ *data.Source) { c.Loss, c.Output, c.Scale = "bce", "sigmoid", "standard" }, want: "needs values in [0,1]: want scale minmax", user: true},
		"scale":    {bend: func(c *Config, _ *data.Source) { c.Scale = "log" }, want: `unknown scale "log"`, user: true},
		"two types": {bend: func(_ *Config, s *data.Source) {
			s.Test = data.Set{Rows: data.Rows{N: 1, Shape: data.Shape{W: 6}, Bytes: make([]byte, 6)}}
		}, want: "want float32 as in training, got bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, src := config(t, "fc12"), &data.Source{Name: "table", Train: table(40, 1), Test: table(8, 2)}
			c.bend(&cfg, src)
			out := filepath.Join(t.TempDir(), "run")
			_, err := Train(context.Background(), cfg, src, Options{Out: out})
			var user *ConfigError
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &user) != c.user {
				t.Errorf("error %v (%T), want %q", err, err, c.want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("a directory was made")
			}
		})
	}
}

// A set of its own to validate on chooses the best model.
func TestValidationSet(t *testing.T) {
	src := &data.Source{Name: "table", Train: table(80, 1), Val: table(30, 2)}
	cfg := config(t, "fc12")
	s, err := Train(context.Background(), cfg, src, Options{Out: filepath.Join(t.TempDir(), "run")})
	if err != nil {
		t.Fatal(err)
	}
	if s.ValLoss == nil || s.Rows != 80 || s.PicturesOf != "validation rows" {
		t.Errorf("%+v", s)
	}
}

// Images of float32 come to lie in the range of pixels, all by one scaling, and
// are drawn.
func TestFloatImages(t *testing.T) {
	for _, preset := range []string{"fc12", "conv"} {
		blob := waves(60, 10, 8, 8)
		set := func(s data.Set) data.Set {
			f := data.Set{Rows: data.Rows{N: s.N, Shape: s.Shape}, Labels: s.Labels}
			for _, v := range s.Bytes {
				f.Floats = append(f.Floats, float32(v)*3-100)
			}
			return f
		}
		out := filepath.Join(t.TempDir(), "run")
		s, err := Train(context.Background(), config(t, preset), &data.Source{Train: set(blob.Train), Test: set(blob.Test)}, Options{Out: out})
		if err != nil {
			t.Fatal(err)
		}
		bytes, err := Train(context.Background(), config(t, preset), blob, Options{Out: filepath.Join(t.TempDir(), "run")})
		if err != nil {
			t.Fatal(err)
		}
		if s.Scale != data.ScaleMinMax || math.Abs(*s.TestLoss-*bytes.TestLoss) > 0.1**bytes.TestLoss {
			t.Errorf("%s: scale %s, test loss %v, of the same images as bytes %v", preset, s.Scale, *s.TestLoss, *bytes.TestLoss)
		}
		if _, err := os.Stat(filepath.Join(out, run.ReconstructionsFile)); err != nil {
			t.Error(err)
		}
	}
}

// A test set chooses nothing: where its loss is no number the model stays.
func TestFarTestSet(t *testing.T) {
	src := &data.Source{Name: "table", Train: table(80, 1), Test: table(20, 2)}
	for i := range src.Test.Floats {
		src.Test.Floats[i] *= 1e30
	}
	s, err := Train(context.Background(), config(t, "fc12"), src, Options{Out: filepath.Join(t.TempDir(), "run")})
	if err != nil {
		t.Fatal(err)
	}
	if s.Status != Finished || s.TestLoss != nil || s.TrainLoss == nil || s.Words() != "" ||
		!strings.Contains(strings.Join(s.Warnings, "\n"), "the loss of the test rows is no finite number") {
		t.Errorf("%+v", s)
	}
}

// Large values that are not scaled are named where the loss is no number.
func TestUnscaledAdvice(t *testing.T) {
	src := &data.Source{Name: "table", Train: table(80, 1)}
	for i := range src.Train.Floats {
		src.Train.Floats[i] *= 1e25
	}
	cfg := config(t, "fc12")
	cfg.Scale = data.ScaleNone
	_, err := Train(context.Background(), cfg, src, Options{Out: filepath.Join(t.TempDir(), "run")})
	if err == nil || !strings.Contains(err.Error(), "scale them") || strings.Contains(err.Error(), "image") || !slices.Equal(advice.Of(err), []string{"lr", "scale"}) {
		t.Errorf("error %v, advice %q", err, advice.Of(err))
	}
}

// Values below the normal numbers of float32 are no values that differ.
func TestDenormalRows(t *testing.T) {
	src := &data.Source{Name: "table", Train: table(80, 1), Test: table(20, 2)}
	for _, set := range []data.Set{src.Train, src.Test} {
		for i, v := range set.Floats {
			set.Floats[i] = float32(math.Mod(float64(v), 7) * 1e-40)
		}
	}
	for _, scale := range []data.Scale{"", data.ScaleNone} {
		cfg := config(t, "fc12")
		cfg.Scale = scale
		s, err := Train(context.Background(), cfg, src, Options{Out: filepath.Join(t.TempDir(), "run")})
		if err != nil || len(s.Warnings) > 0 || s.Words() != "every row is the mean row" {
			t.Errorf("scale %q: %q, warnings %q, %v", scale, s.Words(), s.Warnings, err)
		}
	}
}

// TestModelKeepsForm: a model says how the rows that it was trained on were
// made of their file, so that others are read as they were.
func TestModelKeepsForm(t *testing.T) {
	src := &data.Source{Name: "table", Train: table(40, 1)}
	fill := 0.5
	src.Columns, src.Classes = []string{"a", "kind=x", "kind=y", "b", "c", "d"}, []string{"good", "bad"}
	src.Table = &data.TableForm{Label: "state", Fields: []data.Field{
		{Name: "a", Fill: &fill}, {Name: "kind", Categories: []string{"x", "y"}}, {Name: "b"}, {Name: "c"}, {Name: "d"},
	}}
	out := filepath.Join(t.TempDir(), "run")
	if _, err := Train(context.Background(), config(t, "fc12"), src, Options{Out: out}); err != nil {
		t.Fatal(err)
	}
	m, err := Load(filepath.Join(out, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	if got := m.Spec().Form; !reflect.DeepEqual(got, src.Form) {
		t.Errorf("form %+v, want %+v", got, src.Form)
	}
}
