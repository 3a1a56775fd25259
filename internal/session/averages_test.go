package session

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aegis/data"
	"aegis/internal/infer"
	"aegis/internal/run"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/internal/vm/cpu"
	"aegis/model"
	"aegis/model/program"
)

// openRunner opens a model for use.
func openRunner(p *program.Program, params vm.Params) (vm.Runner, error) {
	return cpu.OpenRunner(p, 0, params, cpu.Options{Threads: 1})
}

// A run with averages trains as one without; what it evaluates, shows and keeps
// are the averages, under the names of the parameters.
func TestAveragesOfARun(t *testing.T) {
	for preset, bend := range map[string]func(c *Config){
		"fc12": func(c *Config) { c.BatchNorm, c.Hidden, c.Latent = true, []int{12, 8}, 3 },
		"conv": func(c *Config) { c.Hidden, c.Latent = []int{3}, 4 },
		"vae":  func(c *Config) { c.Hidden, c.Latent, c.Likelihood = []int{12}, 3, model.GaussianLearned },
		"aae":  func(c *Config) { c.Hidden, c.Discriminator, c.Latent = []int{12, 9}, []int{7}, 2 },
	} {
		t.Run(preset, func(t *testing.T) {
			ctx, dir, ds := context.Background(), t.TempDir(), blobs(45, 24, 8, 6)
			plain := config(t, preset)
			bend(&plain)
			averaged := plain
			averaged.EMA = 0.9
			raw, err := trained(ctx, plain, ds, Options{Out: filepath.Join(dir, "plain")})
			if err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(dir, "averaged")
			s, err := trained(ctx, averaged, ds, Options{Out: out})
			if err != nil {
				t.Fatal(err)
			}
			if s.Params != raw.Params || *s.TestLoss == *raw.TestLoss || *s.TrainLoss != *raw.TrainLoss {
				t.Errorf("%d parameters, losses %v and %v; without averages %d, %v and %v", s.Params, *s.TrainLoss, *s.TestLoss, raw.Params, *raw.TrainLoss, *raw.TestLoss)
			}
			checkModel(t, plain, filepath.Join(out, run.ModelFile), ds.Test, *s.TestLoss)
			checkAverages(t, dir)
			checkState(t, averaged, filepath.Join(out, run.LastFile), ds, *s.TestLoss)
		})
	}
}

// checkAverages compares the files of a run without averages and of one with them.
func checkAverages(t *testing.T, dir string) {
	t.Helper()
	read := func(run, file string) map[string]program.Tensor {
		s, err := infer.ReadState(filepath.Join(dir, run, file))
		if err != nil {
			t.Fatal(err)
		}
		return s.Tensors
	}
	plain, last, kept := read("plain", run.LastFile), read("averaged", run.LastFile), read("averaged", run.ModelFile)
	for name, tensor := range plain {
		if !slices.Equal(last[name].Data, tensor.Data) {
			t.Errorf("%s is not what it is without averages", name)
		}
	}
	differ := 0
	for name := range read("plain", run.ModelFile) {
		want, isAverage := last[model.AverageName(name)]
		if !isAverage {
			want = last[name]
		} else if !slices.Equal(want.Data, last[name].Data) {
			differ++
		}
		if trained := !strings.Contains(name, "running") && !strings.HasPrefix(name, "discriminator."); isAverage != trained {
			t.Errorf("%s has an average: %v", name, isAverage)
		}
		if !slices.Equal(kept[name].Data, want.Data) {
			t.Errorf("the model's %s is not the average", name)
		}
		delete(kept, name)
	}
	if len(kept) > 0 || differ == 0 {
		t.Errorf("the model has %d tensors more; %d averages differ from what they follow", len(kept), differ)
	}
	of := func(name string) string {
		m, err := infer.Load(filepath.Join(dir, "averaged", name), openRunner)
		if err != nil {
			t.Fatal(err)
		}
		return m.Fingerprint()
	}
	if of(run.ModelFile) != of(run.LastFile) {
		t.Error("the model in the state is another than the model of the last epoch")
	}
}

// checkState puts a run's last state into a machine, whose evaluation is that of
// the averages in it.
func checkState(t *testing.T, cfg Config, path string, ds *data.Source, want float64) {
	t.Helper()
	cfg.Image = [3]int{ds.Test.C, ds.Test.H, ds.Test.W}
	p, err := cfg.Program()
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := openCPU(cfg, p)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	state, err := infer.ReadState(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.SetState(state), m.Bind(vm.TestSet, ds.Test.Rows)); err != nil {
		t.Fatal(err)
	}
	terms, err := m.Evaluate(context.Background(), vm.TestSet, train.Rows(ds.Test.N))
	if err != nil || math.Abs(terms[0]-want) > 1e-6*want {
		t.Errorf("the state's test loss is %v (%v), the summary's %v", terms, err, want)
	}
}

// What a run says at its end is of the averages of its best epoch, which are in
// the model's file, and not of those that training ended with.
func TestAveragesOfTheBestEpoch(t *testing.T) {
	ds, out := blobs(64, 24, 8, 6), filepath.Join(t.TempDir(), "run")
	cfg := config(t, "fc12")
	cfg.Hidden, cfg.Latent, cfg.EMA, cfg.Val, cfg.TestLimit, cfg.LR, cfg.Epochs = []int{12}, 3, 0.5, 16, 5, 0.3, 4
	s, err := trained(context.Background(), cfg, ds, Options{Out: out})
	if err != nil {
		t.Fatal(err)
	}
	if s.BestEpoch == s.Epochs {
		t.Fatalf("the best epoch is the last, %d: it shows nothing", s.Epochs)
	}
	cfg.EMA = 0
	checkModel(t, cfg, filepath.Join(out, run.ModelFile), ds.Test, *s.TestLoss)
}

// Averages start as the model that training starts from, whether that has been
// trained with averages or not.
func TestAveragesStartFromAModel(t *testing.T) {
	ctx, dir, ds := context.Background(), t.TempDir(), blobs(45, 24, 8, 6)
	cfg := config(t, "fc12")
	cfg.Hidden, cfg.Latent, cfg.EMA = []int{12}, 3, 0.5
	first := filepath.Join(dir, "first")
	if _, err := trained(ctx, cfg, ds, Options{Out: first}); err != nil {
		t.Fatal(err)
	}
	from, err := openInitial(Path(first))
	if err != nil {
		t.Fatal(err)
	}
	for _, decay := range []float64{0, 0.9} {
		cfg.EMA, cfg.Image = decay, [3]int{1, 8, 6}
		p, err := cfg.Program()
		if err != nil {
			t.Fatal(err)
		}
		m, _, err := openCPU(cfg, p)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = m.Close() })
		if err := from.start(m, p.Params); err != nil {
			t.Fatal(err)
		}
		state, err := m.State()
		if err != nil {
			t.Fatal(err)
		}
		for _, param := range p.Params {
			if name := strings.TrimPrefix(param.Name, "ema."); !slices.Equal(state.Tensors[param.Name].Data, from.tensors[name].Data) {
				t.Errorf("ema %v: %s is not the model's", decay, param.Name)
			}
		}
	}
}
