package session

import (
	"context"
	"path/filepath"
	"testing"

	"aegis/internal/run"
)

// TestHookPanics: where a hook panics, the run's directory is free for the next
// one, and the panic goes on.
func TestHookPanics(t *testing.T) {
	for name, hooks := range map[string]Hooks{
		"at the start": {Start: func(Start) { panic("hook") }},
		"in an epoch":  {Epoch: func(Metrics) { panic("hook") }},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "run")
			func() {
				defer func() {
					if r := recover(); r != "hook" {
						t.Errorf("recovered %v, want the hook's panic", r)
					}
				}()
				_, _ = trained(context.Background(), config(t, "fc12"), blobs(40, 8, 12, 12), Options{Out: out, Hooks: hooks})
			}()
			if err := run.Busy(out); err != nil {
				t.Error(err)
			}
		})
	}
}
