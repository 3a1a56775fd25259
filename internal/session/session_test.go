package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"aegis/internal/run"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model"
	"aegis/model/program"
)

func TestTrainWritesARun(t *testing.T) {
	for _, spec := range model.Presets() {
		t.Run(spec.Model, func(t *testing.T) {
			cfg := config(t, spec.Model)
			cfg.Val = 10
			ds := blobs(90, 24, 12, 10)
			out := filepath.Join(t.TempDir(), "run")
			var epochs []Metrics
			s, err := trained(context.Background(), cfg, ds, Options{Out: out, Hooks: Hooks{
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
				return int(math.Copysign(1, *a.ValLoss-*b.ValLoss))
			})
			if s.BestEpoch != best.Epoch || *s.TestLoss != *best.TestLoss {
				t.Errorf("best epoch %d with test loss %v, want %d", s.BestEpoch, *s.TestLoss, best.Epoch)
			}
			checkModel(t, cfg, filepath.Join(out, run.ModelFile), ds.Test, *s.TestLoss)
		})
	}
}

func TestSameSeedSameNumbers(t *testing.T) {
	var files [3][]byte
	for i, seed := range []uint64{5, 5, 6} {
		cfg := config(t, "fc12")
		cfg.Seed = Seed(seed)
		out := filepath.Join(t.TempDir(), "run")
		if _, err := trained(context.Background(), cfg, blobs(50, 8, 6, 6), Options{Out: out}); err != nil {
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
	for i, want := range []string{"the state of step 0 is saved in " + out, "no epoch has finished; the earlier run in " + out + " is as it was"} {
		ctx, cancel := context.WithCancel(context.Background())
		cfg := config(t, "fc12")
		cfg.Seed = Seed(i)
		_, err := trained(ctx, cfg, blobs(20, 8, 6, 6), Options{Out: out, Force: i == 1, Hooks: Hooks{Start: func(Start) { cancel() }}})
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
			s, err := trained(ctx, cfg, blobs(60, 8, 6, 6), Options{Out: out, Hooks: Hooks{
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
	s, err := trained(context.Background(), cfg, blobs(16, 8, 6, 6), Options{Out: out})
	var diverged *train.DivergedError
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

// failing is a VM whose steps fail.
type failing struct{ vm.Trainer }

func (failing) Train(context.Context, program.Steps) error { return errors.New("the device fell over") }

// TestForceThenFail replaces a run by ones that come to nothing: its files stay,
// and the error says so.
func TestForceThenFail(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	ds, cfg := blobs(16, 8, 6, 6), config(t, "fc64")
	if _, err := trained(context.Background(), cfg, ds, Options{Out: out}); err != nil {
		t.Fatal(err)
	}
	before := files(t, out)
	for name, c := range map[string]struct {
		bend   func(*Config)
		fail   bool
		status Status
		want   string
	}{
		"diverged": {
			bend: func(c *Config) { c.Output, c.Activation, c.Optimizer, c.LR = "identity", "identity", "sgd", 1e30 }, status: Diverged,
			want: "corrupt rows",
		},
		"failed": {bend: func(*Config) {}, fail: true, status: Failed, want: "the device fell over"},
	} {
		bent := cfg
		c.bend(&bent)
		open := func(cfg Config, p *program.Program) (vm.Trainer, string, error) {
			m, why, err := openCPU(cfg, p)
			if c.fail {
				m = failing{m}
			}
			return m, why, err
		}
		s, err := Train(context.Background(), bent, ds, Options{Out: out, Force: true}, open)
		want := c.want + "; no epoch has finished; the earlier run in " + out + " is as it was"
		if s == nil || s.Status != c.status || err == nil || !strings.HasSuffix(err.Error(), want) || s.Error != err.Error() {
			t.Errorf("%s: error %v, summary %+v; want %q", name, err, s, want)
		}
		if after := files(t, out); !reflect.DeepEqual(after, before) {
			t.Errorf("%s: the earlier run's files changed", name)
		}
	}
	fresh := filepath.Join(t.TempDir(), "run")
	_, err := Train(context.Background(), cfg, ds, Options{Out: fresh}, func(cfg Config, p *program.Program) (vm.Trainer, string, error) {
		m, why, err := openCPU(cfg, p)
		return failing{m}, why, err
	})
	if err == nil || strings.Contains(err.Error(), "earlier run") {
		t.Errorf("no earlier run: error %v", err)
	}
}

// files are those of a directory, by name.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if all[e.Name()] = string(text); e.Name() == ".aegis" {
			all[e.Name()] = "" // it knows the configuration that was about to be
		}
	}
	return all
}

func TestErrors(t *testing.T) {
	ds := blobs(20, 8, 6, 6)
	held := filepath.Join(t.TempDir(), "held")
	if _, err := trained(context.Background(), config(t, "fc12"), ds, Options{Out: held}); err != nil {
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
		{name: "plateau of nothing", bend: func(c *Config) { c.Schedule = "plateau" }, config: true, want: "schedule plateau goes by the loss of rows that are held out"},
		{name: "warm-up of all", bend: func(c *Config) { c.Schedule, c.Warmup = "cosine", 6 }, config: true, want: "warm-up of 6 steps before schedule cosine, and training has 6"},
		{name: "memory", bend: func(c *Config) { c.Hidden, c.Latent = []int{1 << 24}, 1<<24 }, want: "lower hidden, latent or batch"},
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
			_, err := trained(context.Background(), cfg, ds, Options{Out: out})
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
}

func TestWithoutLabels(t *testing.T) {
	ds := blobs(20, 8, 6, 6)
	ds.Train.Labels, ds.Test.Labels = nil, nil
	if _, err := trained(context.Background(), config(t, "fc3"), ds, Options{Out: filepath.Join(t.TempDir(), "run")}); err != nil {
		t.Fatal(err)
	}
}

// TestInterruptInTheFirstEpochOfAnother leaves the earlier run whole, and takes
// its place once an epoch has finished.
func TestInterruptInTheFirstEpochOfAnother(t *testing.T) {
	ds, cfg := blobs(60, 8, 6, 6), config(t, "fc12")
	for _, finished := range []int{0, 1} {
		out := filepath.Join(t.TempDir(), "run")
		if _, err := trained(context.Background(), cfg, ds, Options{Out: out}); err != nil {
			t.Fatal(err)
		}
		before := files(t, out)
		ctx, cancel := context.WithCancel(context.Background())
		again := cfg
		again.Batch, again.Epochs, again.Seed = 1, 1000, 5
		epochs := 0
		_, err := trained(ctx, again, ds, Options{Out: out, Force: true, Hooks: Hooks{
			Progress: func(Progress) {
				if epochs == finished {
					cancel()
				}
			},
			Epoch: func(Metrics) { epochs++ },
		}})
		var interrupted *InterruptedError
		want := "no epoch has finished; the earlier run in " + out + " is as it was"
		if said := errors.As(err, &interrupted) && interrupted.Saved == want; said != (finished == 0) {
			t.Errorf("after %d epochs: %v", finished, err)
		}
		if same := reflect.DeepEqual(files(t, out), before); same != (finished == 0) {
			t.Errorf("after %d epochs: the same files: %v", finished, same)
		}
	}
}

// TestLostDirectory takes the directory from a run that trains or draws: it
// ends with an error and writes nothing more, however it would have ended.
func TestLostDirectory(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows removes no file that is open")
	}
	ds, cfg := blobs(60, 8, 6, 6), config(t, "fc12")
	for name, at := range map[string]int{"in the first epoch": 0, "in the second": 1, "behind the last": 2} {
		for _, interrupt := range []bool{false, true} {
			out := filepath.Join(t.TempDir(), "run")
			ctx, cancel := context.WithCancel(context.Background())
			epochs, taken := 0, false
			take := func() {
				if epochs != at || taken {
					return
				}
				taken = true
				for os.RemoveAll(out) != nil { // a file may be begun meanwhile
				}
				if interrupt {
					cancel()
				}
			}
			s, err := trained(ctx, cfg, ds, Options{Out: out, Hooks: Hooks{
				Progress: func(Progress) { take() },
				Epoch:    func(Metrics) { epochs++; take() },
			}})
			cancel()
			if !errors.Is(err, run.ErrLost) || errors.Is(err, context.Canceled) || s.Status != Failed || s.Error != err.Error() {
				t.Errorf("%s, interrupt %v: error %v, summary %+v", name, interrupt, err, s)
			}
			if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s, interrupt %v: the directory: %v, want none", name, interrupt, err)
			}
		}
	}
}

// TestFailureKeepsTheModel has the device fail behind the first epoch, sooner
// than files are written: what was made is written, and said.
func TestFailureKeepsTheModel(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	var m *failsLater
	_, err := Train(context.Background(), config(t, "fc64"), blobs(16, 8, 6, 6), Options{Out: out, Hooks: Hooks{
		Epoch: func(Metrics) { m.broken = true },
	}}, func(cfg Config, p *program.Program) (vm.Trainer, string, error) {
		inner, why, err := openCPU(cfg, p)
		m = &failsLater{Trainer: inner}
		return m, why, err
	})
	want := "the device fell over; the model of epoch 1 and the state of step 2 are saved in " + out
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	for _, name := range []string{run.ModelFile, run.LastFile} {
		if _, metadata, err := run.ReadTensors(filepath.Join(out, name)); err != nil || metadata["step"] != "2" {
			t.Errorf("%s of %v (%v)", name, metadata, err)
		}
	}
}

// failsLater is a VM whose steps fail once it is broken.
type failsLater struct {
	vm.Trainer
	broken bool
}

func (f *failsLater) Train(ctx context.Context, steps program.Steps) error {
	if f.broken {
		return failing{}.Train(ctx, steps)
	}
	return f.Trainer.Train(ctx, steps)
}
