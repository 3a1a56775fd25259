package session

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/internal/run"
)

// copyFile copies a file of a run into another one's directory.
func copyFile(t *testing.T, name, from, to string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(from, name))
	if err == nil {
		err = os.WriteFile(filepath.Join(to, name), text, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestModelAhead kills a run between the model of its third epoch and the state of
// it. Where settings change, the third epoch is another one, and not the best: the
// model that is kept is of the epoch and the losses that the summary says. Where
// none does, all is as without the kill.
func TestModelAhead(t *testing.T) {
	ds := blobs(50, 8, 6, 6)
	cfg := config(t, "fc12")
	cfg.Epochs, cfg.Val, cfg.SaveEvery = 4, 10, SaveEvery{Steps: 1}
	whole, three := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "run")
	short := cfg
	short.Epochs = 3
	for out, c := range map[string]Config{whole: cfg, three: short} {
		if s, err := trained(context.Background(), c, ds, Options{Out: out}); err != nil || s.BestEpoch != c.Epochs {
			t.Fatalf("%v, the best is epoch %d, want the last", err, s.BestEpoch)
		}
	}
	for name, c := range map[string]struct {
		within bool // the state is, of the third epoch
		bend   func(*Config)
		best   int
	}{
		"behind an epoch":                {best: 4},
		"behind an epoch, another rate":  {bend: func(c *Config) { c.LR = 5 }, best: 2},
		"behind an epoch, its last":      {bend: func(c *Config) { c.Epochs = 2 }, best: 2},
		"within an epoch":                {within: true, best: 4},
		"within an epoch, another rate":  {within: true, bend: func(c *Config) { c.LR = 5 }, best: 3},
		"within an epoch, its last ones": {within: true, bend: func(c *Config) { c.Epochs = 3 }, best: 3},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "run")
			killedAhead(t, cfg, c.within, out, three)
			again := cfg
			if c.bend != nil {
				c.bend(&again)
			}
			for _, cut := range []bool{c.within, false} { // a state of no best epoch goes on too
				ctx, cancel := context.WithCancel(context.Background())
				var hooks Hooks
				if cut {
					hooks.Progress = func(Progress) { cancel() }
				}
				s, err := trained(ctx, again, ds, Options{Resume: out, Hooks: hooks})
				cancel()
				if cut {
					_, model, errModel := run.ReadTensors(filepath.Join(out, run.ModelFile))
					_, state, errState := run.ReadTensors(filepath.Join(out, run.LastFile))
					if !errors.Is(err, context.Canceled) || errors.Join(errModel, errState) != nil || s.BestEpoch != 0 || s.TrainLoss != nil || model["epoch"] != "0" || model["step"] != state["step"] {
						t.Errorf("cut: %v, the best is epoch %d, the model of epoch %s and step %s; want none, and the state's of step %s", err, s.BestEpoch, model["epoch"], model["step"], state["step"])
					}
					continue
				}
				if err != nil || s.BestEpoch != c.best {
					t.Fatalf("the best is epoch %d (%v), want %d", s.BestEpoch, err, c.best)
				}
				if _, metadata, err := run.ReadTensors(filepath.Join(out, run.ModelFile)); err != nil || metadata["epoch"] != string(rune('0'+c.best)) {
					t.Errorf("the model is of epoch %s (%v)", metadata["epoch"], err)
				}
				checkModel(t, again, filepath.Join(out, run.ModelFile), ds.Test, *s.TestLoss)
			}
			if c.bend == nil {
				sameRun(t, out, whole)
			}
		})
	}
}

// killedAhead is a run of two epochs, or of a part of the third one, with the model
// of three.
func killedAhead(t *testing.T, cfg Config, within bool, out, three string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	hooks := Hooks{Progress: func(p Progress) {
		if within && p.Epoch == 3 {
			cancel()
		}
	}}
	if cfg.Epochs = 3; !within {
		cfg.Epochs = 2
	}
	s, err := trained(ctx, cfg, blobs(50, 8, 6, 6), Options{Out: out, Hooks: hooks})
	if s.Epochs != 2 || within != errors.Is(err, context.Canceled) {
		t.Fatalf("%d epochs (%v), want 2", s.Epochs, err)
	}
	copyFile(t, run.ModelFile, three, out)
}

// TestAheadElsewhere goes on in another directory, from a state whose model is lost:
// a kill before the first checkpoint leaves no state there that names a model which
// is not there.
func TestAheadElsewhere(t *testing.T) {
	cfg := config(t, "fc12")
	cfg.Epochs, cfg.Val, cfg.SaveEvery = 3, 10, SaveEvery{Steps: 1}
	three, out, to := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "run")
	if _, err := trained(context.Background(), cfg, blobs(50, 8, 6, 6), Options{Out: three}); err != nil {
		t.Fatal(err)
	}
	killedAhead(t, cfg, true, out, three)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cut := filepath.Join(t.TempDir(), "run")
	_, err := trained(ctx, cfg, blobs(50, 8, 6, 6), Options{Resume: out, Out: cut, Hooks: Hooks{Start: func(Start) { cancel() }}})
	if !errors.Is(err, context.Canceled) || !run.HasCheckpoint(cut) {
		t.Errorf("cut at once: %v; want a state all the same", err)
	}
	_, err = trained(context.Background(), cfg, blobs(50, 8, 6, 6), Options{Resume: out, Out: to, Hooks: Hooks{Start: func(s Start) {
		if run.HasCheckpoint(to) || !strings.Contains(strings.Join(s.Notes, "\n"), "the model of epoch 2, the best so far, was replaced") {
			t.Errorf("a state of a model that is not there, or notes %q", s.Notes)
		}
	}}})
	if err != nil {
		t.Fatal(err)
	}
	sameRun(t, to, three)
}

// TestAutoOverATrainedModel refuses to start where somebody took the state of a run
// away, and starts where a kill came between its first model and its first state.
func TestAutoOverATrainedModel(t *testing.T) {
	cfg := config(t, "fc12")
	ds := blobs(40, 8, 6, 6)
	for name, c := range map[string]struct {
		model map[string]string // nil: that of the run
		state bool              // the run knows of one
		want  bool              // a run starts
	}{
		"a model":                  {state: true},
		"its first model":          {want: true},
		"of an unfinished epoch":   {model: map[string]string{"epoch": "0", "step": "2"}, state: true, want: true},
		"one that was imported":    {model: map[string]string{"epoch": "0", "step": "0"}},
		"the first, and its state": {model: map[string]string{"epoch": "1", "step": "5"}, state: true},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "run")
			d, err := run.Create(out, false)
			if err != nil {
				t.Fatal(err)
			}
			if c.model == nil {
				c.model = map[string]string{"epoch": "2", "step": "10"}
			}
			err = errors.Join(d.AppendMetrics(Metrics{Epoch: 1}), d.WriteTensors(run.ModelFile, nil, c.model))
			if c.state {
				err = errors.Join(err, d.WriteTensors(run.LastFile, nil, nil), os.Remove(filepath.Join(out, run.LastFile)))
			}
			if err = errors.Join(err, d.Close()); err != nil {
				t.Fatal(err)
			}
			before := files(t, out)
			switch _, err := trained(context.Background(), cfg, ds, Options{Out: out, Auto: true}); {
			case c.want && err != nil:
				t.Error(err)
			case !c.want && (!errors.Is(err, run.ErrExists) || len(files(t, out)) != len(before)):
				t.Errorf("error %v; want one that a run is there", err)
			}
		})
	}
}

// TestInterruptedOnAFullDisk is an interrupt whatever could not be saved.
func TestInterruptedOnAFullDisk(t *testing.T) {
	for _, name := range []string{run.LastFile, run.SummaryFile, run.LossFile} {
		ctx, cancel := context.WithCancel(context.Background())
		cfg := config(t, "fc12")
		out := filepath.Join(t.TempDir(), "run")
		s, err := trained(ctx, cfg, blobs(20, 4, 6, 6), Options{Out: out, Hooks: Hooks{Epoch: func(m Metrics) {
			if m.Epoch == cfg.Epochs {
				blocked(t, filepath.Join(out, name))
				cancel()
			}
		}}})
		cancel()
		if !errors.Is(err, context.Canceled) || s.Status != Interrupted || !strings.Contains(err.Error(), "interrupted; the model of epoch 2") || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: status %s, error %v", name, s.Status, err)
		}
	}
}

// TestInterruptedBehindThePictures is of a summary that could not be saved.
func TestInterruptedBehindThePictures(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	d, err := run.Create(out, false)
	if err != nil {
		t.Fatal(err)
	}
	blocked(t, filepath.Join(out, run.SummaryFile))
	tr := &trainer{journal: journal{dir: d, writer: checkpoints{dir: d}}}
	ctx, cancel := context.WithCancel(context.Background())
	if err := tr.summarize(ctx, nil); err == nil || errors.Is(err, context.Canceled) || tr.summary.Status != Failed {
		t.Errorf("status %s, error %v; want a failure", tr.summary.Status, err)
	}
	cancel()
	if err := tr.summarize(ctx, nil); !errors.Is(err, context.Canceled) || tr.summary.Status != Interrupted || !strings.Contains(err.Error(), run.SummaryFile) {
		t.Errorf("status %s, error %v; want an interrupt", tr.summary.Status, err)
	}
	if err := tr.close(); err != nil {
		t.Error(err)
	}
}
