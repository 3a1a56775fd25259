package session

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"aegis/data"
	"aegis/internal/infer"
	"aegis/internal/run"
	"aegis/internal/vm"
	"aegis/internal/vm/cpu"
	"aegis/model/program"
)

// A network that reads classes wants one of each row, and says so before
// anything is trained.
func TestConditionWantsLabels(t *testing.T) {
	for what, drop := range map[string]func(ds *data.Source){
		"train on":    func(ds *data.Source) { ds.Train.Labels = nil },
		"validate on": func(ds *data.Source) { ds.Val = data.Set{Rows: ds.Test.Rows} },
		"test":        func(ds *data.Source) { ds.Test.Labels = nil },
	} {
		ds := blobs(20, 8, 6, 6)
		drop(ds)
		out := filepath.Join(t.TempDir(), "run")
		_, err := trained(context.Background(), config(t, "cvae"), ds, Options{Out: out})
		var config *ConfigError
		if want := "no labels of the rows to " + what; !errors.As(err, &config) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// The classes of all sets are counted, whatever is trained on, and a model's
// file knows how many there are: its scores are the loss of the run.
func TestClassesComeFromLabels(t *testing.T) {
	ds := blobs(40, 8, 6, 6)
	ds.Train.Labels[39], ds.Test.Labels[3] = 5, 8
	for _, preset := range []string{"cvae", "conv-vae"} {
		cfg := config(t, preset)
		cfg.Condition, cfg.Limit = "labels", 20
		out := filepath.Join(t.TempDir(), "run")
		s, err := trained(context.Background(), cfg, ds, Options{Out: out})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(s.Warnings); n == 0 || !strings.Contains(strings.Join(s.Warnings, "; "), "no training row has class 4–8:") {
			t.Errorf("%s: warnings %q", preset, s.Warnings)
		}
		m, err := infer.Load(filepath.Join(out, run.ModelFile), func(p *program.Program, params vm.Params) (vm.Runner, error) {
			return cpu.OpenRunner(p, 0, params, cpu.Options{Threads: 1})
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = m.Close() }()
		if got := m.Spec().Classes; got != 9 {
			t.Errorf("%s: %d classes, want 9", preset, got)
		}
		scores, err := m.Score(context.Background(), ds.Test.Rows, ds.Test.Labels...)
		if err != nil {
			t.Fatal(err)
		}
		mean := 0.0
		for _, v := range scores {
			mean += v / float64(len(scores))
		}
		if d := mean - *s.TestLoss; d > 1e-4 || d < -1e-4 {
			t.Errorf("%s: mean score %v, test loss %v", preset, mean, *s.TestLoss)
		}
	}
}
