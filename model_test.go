package aegis

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"aegis/data"
	"aegis/internal/run"
)

// trained trains a small network and returns the path of its model.
func trained(t *testing.T, preset string, ds *data.Source) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "run")
	cfg := config(t, preset)
	cfg.Epochs = 1
	if _, err := Train(context.Background(), cfg, ds, Options{Out: out}); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(out, run.ModelFile)
}

func loaded(t *testing.T, path string) *Model {
	t.Helper()
	m, err := Load(path, DeviceCPU)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// TestModelFromManyGoroutines gives 64 goroutines images of their own: each
// gets the bits that it gets alone.
func TestModelFromManyGoroutines(t *testing.T) {
	ds := waves(40, 64, 6, 5)
	m := loaded(t, trained(t, "fc12", ds))
	ctx := context.Background()
	calls := func(row int) ([]float32, error) {
		image := ds.Test.Rows.Slice(row, row+1)
		codes, err := m.Encode(ctx, image)
		if err != nil {
			return nil, err
		}
		drawn, err := m.Decode(ctx, codes)
		if err != nil {
			return nil, err
		}
		rebuilt, err := m.Reconstruct(ctx, image)
		if err != nil {
			return nil, err
		}
		loss, err := m.Loss(ctx, image)
		return append(slices.Concat(codes, drawn, rebuilt), float32(loss)), err
	}
	alone := make([][]float32, ds.Test.N)
	for i := range alone {
		var err error
		if alone[i], err = calls(i); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for i := range alone {
		all.Go(func() {
			for range 20 {
				if got, err := calls(i); err != nil || !slices.Equal(got, alone[i]) {
					t.Errorf("image %d: other numbers than alone (%v)", i, err)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestClosedModel(t *testing.T) {
	ds := waves(16, 4, 6, 5)
	m := loaded(t, trained(t, "fc12", ds))
	ctx := context.Background()
	for range 2 {
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, encode := m.Encode(ctx, ds.Test.Rows)
	_, rebuild := m.Reconstruct(ctx, ds.Test.Rows)
	_, decode := m.Decode(ctx, make([]float32, m.Spec().Latent))
	_, loss := m.Loss(ctx, ds.Test.Rows)
	for name, err := range map[string]error{"encode": encode, "reconstruct": rebuild, "decode": decode, "loss": loss} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v; want %v", name, err, ErrClosed)
		}
	}
}

func TestModelWaitsUntilTheContextEnds(t *testing.T) {
	ds := waves(16, 4, 6, 5)
	m := loaded(t, trained(t, "fc12", ds))
	ctx, cancel := context.WithCancel(context.Background())
	m.turn <- struct{}{} // a call in progress
	cancel()
	_, err := m.Encode(ctx, ds.Test.Rows)
	<-m.turn
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a call that waits when its context ends: %v; want %v", err, context.Canceled)
	}
}

func TestImagesThatAreNotThere(t *testing.T) {
	ds := waves(16, 4, 6, 5)
	m := loaded(t, trained(t, "fc12", ds))
	for name, n := range map[string]int{"fewer than said": 5, "more than said": 3, "negative": -1} {
		images := ds.Test.Rows
		images.N = n
		if _, err := m.Encode(context.Background(), images); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestLoadHostile bends the config of a sound file; each is an error, soon,
// without the memory that it asks for.
func TestLoadHostile(t *testing.T) {
	for preset, cases := range map[string]map[string]string{
		"fc12": {
			`"latent":1152921504606846976`:                  "width 1152921504606846976",
			`"latent":16777216`:                             "parameters, in a file of",
			`"latent":11`:                                   "has shape [12 64]; want [11 64]",
			`"latent":-1`:                                   "width -1",
			`"latent":1e300`:                                "config",
			`"hidden":[16777216,16777216,16777216]`:         "parameters, in a file of",
			`"hidden":[-5]`:                                 "width -5",
			`"hidden":[9223372036854775807]`:                "width 9223372036854775807",
			`"hidden":[1` + strings.Repeat(",1", 300) + `]`: "301 hidden layers",
			`"image":[0,6,5]`:                               "image's size is not known",
			`"image":[1,-6,5]`:                              "image [1 -6 5]",
			`"image":[4294967296,4294967296,1]`:             "image [4294967296",
			`"image":[3037000500,3037000500,3037000500]`:    "image [3037000500",
			`"batch":16777216`:                              "", // not trained: no memory for it
			`"batch":-1`:                                    "batch -1",
		},
		"conv": {
			`"latent":16777216`: "parameters, in a file of",
			`"hidden":[16777216,16777216],"latent":16777216`:              "which no memory holds",
			`"hidden":[16777216],"image":[1,8192,8192],"latent":16777216`: "which no memory holds",
			`"image":[16777216,4,4]`:                                      "parameters, in a file of",
		},
	} {
		path := trained(t, preset, waves(16, 4, 6, 5))
		tensors, metadata, err := run.ReadTensors(path)
		if err != nil {
			t.Fatal(err)
		}
		for bend, want := range cases {
			t.Run(preset+" "+bend[:min(len(bend), 60)], func(t *testing.T) {
				config := map[string]any{}
				for _, text := range []string{metadata["config"], "{" + bend + "}"} {
					d := json.NewDecoder(strings.NewReader(text))
					d.UseNumber()
					if err := d.Decode(&config); err != nil {
						t.Fatal(err)
					}
				}
				text, err := json.Marshal(config)
				if err != nil {
					t.Fatal(err)
				}
				bent := filepath.Join(t.TempDir(), "bent")
				err = run.WriteFile(bent, func(w io.Writer) error {
					return run.EncodeTensors(w, tensors, map[string]string{"config": string(text)})
				})
				if err != nil {
					t.Fatal(err)
				}
				m, err := Load(bent, DeviceCPU)
				if want == "" && err == nil {
					_ = m.Close()
					return
				}
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v; want %q", err, want)
				}
			})
		}
	}
}

// TestLoadOtherTypes adds a counter of whole numbers to a file, as PyTorch's
// layers have, and then gives one of ours another type.
func TestLoadOtherTypes(t *testing.T) {
	text, err := os.ReadFile(trained(t, "fc12", waves(16, 4, 6, 5)))
	if err != nil {
		t.Fatal(err)
	}
	size := binary.LittleEndian.Uint64(text)
	header, data := string(text[8:8+size]), text[8+size:]
	write := func(header string, extra int) string {
		path := filepath.Join(t.TempDir(), "file")
		file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
		if err := os.WriteFile(path, append(append(file, data...), make([]byte, extra)...), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	counter := fmt.Sprintf(`{"counter":{"dtype":"I64","shape":[],"data_offsets":[%d,%d]},`, len(data), len(data)+8)
	m, err := Load(write(strings.Replace(header, "{", counter, 1), 8), DeviceCPU)
	if err != nil {
		t.Fatal(err)
	}
	_ = m.Close()
	_, err = Load(write(strings.Replace(header, `"F32"`, `"I32"`, 1), 0), DeviceCPU)
	if err == nil || !strings.Contains(err.Error(), "decoder.0.bias") || !strings.Contains(err.Error(), "I32") {
		t.Errorf("a bias of I32: %v; want an error that names both", err)
	}
}
