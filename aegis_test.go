package aegis

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/data"
	"aegis/internal/run"
)

// waves is a dataset of images with a wave each, no two alike.
func waves(rows, tests, height, width int) *data.Source {
	set := func(n, phase int) data.Set {
		s := data.Set{Rows: data.Rows{N: n, Shape: data.Shape{C: 1, H: height, W: width}, Bytes: make([]byte, n*height*width)}}
		for i := range s.Bytes {
			row, pixel := i/(height*width), i%(height*width)
			s.Bytes[i] = byte(127.5 + 127*math.Sin(float64(pixel*(1+row%5)+phase+row)/7))
		}
		return s
	}
	return &data.Source{Name: "waves", Train: set(rows, 0), Test: set(tests, 3)}
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

// TestTrainAndLoad trains each preset, loads what was written and finds the
// summary's test loss.
func TestTrainAndLoad(t *testing.T) {
	for _, preset := range Presets() {
		t.Run(preset, func(t *testing.T) {
			ds, out := waves(60, 24, 12, 10), filepath.Join(t.TempDir(), "run")
			cfg := config(t, preset)
			if cfg.Condition != "" {
				ds.Train.Labels, ds.Test.Labels = labels(ds.Train.N), labels(ds.Test.N)
			}
			s, err := Train(context.Background(), cfg, ds, Options{Out: out})
			if err != nil {
				t.Fatal(err)
			}
			if s.Status != Finished || s.Epochs != 2 || s.Version != Version {
				t.Errorf("summary %+v", s)
			}
			checkModel(t, filepath.Join(out, run.ModelFile), ds.Test, *s.TestLoss)
		})
	}
}

// labels are three classes by turns.
func labels(n int) []byte {
	return bytes.Repeat([]byte{0, 1, 2}, (n+2)/3)[:n]
}

// checkModel loads what was written and finds the summary's test loss.
func checkModel(t *testing.T, path string, test data.Set, want float64) {
	t.Helper()
	m, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	ctx := context.Background()
	if loss := meanScore(t, m, test.Rows, test.Labels...); math.Abs(loss-want) > 1e-6*want {
		t.Errorf("loaded model has a mean score of %v, the summary a test loss of %v", loss, want)
	}
	codes, err := m.Encode(ctx, test.Rows, test.Labels...)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := m.Decode(ctx, codes, test.Labels...)
	if err != nil {
		t.Fatal(err)
	}
	rebuilt, err := m.Reconstruct(ctx, test.Rows, test.Labels...)
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

func TestErrors(t *testing.T) {
	ds, out := waves(20, 8, 6, 6), filepath.Join(t.TempDir(), "run")
	cfg := config(t, "fc12")
	cfg.Device = DeviceCUDA
	if _, err := Train(context.Background(), cfg, ds, Options{Out: out}); err == nil || !strings.Contains(err.Error(), "cuda") {
		t.Errorf("no GPU: error %v", err)
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Error("a directory was made")
	}
	for _, device := range []string{DeviceCPU, DeviceTape} {
		huge := cfg
		huge.Device, huge.Batch = device, 1<<24
		if _, err := Train(context.Background(), huge, ds, Options{Out: out}); err == nil || !strings.Contains(err.Error(), "GiB") {
			t.Errorf("%s: a batch that no memory holds: error %v", device, err)
		}
	}
	cfg.Device = DeviceCPU
	if _, err := Train(context.Background(), cfg, ds, Options{Out: out}); err != nil {
		t.Fatal(err)
	}
	if _, err := Train(context.Background(), cfg, ds, Options{Out: out}); !errors.Is(err, ErrRunExists) {
		t.Errorf("a second run: error %v, want %v", err, ErrRunExists)
	}
	if _, err := Load(filepath.Join(out, run.ConfigFile)); err == nil {
		t.Error("a configuration was loaded as a model")
	}
	if _, err := Load(filepath.Join(out, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}
