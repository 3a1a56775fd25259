package aegis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"aegis/data"
	"aegis/internal/run"
	"aegis/model"
)

// blobs is a dataset of images with one bright blob each, classes by its
// place: small, and easy to learn.
func blobs(rows, tests, height, width int) *data.Source {
	set := func(n, phase int) data.Set {
		s := data.Set{Rows: data.Rows{N: n, Shape: data.Shape{C: 1, H: height, W: width}, Bytes: make([]byte, n*height*width)}}
		for i := range n {
			class := (i*7 + phase) % 4
			cy, cx := float64(height)*(0.3+0.4*float64(class/2)), float64(width)*(0.3+0.4*float64(class%2))
			size := 1.5 + float64(i%5)/3
			for y := range height {
				for x := range width {
					dy, dx := float64(y)-cy, float64(x)-cx
					s.Bytes[(i*height+y)*width+x] = byte(255 * math.Exp(-(dy*dy+dx*dx)/(2*size*size)))
				}
			}
			s.Labels = append(s.Labels, byte(class))
		}
		return s
	}
	return &data.Source{Name: "blobs", Train: set(rows, 0), Test: set(tests, 1)}
}

func config(t *testing.T, preset string) Config {
	t.Helper()
	cfg, err := NewConfig(preset)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Batch, cfg.Epochs = 8, 2
	return cfg
}

func TestTrainWritesARun(t *testing.T) {
	for _, spec := range model.Presets() {
		t.Run(spec.Model, func(t *testing.T) {
			cfg := config(t, spec.Model)
			cfg.Val = 10
			ds := blobs(90, 24, 12, 10)
			out := filepath.Join(t.TempDir(), "run")
			var epochs []Metrics
			s, err := Train(context.Background(), cfg, ds, Options{Out: out, Hooks: Hooks{
				Epoch: func(m Metrics) { epochs = append(epochs, m) },
			}})
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{
				run.ConfigFile, run.ModelFile, run.LastFile, run.MetricsFile,
				run.SummaryFile, run.LossFile, run.ReconstructionsFile, run.LatentFile,
			} {
				if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
					t.Errorf("%s: %v", name, err)
				}
			}
			if s.Status != Finished || s.Epochs != 2 || s.Rows != 80 || len(epochs) != 2 || s.EpochSeconds <= 0 {
				t.Errorf("summary %+v", s)
			}
			best := slices.MinFunc(epochs, func(a, b Metrics) int {
				return int(math.Copysign(1, float64(*a.ValLoss-*b.ValLoss)))
			})
			if s.BestEpoch != best.Epoch || *s.TestLoss != *best.TestLoss {
				t.Errorf("best epoch %d with test loss %v, want %d", s.BestEpoch, *s.TestLoss, best.Epoch)
			}
			checkModel(t, filepath.Join(out, run.ModelFile), ds.Test, float64(*s.TestLoss))
		})
	}
}

// checkModel loads what was written and finds the summary's test loss.
func checkModel(t *testing.T, path string, test data.Set, want float64) {
	t.Helper()
	m, err := Load(path, DeviceAuto)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	ctx := context.Background()
	loss, err := m.Loss(ctx, test.Rows)
	if err != nil || math.Abs(loss-want) > 1e-6*want {
		t.Errorf("loaded model has test loss %v (%v), the summary %v", loss, err, want)
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
	if err != nil {
		t.Fatal(err)
	}
	if len(codes) != test.N*m.Spec().Latent || len(rebuilt) != test.N*test.Size() {
		t.Errorf("%d code values, %d pixels", len(codes), len(rebuilt))
	}
	lo, hi := m.Pixels()
	for i, v := range rebuilt {
		if math.Abs(float64(v-decoded[i])) > 1e-5 || v < lo || v > hi {
			t.Fatalf("pixel %d: rebuilt %v, decoded from its code %v", i, v, decoded[i])
		}
	}
	if _, err := m.Encode(ctx, data.Rows{N: 1, Shape: data.Shape{C: 1, H: 3, W: 3}, Bytes: make([]byte, 9)}); err == nil || !strings.Contains(err.Error(), "got 3×3") {
		t.Errorf("images of another size: %v", err)
	}
	if _, err := m.Decode(ctx, make([]float32, m.Spec().Latent+1)); err == nil {
		t.Error("a code and a bit was decoded")
	}
}

func TestSameSeedSameNumbers(t *testing.T) {
	var files [3][]byte
	for i, seed := range []uint64{5, 5, 6} {
		cfg := config(t, "fc12")
		cfg.Seed = Seed(seed)
		out := filepath.Join(t.TempDir(), "run")
		if _, err := Train(context.Background(), cfg, blobs(50, 8, 6, 6), Options{Out: out}); err != nil {
			t.Fatal(err)
		}
		tensors, _, err := run.ReadTensors(filepath.Join(out, run.LastFile))
		if err != nil {
			t.Fatal(err)
		}
		if files[i], err = json.Marshal(tensors); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(files[0], files[1]) {
		t.Error("two runs with one seed differ")
	}
	if slices.Equal(files[0], files[2]) {
		t.Error("two seeds gave the same parameters")
	}
}

// TestInterruptBeforeTheFirstStep saves what training starts from, and says so;
// an earlier run is not replaced by it.
func TestInterruptBeforeTheFirstStep(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	for i, want := range []string{"the state of step 0 is saved in " + out, "nothing was made yet; " + out + " is as it was"} {
		ctx, cancel := context.WithCancel(context.Background())
		cfg := config(t, "fc12")
		cfg.Seed = Seed(i)
		_, err := Train(ctx, cfg, blobs(20, 8, 6, 6), Options{Out: out, Force: i == 1, Hooks: Hooks{Start: func(Start) { cancel() }}})
		var interrupted *InterruptedError
		if !errors.As(err, &interrupted) || interrupted.Saved != want {
			t.Errorf("error %v, want %q", err, want)
		}
		_, metadata, err := run.ReadTensors(filepath.Join(out, run.ModelFile))
		if err != nil || metadata["step"] != "0" || !strings.Contains(metadata["config"], `"seed":0,`) {
			t.Errorf("model of %v (%v)", metadata, err)
		}
		for _, picture := range []string{run.LossFile, run.ReconstructionsFile} {
			if _, err := os.Stat(filepath.Join(out, picture)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: %v; want none of what was not trained", picture, err)
			}
		}
	}
}

func TestInterruptSaves(t *testing.T) {
	for name, at := range map[string]int{"in the first epoch": 0, "in the second": 1} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			cfg := config(t, "fc12")
			cfg.Batch, cfg.Epochs = 1, 1000
			out := filepath.Join(t.TempDir(), "run")
			done := 0
			s, err := Train(ctx, cfg, blobs(60, 8, 6, 6), Options{Out: out, Hooks: Hooks{
				Progress: func(Progress) {
					if done == at {
						cancel()
					}
				},
				Epoch: func(Metrics) { done++ },
			}})
			if !errors.Is(err, context.Canceled) || s.Status != Interrupted {
				t.Fatalf("status %q, error %v", s.Status, err)
			}
			step := make(map[string]string)
			for _, file := range []string{run.ModelFile, run.LastFile} {
				_, metadata, err := run.ReadTensors(filepath.Join(out, file))
				if err != nil {
					t.Errorf("%s: %v", file, err)
				}
				step[file] = metadata["step"]
			}
			if s.TestLoss == nil || s.TestRows != 8 || s.Epochs != at {
				t.Errorf("%d epochs, test loss %v", s.Epochs, s.TestLoss)
			}
			var interrupted *InterruptedError
			want := "the state of step 1 is saved in " + out
			if at > 0 {
				want = fmt.Sprintf("the model of epoch %d and the state of step %s are saved in %s", s.Epochs, step[run.LastFile], out)
			}
			if !errors.As(err, &interrupted) || interrupted.Saved != want {
				t.Errorf("error %v, want %q", err, want)
			}
			for _, picture := range []string{run.LossFile, run.ReconstructionsFile, run.LatentFile} {
				if _, err := os.Stat(filepath.Join(out, picture)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestDivergenceKeepsTheLastGoodModel: the rate is so high that the second
// epoch overflows at the latest.
func TestDivergenceKeepsTheLastGoodModel(t *testing.T) {
	cfg := config(t, "fc64")
	cfg.Output, cfg.Optimizer, cfg.LR, cfg.Epochs, cfg.Activation = "identity", "sgd", 3, 400, "identity"
	out := filepath.Join(t.TempDir(), "run")
	s, err := Train(context.Background(), cfg, blobs(16, 8, 6, 6), Options{Out: out})
	var diverged *DivergedError
	if !errors.As(err, &diverged) || s.Status != Diverged {
		t.Fatalf("status %q, error %v; want divergence", s.Status, err)
	}
	if diverged.Epoch < 2 {
		t.Skipf("diverged in epoch %d: nothing was saved before", diverged.Epoch)
	}
	tensors, metadata, err := run.ReadTensors(filepath.Join(out, run.ModelFile))
	if err != nil {
		t.Fatal(err)
	}
	if want := strconv.Itoa(diverged.Epoch - 1); metadata["epoch"] != want || s.BestEpoch != diverged.Epoch-1 {
		t.Errorf("the model is of epoch %s, the summary's of %d, want %s", metadata["epoch"], s.BestEpoch, want)
	}
	for name, tensor := range tensors {
		for _, v := range tensor.Data {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				t.Fatalf("%s holds %v", name, v)
			}
		}
	}
	var summary map[string]any
	text, err := os.ReadFile(filepath.Join(out, run.SummaryFile))
	if err != nil || json.Unmarshal(text, &summary) != nil || summary["status"] != "diverged" {
		t.Errorf("summary %s (%v)", text, err)
	}
}

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

func TestErrors(t *testing.T) {
	ds := blobs(20, 8, 6, 6)
	held := filepath.Join(t.TempDir(), "held")
	if _, err := Train(context.Background(), config(t, "fc12"), ds, Options{Out: held}); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name   string
		bend   func(*Config)
		out    string
		config bool
		want   string
	}{
		{name: "device", bend: func(c *Config) { c.Device = "tpu" }, config: true, want: `unknown device "tpu"`},
		{name: "limit", bend: func(c *Config) { c.Limit = -1 }, config: true, want: "limit -1"},
		{name: "val", bend: func(c *Config) { c.Val = 20 }, config: true, want: "20"},
		{name: "val of limit", bend: func(c *Config) { c.Limit, c.Val = 5, 5 }, config: true, want: "val 5"},
		{name: "val below 0", bend: func(c *Config) { c.Val = -1 }, config: true, want: "-1 rows to hold out"},
		{name: "test limit", bend: func(c *Config) { c.TestLimit = -1 }, config: true, want: "test limit -1"},
		{name: "more than the tests", bend: func(c *Config) { c.TestLimit = 9 }, config: true, want: "test limit 9 of 8 test images"},
		{name: "batch", bend: func(c *Config) { c.Batch = 0 }, config: true, want: "batch 0"},
		{name: "memory", bend: func(c *Config) { c.Hidden, c.Latent = []int{1 << 24}, 1<<24 }, want: "lower --hidden, --latent or --batch"},
		{name: "cuda", bend: func(c *Config) { c.Device = DeviceCUDA }, want: "--device cpu"},
		{name: "held directory", bend: func(*Config) {}, out: held, want: "holds a run already"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(t, "fc12")
			c.bend(&cfg)
			out := c.out
			if out == "" {
				out = filepath.Join(t.TempDir(), "run")
			}
			_, err := Train(context.Background(), cfg, ds, Options{Out: out})
			var config *ConfigError
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &config) != c.config {
				t.Errorf("error %v (of configuration: %v), want %q (%v)", err, errors.As(err, &config), c.want, c.config)
			}
			if _, err := os.Stat(out); c.out == "" && !errors.Is(err, os.ErrNotExist) {
				t.Error("a directory was made")
			}
		})
	}
	if _, err := NewConfig("fc13"); err == nil {
		t.Error("a preset that is none")
	}
	if _, err := Load(filepath.Join(held, run.ConfigFile), DeviceAuto); err == nil {
		t.Error("a configuration was loaded as a model")
	}
	if _, err := Load(filepath.Join(held, "none"), DeviceAuto); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestWithoutLabels(t *testing.T) {
	ds := blobs(20, 8, 6, 6)
	ds.Train.Labels, ds.Test.Labels = nil, nil
	if _, err := Train(context.Background(), config(t, "fc3"), ds, Options{Out: filepath.Join(t.TempDir(), "run")}); err != nil {
		t.Fatal(err)
	}
}
