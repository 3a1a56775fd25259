package session

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aegis/internal/run"
	"aegis/internal/train"
	"aegis/model/program"
)

// blocked puts a directory where a file of a run is, so that none can be written
// there.
func blocked(t *testing.T, path string) {
	t.Helper()
	for os.Mkdir(path, 0o777) != nil { // a file may take its place meanwhile
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWriteFailsMeanwhile trains on while its state cannot be written, says so
// once, and again when it can. A write that the directory meets on its way has an
// error of its own.
func TestWriteFailsMeanwhile(t *testing.T) {
	cfg := config(t, "fc12")
	cfg.Epochs, cfg.SaveEvery = 1_000_000, SaveEvery{Steps: 1}
	out := filepath.Join(t.TempDir(), "run")
	path := filepath.Join(out, run.LastFile)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var said []string
	failures := 0
	s, err := trained(ctx, cfg, blobs(20, 4, 6, 6), Options{Out: out, Hooks: Hooks{
		Epoch: func(m Metrics) {
			if m.Epoch == 1 {
				blocked(t, path)
			}
			if len(said) > 0 {
				if failures++; failures == 20 {
					if err := os.RemoveAll(path); err != nil {
						t.Fatal(err)
					}
				}
			}
		},
		Warn: func(text string) {
			if said = append(said, text); strings.HasPrefix(text, "files are written again") || len(said) > 3 {
				cancel()
			}
		},
	}})
	last := max(0, len(said)-1)
	onItsWay := last == 2 && strings.Contains(said[0], ": rename ") && !strings.Contains(said[1], ": rename ")
	if last != 1 && !onItsWay || !strings.HasPrefix(said[last], "files are written again: the model of epoch ") {
		t.Fatalf("said %q", said)
	}
	for _, text := range said[:last] {
		if !strings.Contains(text, "last.safetensors") || !strings.HasSuffix(text, "; training goes on") {
			t.Errorf("said %q", text)
		}
	}
	if !errors.Is(err, context.Canceled) || s.Status != Interrupted || !slices.Equal(s.Faults, said[:last]) {
		t.Errorf("status %s (%v), faults %q", s.Status, err, s.Faults)
	}
}

// TestWriteFailsToTheEnd fails where what training came to cannot be written, and
// says what is left.
func TestWriteFailsToTheEnd(t *testing.T) {
	cfg := config(t, "fc12")
	cfg.Epochs = 3
	out := filepath.Join(t.TempDir(), "run")
	warned := 0
	s, err := trained(context.Background(), cfg, blobs(20, 4, 6, 6), Options{Out: out, Hooks: Hooks{
		Start: func(Start) { blocked(t, filepath.Join(out, run.LastFile)) }, Warn: func(string) { warned++ },
	}})
	if err == nil || s.Status != Failed || s.Epochs != 3 || warned > 1 || !strings.Contains(err.Error(), "the model of epoch 3 is saved in "+out+"; the state of step 9 is not") {
		t.Errorf("status %v, %d warnings: %v", s, warned, err)
	}
}

// TestPatience ends a run that gets no better, keeps the best model, and counts on
// when the run goes on.
func TestPatience(t *testing.T) {
	cfg := config(t, "fc12")
	cfg.Epochs, cfg.Val, cfg.LR, cfg.Patience = 60, 10, 0.05, 2
	ds := blobs(40, 8, 6, 6)
	out := filepath.Join(t.TempDir(), "run")
	s, err := trained(context.Background(), cfg, ds, Options{Out: out})
	if err != nil {
		t.Fatal(err)
	}
	if s.Status != Finished || s.EarlyStop == 0 || s.EarlyStop != s.Epochs || s.EarlyStop != s.BestEpoch+2 {
		t.Errorf("%s: stopped at epoch %d of %d, the best is %d; want two epochs behind it", s.Status, s.EarlyStop, s.Epochs, s.BestEpoch)
	}
	if s, err := trained(context.Background(), cfg, ds, Options{Resume: out}); err != nil || !strings.Contains(s.NothingLeft, "validation was best in epoch") {
		t.Errorf("said %q (%v)", s.NothingLeft, err)
	}
	stopped := s.EarlyStop
	again, whole := cfg, filepath.Join(t.TempDir(), "run")
	again.Patience = 4
	want, err := trained(context.Background(), again, ds, Options{Out: whole})
	if err != nil {
		t.Fatal(err)
	}
	got, err := trained(context.Background(), again, ds, Options{Resume: out})
	if err != nil || got.Epochs <= stopped || got.EarlyStop != want.EarlyStop || got.BestEpoch != want.BestEpoch {
		t.Errorf("gone on with to epoch %d, best %d (%v); want %d and %d", got.EarlyStop, got.BestEpoch, err, want.EarlyStop, want.BestEpoch)
	}
	sameRun(t, out, whole)

	cfg.Val = 0
	var config *ConfigError
	if _, err := trained(context.Background(), cfg, ds, Options{Out: t.TempDir()}); !errors.As(err, &config) || !strings.Contains(err.Error(), "no rows validate") {
		t.Errorf("without rows to validate on: %v", err)
	}
}

// TestSaveEvery reads and writes it, and says when it is due.
func TestSaveEvery(t *testing.T) {
	for text, want := range map[string]SaveEvery{"": {}, "500": {Steps: 500}, "30s": {Time: 30 * time.Second}, "1h30m0s": {Time: 90 * time.Minute}} {
		var got SaveEvery
		if err := got.Set(text); err != nil || got != want || got.String() != text {
			t.Errorf("%q is %+v, %q (%v)", text, got, got, err)
		}
	}
	for _, text := range []string{"0", "-1", "0s", "-3s", "often", "1.5"} {
		if err := new(SaveEvery).Set(text); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
	for _, c := range []struct {
		every      SaveEvery
		step, last int64
		since      time.Duration
		want       bool
	}{
		{SaveEvery{}, 9, 0, time.Hour, false},
		{SaveEvery{Steps: 5}, 4, 0, time.Hour, false},
		{SaveEvery{Steps: 5}, 5, 4, 0, true},
		{SaveEvery{Steps: 5}, 9, 5, 0, false},
		{SaveEvery{Steps: 5}, 11, 8, 0, true},
		{SaveEvery{Time: time.Second}, 11, 8, time.Second, true},
		{SaveEvery{Time: time.Second}, 11, 8, time.Second - 1, false},
	} {
		if got := c.every.due(c.step, c.last, c.since); got != c.want {
			t.Errorf("%v at step %d, the last at %d, %v ago: %v", c.every, c.step, c.last, c.since, got)
		}
	}
}

// TestCurve makes of a long run's windows fewer, and goes on where it was.
func TestCurve(t *testing.T) {
	whole := newCurve(100, 10)
	var losses []float32
	for i := range 3*mostWindows + 5 {
		losses = append(losses, float32(i))
	}
	whole.add(losses)
	at, loss := whole.points()
	if len(at) >= mostWindows || whole.Window != 4 || at[0] != 0.2 || loss[0] != 1.5 || loss[len(loss)-1] != float64(4*len(loss))-2.5 {
		t.Errorf("%d points of %d steps, the first at %v: %v, the last %v", len(at), whole.Window, at[0], loss[0], loss[len(loss)-1])
	}
	parts := newCurve(100, 10)
	for len(losses) > 0 {
		n := min(len(losses), 7)
		parts.add(losses[:n])
		losses = losses[n:]
	}
	if !slices.Equal(parts.Loss, whole.Loss) || parts.Sum != whole.Sum || parts.Count != whole.Count {
		t.Error("in parts it is another curve")
	}
}

// TestNoStateThatIsNotFinite keeps the state in its file where the next one holds
// what is no number.
func TestNoStateThatIsNotFinite(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	dir, err := run.Create(out, false)
	if err != nil {
		t.Fatal(err)
	}
	c := checkpoints{dir: dir, params: []program.Param{{Name: "w"}}}
	for step, v := range []float32{1, 2, float32(math.NaN())} {
		s := &program.State{Step: int64(step), Tensors: map[string]program.Tensor{"w": {Shape: []int{1}, Data: []float32{v}}}}
		c.keep(s, course{Position: train.Position{Step: s.Step}}, true)
		if err := c.finish(); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{run.ModelFile, run.LastFile} {
		if tensors, _, err := run.ReadTensors(filepath.Join(out, name)); err != nil || tensors["w"].Data[0] != 2 {
			t.Errorf("%s has %v (%v), want 2", name, tensors, err)
		}
	}
	if got, want := c.saved().String(), "the state of step 1 is saved in "+out+"; the state of step 2 is not"; got != want {
		t.Errorf("said %q, want %q", got, want)
	}
	if err := dir.Close(); err != nil {
		t.Error(err)
	}
}

// TestSuperseded leaves a state that is being written for a newer one.
func TestSuperseded(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	dir, err := run.Create(out, false)
	if err != nil {
		t.Fatal(err)
	}
	c := checkpoints{dir: dir, params: []program.Param{{Name: "w"}}}
	keep := func(step int64, best bool) {
		s := &program.State{Step: step, Tensors: map[string]program.Tensor{"w": {Shape: []int{1}, Data: []float32{float32(step)}}}}
		c.keep(s, course{Position: train.Position{Step: step}}, best)
	}
	keep(1, true)
	w := c.next()
	c.writing = w
	c.supersede()
	w.done <- c.write(w)
	if done, err := c.poll(); !done || err != nil || !c.unsaved || c.pending {
		t.Errorf("done %v (%v), the state unsaved %v, the model %v", done, err, c.unsaved, c.pending)
	}
	if files, err := os.ReadDir(out); err != nil || len(files) != 3 { // model, mark and lock
		t.Errorf("files %v (%v)", files, err)
	}
	keep(2, false)
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float32{run.ModelFile: 1, run.LastFile: 2} {
		if tensors, _, err := run.ReadTensors(filepath.Join(out, name)); err != nil || tensors["w"].Data[0] != want {
			t.Errorf("%s has %v (%v), want %v", name, tensors, err, want)
		}
	}
	if err := dir.Close(); err != nil {
		t.Error(err)
	}
}
