package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"aegis"
	"aegis/internal/advice"
)

// TestRun holds an error to its line, with the flags that help, and to its
// exit status.
func TestRun(t *testing.T) {
	refused := errors.New("no room")
	for name, c := range map[string]struct {
		err  error
		code int
		want string
	}{
		"none":        {},
		"failed":      {refused, ExitFailed, "x: no room\n"},
		"advice":      {advice.With(refused, "test_limit", "device cpu"), ExitFailed, "x: no room (--test-limit, --device cpu)\n"},
		"no flag":     {advice.With(refused, "family"), ExitFailed, "x: no room\n"},
		"diverged":    {&aegis.DivergedError{}, ExitFailed, "x: " + (&aegis.DivergedError{}).Error() + " (--lr)\n"},
		"of its name": {errors.New("x: no room"), ExitFailed, "x: no room\n"},
		"joined":      {errors.Join(refused, refused), ExitFailed, "x: no room; no room\n"},
		"a run":       {fmt.Errorf("dir holds %w", aegis.ErrRunExists), ExitFailed, "x: dir holds a run already: --out names another one, --force replaces it\n"},
		"usage":       {&usageError{refused}, ExitUsage, "x: no room; see --help\n"},
		"config":      {&aegis.ConfigError{Err: refused}, ExitUsage, "x: no room\n"},
		"interrupted": {fmt.Errorf("no room: %w", context.Canceled), ExitInterrupted, "x: no room: context canceled\n"},
	} {
		var b bytes.Buffer
		p := &Process{Name: "x", Stdout: &b, Stderr: &b}
		code := p.Run(context.Background(), func(context.Context, *Process, []string) error { return c.err }, nil)
		if code != c.code || b.String() != c.want {
			t.Errorf("%s: exit %d, %q; want %d, %q", name, code, b.String(), c.code, c.want)
		}
	}
}
