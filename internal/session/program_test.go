package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"

	"aegis/data"
	"aegis/data/memory"
	"aegis/internal/advice"
	"aegis/internal/infer"
	"aegis/internal/run"
	"aegis/internal/session"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/internal/vm/cpu"
	"aegis/internal/vm/tape"
	"aegis/internal/vm/vmtest"
	"aegis/model/op"
	"aegis/model/optim"
	"aegis/model/program"
)

// openProgram opens the tape machine or the CPU VM.
func openProgram(cfg session.ProgramConfig, p *program.Program) (vm.Trainer, string, error) {
	if cfg.Device == session.DeviceTape {
		m, err := tape.Open(p, uint64(cfg.Seed))
		return m, "", err
	}
	m, err := cpu.Open(p, uint64(cfg.Seed), cpu.Options{Threads: 1})
	return m, "", err
}

func trainProgram(ctx context.Context, p *program.Program, ds *data.Source, cfg session.ProgramConfig, hooks ...session.Hooks) (*session.ProgramResult, error) {
	return session.TrainProgram(ctx, p, ds, cfg, hooks, openProgram)
}

// TestTrainProgramWritesARun finds in the directory what the result holds.
func TestTrainProgramWritesARun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	var started, told int
	hooks := session.Hooks{Start: func(session.Start) { started++ }, Epoch: func(session.Metrics) { told++ }}
	r, err := trainProgram(context.Background(), vmtest.Residual(t), vmtest.Waves(50), session.ProgramConfig{Epochs: 4, Seed: 2, Val: 10, Out: out}, hooks, hooks)
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != session.Finished || r.Epochs != 4 || len(r.Metrics) != 4 || started != 2 || told != 8 || r.Rows != 40 || r.State.Step != 20 {
		t.Errorf("%+v, %d starts, %d epochs told", r.Summary, started, told)
	}
	if _, err := session.LoadConfig(filepath.Join(out, run.ConfigFile)); err == nil || !strings.Contains(err.Error(), "a program of one's own") {
		t.Errorf("its configuration is read as that of a network: %v", err)
	}
	last, err := infer.ReadState(filepath.Join(out, run.LastFile))
	if err != nil || !reflect.DeepEqual(last, r.State) {
		t.Errorf("%s is not the state of step %d (%v)", run.LastFile, r.State.Step, err)
	}
	best, err := infer.ReadState(filepath.Join(out, run.ModelFile))
	if err != nil || best.Step != r.Best.Step || len(best.Tensors) != 12 {
		t.Errorf("the model has %d tensors of step %d (%v)", len(best.Tensors), best.Step, err)
	}
	for name, tensor := range best.Tensors {
		if !reflect.DeepEqual(tensor, r.Best.Tensors[name]) {
			t.Errorf("%s of the model is not the best state's", name)
		}
	}
	for _, m := range r.Metrics {
		if *m.ValLoss < *r.Metrics[r.BestEpoch-1].ValLoss {
			t.Errorf("epoch %d is the best, epoch %d has a lower validation loss", r.BestEpoch, m.Epoch)
		}
	}
	var summary session.Summary
	text, err := os.ReadFile(filepath.Join(out, run.SummaryFile))
	if err != nil || json.Unmarshal(text, &summary) != nil || summary.Model != "residual" || *summary.ValLoss != *r.ValLoss {
		t.Errorf("summary %s (%v)", text, err)
	}
	text, err = os.ReadFile(filepath.Join(out, run.MetricsFile))
	if err != nil || strings.Count(string(text), "\n") != 4 {
		t.Errorf("metrics %s (%v)", text, err)
	}
	if _, err := infer.Load(filepath.Join(out, run.ModelFile), nil); err == nil || !strings.Contains(err.Error(), "ReadState") {
		t.Errorf("loaded as a network: %v", err)
	}
	if _, err := trainProgram(context.Background(), vmtest.Residual(t), vmtest.Waves(50), session.ProgramConfig{Epochs: 1, Out: out}); !errors.Is(err, run.ErrExists) {
		t.Errorf("a second run: %v", err)
	}
}

// TestTrainProgramOnPlateau trains at a rate that changes nothing, which falls
// after each epoch; it wants rows held out.
func TestTrainProgramOnPlateau(t *testing.T) {
	p := vmtest.Residual(t)
	p.Phases[0].Optimizer.LR, p.Phases[0].Optimizer.Schedule = 0x1p-100, optim.Schedule{Kind: optim.OnPlateau, Gamma: 0.5}
	r, err := trainProgram(context.Background(), p, vmtest.Waves(50), session.ProgramConfig{Epochs: 4, Val: 10})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0x1p-100, 0x1p-100, 0x1p-101, 0x1p-102} {
		if got := r.Metrics[i].LR; got != want {
			t.Errorf("epoch %d: learning rate %v, want %v", i+1, got, want)
		}
	}
	var config *session.ConfigError
	if _, err := trainProgram(context.Background(), p, vmtest.Waves(50), session.ProgramConfig{Epochs: 1}); !errors.As(err, &config) || advice.Of(err)[0] != "val 10%" {
		t.Errorf("without rows to validate on: %v", err)
	}
}

// TestTrainProgramIsCutShort ends the context in the second epoch, and then has
// a rate that overflows.
func TestTrainProgramIsCutShort(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r, err := trainProgram(ctx, vmtest.Residual(t), vmtest.Waves(50), session.ProgramConfig{Epochs: 1000}, session.Hooks{Epoch: func(session.Metrics) { cancel() }})
	if !errors.Is(err, context.Canceled) || r.Status != session.Interrupted || r.Epochs != 1 || r.State == nil || r.Best == nil {
		t.Errorf("%+v, error %v", r.Summary, err)
	}
	p := vmtest.Residual(t)
	p.Phases[0].Optimizer.LR = 1e20
	r, err = trainProgram(context.Background(), p, vmtest.Waves(8), session.ProgramConfig{Epochs: 50})
	if diverged := (*train.DivergedError)(nil); !errors.As(err, &diverged) || r.Status != session.Diverged || (r.State == nil) != (r.Epochs == 0) {
		t.Fatalf("%+v, error %v", r.Summary, err)
	}
	if r.State == nil {
		return
	}
	for name, tensor := range r.State.Tensors {
		if math.IsNaN(float64(tensor.Data[0])) {
			t.Errorf("%s holds NaN", name)
		}
	}
}

// TestTrainProgramReadsNumbers has a row that is no number in each set.
func TestTrainProgramReadsNumbers(t *testing.T) {
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
		for set, of := range map[string]func(*data.Source) *data.Set{
			"training": func(s *data.Source) *data.Set { return &s.Train },
			"test":     func(s *data.Source) *data.Set { return &s.Test },
		} {
			p, ds := vmtest.Residual(t), vmtest.Waves(50)
			p.Scaling = data.Scaling{Kind: data.ScaleNone}
			for _, s := range []*data.Set{&ds.Train, &ds.Test} {
				s.Rows = data.Rows{N: 50, Shape: p.Row, Floats: make([]float32, 50*16)}
				s.Labels = nil
			}
			of(ds).Floats[3*16+5] = bad
			_, err := trainProgram(context.Background(), p, ds, session.ProgramConfig{Epochs: 1})
			if want := "row 3 of the " + set + " set, column 5"; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
		}
	}
}

// TestTrainProgramFitsIntoMemory has more parameters than there is memory for,
// each of a size that is allowed.
func TestTrainProgramFitsIntoMemory(t *testing.T) {
	if memory.Total().Bytes == 0 {
		t.Skip("how much memory there is here is not known")
	}
	p := vmtest.Residual(t)
	for i := range memory.Total().Bytes>>32 + 1 {
		p.Params = append(p.Params, program.Param{Name: fmt.Sprint("huge", i), Shape: []int{1 << 15, 1 << 15}, Role: program.Running})
	}
	opened := func(session.ProgramConfig, *program.Program) (vm.Trainer, string, error) {
		return nil, "", errors.New("a VM was opened")
	}
	_, err := session.TrainProgram(context.Background(), p, vmtest.Waves(50), session.ProgramConfig{Epochs: 1}, nil, opened)
	if err == nil || !strings.Contains(err.Error(), "GiB to train") {
		t.Errorf("error %v; want one of memory", err)
	}
}

// TestTrainProgramNamesItsTerms trains with two loss terms.
func TestTrainProgramNamesItsTerms(t *testing.T) {
	p := vmtest.Residual(t)
	p.Phases[0].Outputs = append(p.Phases[0].Outputs, program.Output{Name: "again", Node: p.Phases[0].Outputs[0].Node})
	r, err := trainProgram(context.Background(), p, vmtest.Waves(50), session.ProgramConfig{Epochs: 1})
	if err != nil {
		t.Fatal(err)
	}
	m := r.Metrics[0]
	if want := map[string]float64{"loss": m.TrainLoss, "again": m.TrainLoss}; !reflect.DeepEqual(m.Terms, want) {
		t.Errorf("terms %v, want %v", m.Terms, want)
	}
}

func TestTrainProgramErrors(t *testing.T) {
	stock := func(p *program.Program) { // a stock op between prediction and loss
		h := vmtest.NewHand(t, G.NewGraph(), &p.Params)
		x, weights := h.Tensor("x", 8, 16), h.Tensor("weights", 8)
		y := h.Must(G.Tanh(x))
		cost := h.Mean(h.Linear(y, "only", 16, op.None), x, weights)
		grads, err := G.Grad(cost, h.Params...)
		if err != nil {
			t.Fatal(err)
		}
		p.Phases[0].Graph = program.Graph{
			ExprGraph: h.Graph, Params: h.Params, Outputs: []program.Output{{Name: "loss", Node: cost}},
			Inputs: []program.Input{{Node: x, Kind: program.InputRows}, {Node: weights, Kind: program.InputWeights}},
		}
		p.Phases[0].Trained, p.Phases[0].Grads = h.Params, grads
	}
	for name, c := range map[string]struct {
		bend   func(*program.Program)
		config func(*session.ProgramConfig)
		want   string
	}{
		"epochs":                {config: func(c *session.ProgramConfig) { c.Epochs = 0 }, want: "0 epochs"},
		"device":                {config: func(c *session.ProgramConfig) { c.Device = "tpu" }, want: `"tpu"`},
		"held out":              {config: func(c *session.ProgramConfig) { c.Val = 50 }, want: "50"},
		"what Validate says":    {bend: func(p *program.Program) { p.Phases[0].Grads = nil }, want: "0 gradients of 12"},
		"another size":          {bend: func(p *program.Program) { p.Row = data.Shape{C: 1, H: 2, W: 8} }, want: "rows of 2×8"},
		"a stock op":            {bend: stock, want: "tanh"},
		"a stock op, on a tape": {bend: stock, config: func(c *session.ProgramConfig) { c.Device = session.DeviceTape }, want: "tanh"},
		"a batch of its own": {bend: func(p *program.Program) {
			forward := p.Forward
			p.Forward = func(part program.Part, _ int) (*program.Graph, error) { return forward(part, p.Batch) }
		}, want: "batch 8; want 1 as asked"},
		"another code": {bend: func(p *program.Program) { p.Code++ }, want: "part encode: output"},
		"an evaluation of no scalar": {bend: func(p *program.Program) {
			forward := p.Forward
			p.Forward = func(part program.Part, batch int) (*program.Graph, error) {
				if part == program.Evaluate {
					part = program.Reconstruct
				}
				return forward(part, batch)
			}
		}, want: "want a loss term, a scalar"},
		"no parts": {bend: func(p *program.Program) {
			p.Forward = func(program.Part, int) (*program.Graph, error) { return nil, errors.New("not built") }
		}, want: "part encode: not built"},
	} {
		p, cfg := vmtest.Residual(t), session.ProgramConfig{Epochs: 1}
		if c.bend != nil {
			c.bend(p)
		}
		if c.config != nil {
			c.config(&cfg)
		}
		if _, err := trainProgram(context.Background(), p, vmtest.Waves(50), cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	if _, err := trainProgram(context.Background(), nil, vmtest.Waves(50), session.ProgramConfig{Epochs: 1}); err == nil {
		t.Error("no program was trained")
	}
}

// TestProgramGoesOn interrupts a program's training and goes on with it: files and
// result are those of a run that was not interrupted.
func TestProgramGoesOn(t *testing.T) {
	whole, out := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "run")
	cfg := session.ProgramConfig{Epochs: 3, Seed: 2, Val: 10, Out: whole}
	want, err := trainProgram(context.Background(), vmtest.Residual(t), vmtest.Waves(50), cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Out, cfg.Auto = out, true
	var got *session.ProgramResult
	for interrupts := 0; ; interrupts++ {
		ctx, cancel := context.WithCancel(context.Background())
		got, err = trainProgram(ctx, vmtest.Residual(t), vmtest.Waves(50), cfg, session.Hooks{Progress: func(session.Progress) { cancel() }})
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) || interrupts > 50 {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(got.State, want.State) || got.BestEpoch != want.BestEpoch || len(got.Metrics) != 3 || got.Metrics[2].TrainLoss != want.Metrics[2].TrainLoss {
		t.Errorf("%+v, want %+v", got.Summary, want.Summary)
	}
	for name := range want.Best.Tensors {
		if strings.HasPrefix(name, "optimizer.") {
			continue
		}
		if !reflect.DeepEqual(got.Best.Tensors[name], want.Best.Tensors[name]) {
			t.Errorf("the best model's %s is another", name)
		}
	}
	for _, name := range []string{run.ModelFile, run.LastFile} {
		a, errA := os.ReadFile(filepath.Join(out, name))
		b, errB := os.ReadFile(filepath.Join(whole, name))
		if err := errors.Join(errA, errB); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s has other bytes (%v)", name, err)
		}
	}
	cfg.Seed, cfg.Out, cfg.Auto, cfg.Resume = 3, "", false, out
	if _, err := trainProgram(context.Background(), vmtest.Residual(t), vmtest.Waves(50), cfg); err == nil || !strings.Contains(err.Error(), "seed 3, the run has 2") {
		t.Errorf("another seed: %v", err)
	}
	cfg.Seed = 2
	if _, err := trainProgram(context.Background(), vmtest.Residual(t), vmtest.Waves(60), cfg); err == nil || !strings.Contains(err.Error(), "the data are others: 60 training rows") {
		t.Errorf("other rows: %v", err)
	}
	faster, notes := vmtest.Residual(t), ""
	faster.Phases[0].Optimizer.LR *= 2
	cfg.Epochs = 4
	_, err = trainProgram(context.Background(), faster, vmtest.Waves(50), cfg, session.Hooks{Start: func(s session.Start) { notes = strings.Join(s.Notes, "\n") }})
	if err != nil || !strings.Contains(notes, "optimizers are train {Kind:adam LR:0.02") || !strings.Contains(notes, "they were train {Kind:adam LR:0.01") {
		t.Errorf("another rate: %v, notes %s", err, notes)
	}
}
