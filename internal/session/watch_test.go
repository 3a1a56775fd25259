package session

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"aegis/internal/infer"
	"aegis/internal/run"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model/program"
)

// seen is a watcher that always looks.
type seen struct {
	begun    Watched
	looks    []Look
	progress int
	epochs   []Metrics
	ended    *Summary
}

func (s *seen) Begin(w Watched)   { s.begun = w }
func (s *seen) Progress(Progress) { s.progress++ }
func (s *seen) Epoch(m Metrics)   { s.epochs = append(s.epochs, m) }
func (s *seen) Wants() bool       { return true }
func (s *seen) Show(l Look)       { s.looks = append(s.looks, l) }
func (s *seen) End(sum *Summary)  { s.ended = sum }

// TestWatched holds the last look to the model that the run leaves, and the run to
// one that nobody watched.
func TestWatched(t *testing.T) {
	ds := blobs(64, 40, 8, 8)
	for _, c := range []struct {
		preset string
		change func(*Config)
	}{
		{"fc3", nil},
		{"fc3", func(c *Config) { c.EMA = 0.9 }},
		{"vae", nil},
		{"vae", func(c *Config) { c.Binarize = "static" }},
		{"conv", nil},
		{"aae", nil},
		{"cvae", nil},
	} {
		cfg := config(t, c.preset)
		if c.change != nil {
			c.change(&cfg)
		}
		unwatched, watched := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
		if _, err := trained(context.Background(), cfg, ds, Options{Out: unwatched}); err != nil {
			t.Fatal(err)
		}
		w := &seen{}
		if _, err := trained(context.Background(), cfg, ds, Options{Out: watched, Watch: w}); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{run.ModelFile, run.LastFile} {
			a, err := os.ReadFile(filepath.Join(unwatched, name))
			if err != nil {
				t.Fatal(err)
			}
			if b, err := os.ReadFile(filepath.Join(watched, name)); err != nil || !bytes.Equal(a, b) {
				t.Errorf("%s: %s of a run that was watched has other bytes, %v", c.preset, name, err)
			}
		}
		if w.begun.Rows.N != 40 || w.begun.Of != 40 || len(w.epochs) != cfg.Epochs || w.progress == 0 || w.ended == nil || w.ended.Status != Finished || len(w.looks) == 0 {
			t.Fatalf("%s: saw %d of %d rows, %d epochs, %d looks, the end %v", c.preset, w.begun.Rows.N, w.begun.Of, len(w.epochs), len(w.looks), w.ended)
		}
		m, err := infer.Load(filepath.Join(watched, run.ModelFile), openRunner)
		if err != nil {
			t.Fatal(err)
		}
		last := w.looks[len(w.looks)-1]
		labels := m.Spec().Reads(w.begun.Rows.Labels)
		codes, err := m.Encode(context.Background(), w.begun.Rows.Rows, labels...)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Binarize == "" {
			losses, err := m.Score(context.Background(), w.begun.Rows.Rows, labels...)
			if err != nil || !slices.Equal(losses, last.Losses) {
				t.Errorf("%s: the losses of the last look are not those of the model, %v", c.preset, err)
			}
			rebuilt, err := m.Reconstruct(context.Background(), w.begun.Rows.Rows, labels...)
			if err != nil || !slices.Equal(rebuilt[:len(last.Rebuilt)], last.Rebuilt) || len(last.Rebuilt) != lookRebuilt*64 {
				t.Errorf("%s: the reconstructions of the last look are not those of the model, %v", c.preset, err)
			}
			if !slices.Equal(codes, last.Codes) {
				t.Errorf("%s: the codes of the last look are not those of the model", c.preset)
			}
		}
		tensors, _, err := run.ReadTensors(filepath.Join(watched, run.ModelFile))
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range tensors {
			if got := last.Params[name]; !slices.Equal(got.Data, want.Data) {
				t.Errorf("%s: parameter %s of the last look is not the model's", c.preset, name)
			}
		}
		if last.Epoch != cfg.Epochs || last.Step != w.epochs[cfg.Epochs-1].Step || len(last.Params) == 0 {
			t.Errorf("%s: the last look is of epoch %d, step %d, with %d parameters", c.preset, last.Epoch, last.Step, len(last.Params))
		}
		_ = m.Close()
	}
}

// TestLookDue holds the time that looks take to a hundredth.
func TestLookDue(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		began, last, spent, took time.Duration // ago, and long
		want                     bool
	}{
		{began: time.Second, last: time.Hour, want: true},      // the first
		{began: time.Second, last: lookEvery / 2, want: false}, // a moment after another
		{began: 10 * time.Second, last: time.Second, spent: 60 * time.Millisecond, took: 10 * time.Millisecond, want: true},
		{began: 10 * time.Second, last: time.Second, spent: 90 * time.Millisecond, took: 10 * time.Millisecond, want: false},
		{began: 10 * time.Second, last: time.Second, spent: 50 * time.Millisecond, took: 50 * time.Millisecond, want: false},
	} {
		w := &watching{Watcher: &seen{}, began: now.Add(-c.began), last: now.Add(-c.last), spent: c.spent, took: c.took}
		if got := w.due(); got != c.want {
			t.Errorf("%+v: due %v", c, got)
		}
	}
}

// unasked is a machine that cannot be asked.
type unasked struct{ vm.Trainer }

func (unasked) Infer(context.Context, program.Part, program.Feed, []float32) error {
	return errors.New("no room")
}

// TestLookFails holds that training goes on where a look is not to be had.
func TestLookFails(t *testing.T) {
	w := &seen{}
	var warned []string
	tr := &trainer{watching: &watching{Watcher: w}}
	tr.cfg = config(t, "fc3")
	tr.cfg.Image, tr.cfg.Rows = [3]int{1, 8, 8}, 1
	p, err := tr.cfg.Program()
	if err != nil {
		t.Fatal(err)
	}
	tr.program = p
	m, _, err := openCPU(tr.cfg, p)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	tr.machine, tr.warn = unasked{m}, func(text string) { warned = append(warned, text) }
	tr.look(context.Background(), train.Position{}, false)
	tr.look(context.Background(), train.Position{}, true)
	if len(warned) != 1 || len(w.looks) != 0 || !tr.watching.over {
		t.Errorf("warned %q, %d looks", warned, len(w.looks))
	}
}
