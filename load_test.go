package aegis

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"aegis/data"
	"aegis/internal/atomic"
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
	m, err := Load(path, WithDevice(DeviceCPU))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// results is all that a model says of images, its values one behind the other.
func results(t *testing.T, m *Model, images data.Rows) []float32 {
	t.Helper()
	ctx := context.Background()
	codes, err := m.Encode(ctx, images)
	if err != nil {
		t.Error(err)
	}
	drawn, err := m.Decode(ctx, codes)
	if err != nil {
		t.Error(err)
	}
	rebuilt, err := m.Reconstruct(ctx, images)
	if err != nil {
		t.Error(err)
	}
	scores, err := m.Score(ctx, images)
	if err != nil {
		t.Error(err)
	}
	all := slices.Concat(codes, drawn, rebuilt)
	for _, s := range scores {
		all = append(all, float32(s))
	}
	return all
}

// meanScore is what a model's scores of rows come to.
func meanScore(t *testing.T, m *Model, rows data.Rows, labels ...byte) float64 {
	t.Helper()
	scores, err := m.Score(context.Background(), rows, labels...)
	if err != nil || len(scores) != rows.N {
		t.Fatalf("%d scores of %d rows, error %v", len(scores), rows.N, err)
	}
	mean := 0.0
	for _, s := range scores {
		mean += s / float64(rows.N)
	}
	return mean
}

// TestModelFromManyGoroutines gives 64 goroutines images of their own, some of
// them hundreds: each gets the bits that it gets alone, and nothing of ours
// runs when they are done.
func TestModelFromManyGoroutines(t *testing.T) {
	const callers = 64
	ds := waves(40, 700, 6, 5)
	for _, preset := range []string{"fc12", "conv"} {
		t.Run(preset, func(t *testing.T) {
			m := loaded(t, trained(t, preset, ds))
			goroutines := runtime.NumGoroutine()
			given := func(i int) data.Rows {
				if i%16 == 0 {
					return ds.Test.Rows.Slice(i, ds.Test.N)
				}
				return ds.Test.Rows.Slice(i, i+1)
			}
			alone := make([][]float32, callers)
			for i := range alone {
				alone[i] = results(t, m, given(i))
			}
			var all sync.WaitGroup
			for i := range alone {
				all.Go(func() {
					for range 2 {
						if !slices.Equal(results(t, m, given(i)), alone[i]) {
							t.Errorf("goroutine %d: other numbers than alone", i)
							return
						}
					}
				})
			}
			all.Wait()
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			if n := left(goroutines); n > goroutines {
				t.Errorf("%d goroutines after Close, %d before the calls", n, goroutines)
			}
		})
	}
}

// left counts goroutines when those that are ending have had time for it.
func left(want int) int {
	for range 1000 {
		if runtime.NumGoroutine() <= want {
			break
		}
		runtime.Gosched()
	}
	return runtime.NumGoroutine()
}

// TestLoadTakesItsParametersOnce measures the heap: the parameters of this
// network, 8 MB, lie outside of it, and nothing that was read stays in it.
func TestLoadTakesItsParametersOnce(t *testing.T) {
	cfg := config(t, "fc64")
	cfg.Hidden, cfg.Latent, cfg.Epochs = []int{2000}, 10, 1
	out := filepath.Join(t.TempDir(), "run")
	summary, err := Train(context.Background(), cfg, waves(8, 4, 20, 25), Options{Out: out})
	if err != nil {
		t.Fatal(err)
	}
	heap := func() int64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	before, goroutines := heap(), runtime.NumGoroutine()
	m := loaded(t, filepath.Join(out, run.ModelFile))
	grown := heap() - before
	if parameters := 4 * int64(summary.Params); grown > parameters/4 {
		t.Errorf("the heap grew by %d bytes for a model of %d", grown, parameters)
	}
	if n := left(goroutines); n > goroutines {
		t.Errorf("Load started %d goroutines", n-goroutines)
	}
	runtime.KeepAlive(m)
}

// TestLoadFromBytesAndFileSystems opens one model in every way.
func TestLoadFromBytesAndFileSystems(t *testing.T) {
	ds := waves(16, 4, 6, 5)
	path := trained(t, "fc12", ds)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := results(t, loaded(t, path), ds.Test.Rows)
	cpu := WithDevice(DeviceCPU)
	for name, open := range map[string]func() (*Model, error){
		"auto":               func() (*Model, error) { return Load(path) },
		"bytes":              func() (*Model, error) { return LoadBytes(text, cpu) },
		"a folder":           func() (*Model, error) { return LoadFS(os.DirFS(filepath.Dir(path)), filepath.Base(path), cpu) },
		"a map":              func() (*Model, error) { return LoadFS(fstest.MapFS{"m": {Data: text}}, "m", cpu, WithThreads(1)) },
		"files without seek": func() (*Model, error) { return LoadFS(stream{fstest.MapFS{"m": {Data: text}}}, "m", cpu) },
	} {
		m, err := open()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if name == "bytes" {
			clear(text) // they were the caller's
		}
		if got := results(t, m, ds.Test.Rows); !slices.Equal(got, want) {
			t.Errorf("%s: other numbers than from the path", name)
		}
		if name == "bytes" {
			if text, err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	for name, c := range map[string]struct {
		open func() (*Model, error)
		want string
	}{
		"no such file":   {func() (*Model, error) { return LoadFS(fstest.MapFS{}, "m") }, "file does not exist"},
		"a folder":       {func() (*Model, error) { return LoadFS(fstest.MapFS{"m/a": {}}, "m") }, "not a file"},
		"no bytes":       {func() (*Model, error) { return LoadBytes(nil) }, "0 bytes"},
		"cut short":      {func() (*Model, error) { return LoadBytes(text[:len(text)-5]) }, "cut short"},
		"unknown device": {func() (*Model, error) { return Load(path, WithDevice("tpu")) }, `unknown device "tpu"`},
		"threads":        {func() (*Model, error) { return Load(path, cpu, WithThreads(-1)) }, "-1 threads"},
		"many threads":   {func() (*Model, error) { return Load(path, cpu, WithThreads(math.MaxInt32)) }, "2147483647 threads; want 1 to 1024"},
		"minus a GPU":    {func() (*Model, error) { return Load(path, cpu, WithGPU(-1)) }, "GPU -1; want a number of at least 0"},
		"no GPU":         {func() (*Model, error) { return Load(path, WithDevice(DeviceCUDA), WithGPU(99)) }, "cuda"},
	} {
		if _, err := c.open(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v; want %q", name, err, c.want)
		}
	}
}

// stream hides all of a file but reading it from its beginning.
type stream struct{ fs.FS }

type streamFile struct{ fs.File }

func (s stream) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	return streamFile{f}, err
}

// TestEveryDeviceGivesTheSame compares the tape machine with the CPU.
func TestEveryDeviceGivesTheSame(t *testing.T) {
	ds := waves(16, 4, 6, 5)
	path := trained(t, "conv", ds)
	m, err := Load(path, WithDevice(DeviceTape))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	if !strings.Contains(m.Device(), "tape") {
		t.Errorf("device %q", m.Device())
	}
	want := results(t, loaded(t, path), ds.Test.Rows)
	for i, v := range results(t, m, ds.Test.Rows) {
		if math.Abs(float64(v-want[i])) > 1e-5 {
			t.Fatalf("value %d: %v on the tape machine, %v on the CPU", i, v, want[i])
		}
	}
}

func TestClosedModel(t *testing.T) {
	ds := waves(16, 4, 6, 5)
	m := loaded(t, trained(t, "fc12", ds))
	for range 2 {
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
	all := calls(m, context.Background(), ds.Test.Rows)
	_, all["Prior"] = m.Prior(1, 1)
	for call, err := range all {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v; want %v", call, err, ErrClosed)
		}
	}
}

// calls are the errors of a model's methods.
func calls(m *Model, ctx context.Context, images data.Rows) map[string]error {
	_, encode := m.Encode(ctx, images)
	_, rebuild := m.Reconstruct(ctx, images)
	_, decode := m.Decode(ctx, make([]float32, 12))
	_, score := m.Score(ctx, images)
	return map[string]error{"encode": encode, "reconstruct": rebuild, "decode": decode, "score": score}
}

// TestMisuse calls what Load did not return, and gives no context, one that has
// ended, and no images.
func TestMisuse(t *testing.T) {
	ds := waves(16, 4, 6, 5)
	m := loaded(t, trained(t, "fc12", ds))
	var none *Model
	var noContext context.Context
	ctx := context.Background()
	ended, end := context.WithCancel(ctx)
	end()
	for name, c := range map[string]struct {
		model *Model
		ctx   context.Context
		want  string
	}{
		"zero value": {&Model{}, ctx, "the model is empty"},
		"nil":        {none, ctx, "the model is empty"},
		"no context": {m, noContext, "the context is nil"},
		"ended":      {m, ended, context.Canceled.Error()},
	} {
		for call, err := range calls(c.model, c.ctx, ds.Test.Rows) {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: error %v; want %q", name, call, err, c.want)
			}
		}
	}
	for name, empty := range map[string]*Model{"zero value": {}, "nil": none} {
		if err := empty.Close(); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
		if lo, hi := empty.Pixels(); lo > hi || empty.Spec().Latent != 0 || empty.Device() != "none" {
			t.Errorf("%s: pixels in [%v,%v], latent %d, device %s", name, lo, hi, empty.Spec().Latent, empty.Device())
		}
	}
	nothing := ds.Test.Rows.Slice(0, 0)
	codes, err := m.Encode(ctx, nothing)
	scores, err2 := m.Score(ctx, nothing)
	if len(codes)+len(scores) != 0 || err != nil || err2 != nil {
		t.Errorf("no images: codes %v (%v), scores %v (%v)", codes, err, scores, err2)
	}
}

func TestImagesThatAreNotThere(t *testing.T) {
	ds := waves(16, 4, 6, 5)
	m := loaded(t, trained(t, "fc12", ds))
	for name, n := range map[string]int{"fewer than said": 5, "more than said": 3, "negative": -1, "more than there can be": math.MaxInt} {
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
				err = atomic.WriteFile(bent, func(w io.Writer) error {
					return run.EncodeTensors(w, tensors, map[string]string{"config": string(text)})
				})
				if err != nil {
					t.Fatal(err)
				}
				m, err := Load(bent, WithDevice(DeviceCPU))
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
	header = strings.Replace(header, `"aegis":"`+Version, `"aegis":"0.1.0`, 1) // whose files have no checksum
	header = regexp.MustCompile(`"crc32c":"[0-9a-f]{8}",`).ReplaceAllString(header, "")
	write := func(header string, extra int) string {
		path := filepath.Join(t.TempDir(), "file")
		file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
		if err := os.WriteFile(path, append(append(file, data...), make([]byte, extra)...), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	counter := fmt.Sprintf(`{"counter":{"dtype":"I64","shape":[],"data_offsets":[%d,%d]},`, len(data), len(data)+8)
	m, err := Load(write(strings.Replace(header, "{", counter, 1), 8), WithDevice(DeviceCPU))
	if err != nil {
		t.Fatal(err)
	}
	_ = m.Close()
	_, err = Load(write(strings.Replace(header, `"F32"`, `"I32"`, 1), 0), WithDevice(DeviceCPU))
	if err == nil || !strings.Contains(err.Error(), "decoder.0.bias") || !strings.Contains(err.Error(), "I32") {
		t.Errorf("a bias of I32: %v; want an error that names both", err)
	}
}
