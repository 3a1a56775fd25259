package cli

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"aegis"
	"aegis/internal/advice"
)

// TestShown: what a terminal would obey is shown.
func TestShown(t *testing.T) {
	for text, want := range map[string]string{
		"größer 'x' \"y\"": "größer 'x' \"y\"", "a\x1b[31m\nb": `a\x1b[31m\nb`, "\xff\u202e": `\xff\u202e`, "\uFFFD": "\uFFFD",
	} {
		if got := shown(text); got != want {
			t.Errorf("%q is shown as %s, want %s", text, got, want)
		}
	}
	var b bytes.Buffer
	p := &Process{Stderr: &b}
	p.say("%s: %v\n", "a\nb", errors.New("c\x1b"))
	if got, want := b.String(), "a\\nb: c\\x1b\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

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

// TestCollects: garbage is left lying while a command begins, and collected
// again before the first step, as the process was told to; else training would
// take more memory than was looked for.
func TestCollects(t *testing.T) {
	const told = 70
	defer debug.SetGCPercent(debug.SetGCPercent(told))
	percent := func() int {
		p := debug.SetGCPercent(-1)
		debug.SetGCPercent(p)
		return p
	}
	dir := t.TempDir()
	args := []string{"--data", vectors(t, dir), "--out", filepath.Join(dir, "run"), "--epochs", "1", "--device", "cpu"}
	var begin, start int
	code := Main("train", func(ctx context.Context, p *Process, _ []string) error {
		begin = percent()
		p.Stdout, p.Stderr = nil, writer(func(text string) {
			if strings.Contains(text, "writing to") { // the first line, before the first step
				start = percent()
			}
		})
		return Train(ctx, p, args)
	})
	if code != 0 || begin != -1 || start != told {
		t.Errorf("exit %d, percent %d at first and %d at the start of training; want 0, -1 and %d", code, begin, start, told)
	}
}

// What is decoded leaves garbage for each image, which is collected as soon as
// there is word of it.
func TestCollectsWhatOpensData(t *testing.T) {
	times := 0
	p := &Process{Stderr: io.Discard, collect: func() { times++ }}
	w := newWatcher(p, &call{})
	for done := range 3 {
		if w.opening("decoding images", done, 3); times != 1 {
			t.Errorf("collecting was begun %d times at image %d, want once, at the first", times, done)
		}
	}
}

// writer hands on what is written.
type writer func(text string)

func (w writer) Write(text []byte) (int, error) {
	w(string(text))
	return len(text), nil
}

// vectors writes a .npy file of 20 rows of 4 values and returns its path.
func vectors(t *testing.T, dir string) string {
	t.Helper()
	header := fmt.Sprintf("%-117s\n", "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 4), }")
	file := []byte("\x93NUMPY\x01\x00")
	file = binary.LittleEndian.AppendUint16(file, uint16(len(header)))
	file = append(file, header...)
	values := make([]float32, 20*4)
	for i := range values {
		values[i] = float32(i * i % 7)
	}
	file, err := binary.Append(file, binary.LittleEndian, values)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "rows.npy")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
