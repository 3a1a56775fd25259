package tries

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"aegis/internal/run"
	"aegis/internal/session"
)

// TestResume: tries that were stopped go on each by itself, to what they would have
// come to, and those that finished stay as they are.
func TestResume(t *testing.T) {
	ds := waves(60, 16)
	cfg := config(t, "fc12")
	cfg.Epochs = 6
	whole, out := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "tries")
	if _, err := Train(context.Background(), cfg, ds, Options{Tries: 3, Out: whole}, openCPU); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stop := Hooks{Run: func(seed session.Seed) session.Hooks {
		return session.Hooks{Epoch: func(m session.Metrics) {
			if seed == cfg.Seed+1 && m.Epoch == 2 {
				cancel()
			}
		}}
	}}
	if _, err := Train(ctx, cfg, ds, Options{Tries: 3, Out: out, Hooks: stop}, openCPU); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	var begun []session.Seed
	watch := Hooks{Run: func(seed session.Seed) session.Hooks {
		return session.Hooks{Start: func(session.Start) { begun = append(begun, seed) }}
	}}
	got, err := Train(context.Background(), cfg, ds, Options{Tries: 3, Jobs: 2, Out: out, Resume: true, Hooks: watch}, openCPU)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(begun); !slices.Equal(begun, []session.Seed{cfg.Seed + 1, cfg.Seed + 2}) {
		t.Errorf("seeds %v trained; want those that had not finished", begun)
	}
	for _, try := range got.Tries {
		if try.Status != session.Finished || try.Epochs != 6 || try.Seconds <= 0 {
			t.Errorf("try %+v; want six epochs", try)
		}
		for _, name := range []string{run.ModelFile, run.LastFile} {
			same(t, filepath.Join(out, try.Dir, name), filepath.Join(whole, try.Dir, name))
		}
	}
}

// TestResumeOfNothing: what cannot be meant.
func TestResumeOfNothing(t *testing.T) {
	cfg := config(t, "fc12")
	for name, o := range map[string]Options{
		"no directory": {Tries: 2, Resume: true},
		"and force":    {Tries: 2, Resume: true, Force: true, Out: "a"},
	} {
		var wrong *session.ConfigError
		if err := o.Check(cfg); !errors.As(err, &wrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
