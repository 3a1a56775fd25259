package session

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/data"
	"aegis/internal/run"
	"aegis/internal/vm"
	"aegis/internal/vm/tape"
	"aegis/model/program"
)

// openTape opens the tape machine.
func openTape(cfg Config, p *program.Program) (vm.Trainer, string, error) {
	m, err := tape.Open(p, uint64(cfg.Seed))
	return m, "", err
}

// TestInitFrom: an epoch of a run that starts from another one's model does
// what a machine does that is given its parameters and a state of no step.
func TestInitFrom(t *testing.T) {
	ds, other := blobs(16, 8, 6, 6), blobs(24, 8, 6, 6)
	for preset, vms := range map[string]map[string]OpenVM{
		"conv": {"cpu": openCPU}, "vae": {"tape": openTape}, "aae": {"cpu": openCPU, "tape": openTape},
	} {
		for name, open := range vms {
			t.Run(preset+" "+name, func(t *testing.T) {
				ctx, dir := context.Background(), t.TempDir()
				cfg := config(t, preset)
				cfg.Hidden, cfg.Latent, cfg.Epochs = []int{5, 4}, 3, 2
				if cfg.Adversarial() {
					cfg.Discriminator = []int{4}
				}
				first := filepath.Join(dir, "first")
				if _, err := Train(ctx, cfg, ds, Options{Out: first}, open); err != nil {
					t.Fatal(err)
				}
				cfg.InitFrom, cfg.Seed, cfg.Epochs = Path(first), 5, 1
				second := filepath.Join(dir, "second")
				summary, err := Train(ctx, cfg, other, Options{Out: second}, open)
				if err != nil || summary.InitFrom != Path(first) {
					t.Fatalf("%+v, %v", summary, err)
				}
				got, _, err := run.ReadTensors(filepath.Join(second, run.LastFile))
				if err != nil {
					t.Fatal(err)
				}
				want := carriedOn(t, cfg, other, filepath.Join(first, run.ModelFile), open)
				for name, tensor := range want.Tensors {
					for i, v := range tensor.Data {
						if got[name].Data[i] != v {
							t.Fatalf("%s, value %d: %v, want %v", name, i, got[name].Data[i], v)
						}
					}
				}
				written, err := LoadConfig(filepath.Join(second, run.ConfigFile))
				if err != nil || written.InitFrom != Path(first) {
					t.Errorf("config.toml has %+v (%v)", written, err)
				}
			})
		}
	}
}

// carriedOn trains an epoch from a model's parameters by a machine alone.
func carriedOn(t *testing.T, cfg Config, ds *data.Source, path string, open OpenVM) *program.State {
	t.Helper()
	cfg.Image = [3]int{ds.Train.C, ds.Train.H, ds.Train.W}
	p, err := cfg.Program()
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := open(cfg, p)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	state := p.Start(uint64(cfg.Seed))
	tensors, _, err := run.ReadTensors(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, tensor := range tensors {
		state.Tensors[name] = tensor
	}
	loader, err := data.NewLoader(ds.Train.Rows, data.LoaderOptions{Batch: cfg.Batch, Seed: uint64(cfg.Seed), Shuffle: true, Scaling: p.Scaling})
	if err != nil {
		t.Fatal(err)
	}
	feed := data.NewFeed(loader.Order(0))
	defer feed.Close()
	steps := program.Steps{Rows: feed.Take(ds.Train.N)}
	for i := range steps.Count(p.Batch) {
		steps.Scalars = p.StepScalars(steps.Scalars, int64(i), 1)
	}
	if err := errors.Join(m.SetState(state), m.Bind(vm.TrainSet, ds.Train.Rows), m.Train(context.Background(), steps)); err != nil {
		t.Fatal(err)
	}
	if state, err = m.State(); err != nil {
		t.Fatal(err)
	}
	return state
}

// TestInitFromKeepsScaling: rows of another spread are read as those of the
// first run were, and a run of that config.toml comes to the same.
func TestInitFromKeepsScaling(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	cfg := config(t, "fc12")
	cfg.Hidden, cfg.Latent = []int{5}, 2
	first, again := filepath.Join(dir, "first"), filepath.Join(dir, "again")
	if _, err := trained(ctx, cfg, vectors(20, 1), Options{Out: first}); err != nil {
		t.Fatal(err)
	}
	fine := cfg
	fine.InitFrom = Path(first)
	second := filepath.Join(dir, "second")
	if _, err := trained(ctx, fine, vectors(20, 3), Options{Out: second}); err != nil {
		t.Fatal(err)
	}
	repeated, err := LoadConfig(filepath.Join(second, run.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trained(ctx, repeated, vectors(20, 3), Options{Out: again}); err != nil {
		t.Fatal(err)
	}
	scaling := func(dir string) data.Scaling {
		o, err := openInitial(Path(dir))
		if err != nil {
			t.Fatal(err)
		}
		return *o.spec.Scaling
	}
	if got, want := scaling(second), scaling(first); got.Shift[0] != want.Shift[0] || got.Factor[3] != want.Factor[3] {
		t.Errorf("scaling %+v, want %+v", got, want)
	}
	a, errA := os.ReadFile(filepath.Join(second, run.ModelFile))
	b, errB := os.ReadFile(filepath.Join(again, run.ModelFile))
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	if _, values, _ := strings.Cut(string(a), "}}"); !strings.HasSuffix(string(b), values[len(values)-100:]) {
		t.Error("the repeated run has another model")
	}
}

// vectors is rows of 4 values of a spread.
func vectors(n int, spread float32) *data.Source {
	rows := data.Rows{N: n, Shape: data.Shape{W: 4}}
	for i := range n * 4 {
		rows.Floats = append(rows.Floats, spread*float32((i*37)%11-i%4))
	}
	return &data.Source{Name: "vectors", Train: data.Set{Rows: rows}}
}

// TestInitFromAnother names the first thing in which networks differ, before
// anything is written.
func TestInitFromAnother(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	cfg := config(t, "fc12")
	cfg.Hidden, cfg.Latent = []int{5}, 2
	first := filepath.Join(dir, "first")
	if _, err := trained(ctx, cfg, blobs(16, 8, 6, 6), Options{Out: first}); err != nil {
		t.Fatal(err)
	}
	table := filepath.Join(dir, "table")
	named := vectors(20, 1)
	named.Form.Columns = []string{"a", "b", "c", "d"}
	if _, err := trained(ctx, cfg, named, Options{Out: table}); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]struct {
		from string
		ds   *data.Source
		bend func(*Config)
	}{
		"hidden [5 5]; want hidden [5]":                       {first, blobs(16, 8, 6, 6), func(c *Config) { c.Hidden = []int{5, 5} }},
		"latent 3; want latent 2":                             {first, blobs(16, 8, 6, 6), func(c *Config) { c.Latent = 3 }},
		"output sigmoid; want output tanh":                    {first, blobs(16, 8, 6, 6), func(c *Config) { c.Output = "sigmoid" }},
		"rows of 5×6; want rows of 6×6":                       {first, blobs(16, 8, 5, 6), func(*Config) {}},
		"batch norm true; want":                               {first, blobs(16, 8, 6, 6), func(c *Config) { c.BatchNorm = true }},
		"was trained with pixels [-1,1]":                      {first, blobs(16, 8, 6, 6), func(c *Config) { c.Scale = data.ScaleStandard }},
		`columns []; ` + table + ` reads ["a" "b" "c" "d"]`:   {table, vectors(20, 1), func(*Config) {}},
		"no such file":                                        {filepath.Join(dir, "missing"), blobs(16, 8, 6, 6), func(*Config) {}},
		"model.safetensors: no such file or directory; want ": {dir, blobs(16, 8, 6, 6), func(*Config) {}},
	} {
		c1 := cfg
		c1.InitFrom = Path(c.from)
		c.bend(&c1)
		out := filepath.Join(dir, "out")
		if _, err := trained(ctx, c1, c.ds, Options{Out: out}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: a directory is left", want)
		}
	}
}
