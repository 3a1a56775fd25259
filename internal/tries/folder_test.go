package tries

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/internal/run"
	"aegis/internal/session"
)

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestRefused: what cannot be is an error before anything is made or changed.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		before func(t *testing.T, out string)
		bend   func(*session.Config, *Options)
		usage  bool // it is the configuration's
		want   string
	}{
		"none":          {bend: func(_ *session.Config, o *Options) { o.Tries = 0 }, usage: true, want: "0 tries; want 1 to 10000"},
		"too many":      {bend: func(_ *session.Config, o *Options) { o.Tries = 1_000_000_000 }, usage: true, want: "1000000000 tries; want 1 to 10000"},
		"jobs":          {bend: func(_ *session.Config, o *Options) { o.Jobs = -1 }, usage: true, want: "-1 tries side by side"},
		"seeds":         {bend: func(c *session.Config, o *Options) { c.Seed = math.MaxUint64 }, usage: true, want: "want a smaller seed"},
		"a value":       {bend: func(c *session.Config, _ *Options) { c.LR = -1 }, usage: true, want: "learning rate"},
		"the rows":      {bend: func(c *session.Config, _ *Options) { c.Val = 40 }, usage: true, want: "40"},
		"the rows of 2": {bend: func(c *session.Config, o *Options) { c.Val, o.Jobs = 40, 2 }, usage: true, want: "40"},
		"memory":        {bend: func(c *session.Config, o *Options) { c.Hidden, o.Jobs = []int{5000, 5000}, 512; o.Tries = 512 }, want: "run fewer than 512 side by side"},
		"a file":        {before: func(t *testing.T, out string) { put(t, out, "") }, want: "is a file, want a directory"},
		"a run":         {before: func(t *testing.T, out string) { put(t, filepath.Join(out, run.ModelFile), "") }, want: "holds a run; tries want a directory of their own"},
		"what is best":  {before: func(t *testing.T, out string) { put(t, filepath.Join(out, Best), "") }, want: "is no link"},
		"another table": {before: func(t *testing.T, out string) { put(t, filepath.Join(out, File), "[1]") }, want: "it would be replaced"},
		"another file":  {before: func(t *testing.T, out string) { put(t, filepath.Join(out, "seed-6", run.ConfigFile), "a") }, want: "which no run wrote"},
		"another's runs": {before: func(t *testing.T, out string) {
			put(t, filepath.Join(out, File), `{"tries": [{"seed": 1, "directory": "/etc"}]}`)
		}, want: `seed 1 is in "/etc"; want "seed-1"`},
	} {
		root := t.TempDir()
		out, cfg := filepath.Join(root, "tries"), config(t, "fc12")
		if c.before != nil {
			c.before(t, out)
		}
		before := listed(t, root)
		opt := Options{Tries: 2, Out: out}
		if c.bend != nil {
			c.bend(&cfg, &opt)
		}
		got, err := Train(context.Background(), cfg, waves(40, 8), opt, openCPU)
		var usage *session.ConfigError
		if got != nil || err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &usage) != c.usage {
			t.Errorf("%s: %+v, error %v; want %q", name, got, err, c.want)
		}
		if after := listed(t, root); after != before {
			t.Errorf("%s: there was %q, and is %q", name, before, after)
		}
	}
}

// listed has the names of all files below a directory, but for locks of a moment.
func listed(t *testing.T, root string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		all = append(all, strings.TrimPrefix(path, root))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

// TestForce: tries are refused where there are some, and replaced by force; where
// the new ones come to nothing, the earlier table stays with its runs.
func TestForce(t *testing.T) {
	ctx, ds, out := context.Background(), waves(40, 8), filepath.Join(t.TempDir(), "tries")
	cfg, opt := config(t, "fc12"), Options{Tries: 3, Out: out}
	earlier, err := Train(ctx, cfg, ds, opt, openCPU)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Train(ctx, cfg, ds, opt, openCPU); !errors.Is(err, run.ErrExists) {
		t.Errorf("a second time: %v", err)
	}
	cfg.Seed = 100
	if _, err := Train(ctx, cfg, ds, opt, openCPU); !errors.Is(err, run.ErrExists) { // no run is in the way
		t.Errorf("of other seeds: %v", err)
	}
	cfg.Seed, opt.Force = 5, true
	if _, err := Train(ctx, cfg, ds, opt, spoilt(nil, []session.Seed{5, 6, 7})); err == nil {
		t.Error("no try finished, and that is no error")
	}
	if still, err := Read(out); err != nil || still.Best != earlier.Best || still.Tries[0].Status != session.Finished {
		t.Errorf("the earlier table is %+v (%v)", still, err)
	}
	if to, err := os.Readlink(filepath.Join(out, Best)); err == nil && to != earlier.Best {
		t.Errorf("the link is to %s, want %s", to, earlier.Best)
	}
	opt.Tries, cfg.Epochs = 1, 1
	now, err := Train(ctx, cfg, ds, opt, openCPU)
	if err != nil || now.Best != "seed-5" {
		t.Fatalf("%+v (%v)", now, err)
	}
	if read, err := Read(out); err != nil || len(read.Tries) != 1 || read.Tries[0].Epochs != 1 {
		t.Errorf("the table is %+v (%v)", read, err)
	}
	if to, err := os.Readlink(filepath.Join(out, Best)); err == nil && to != now.Best {
		t.Errorf("the link is to %s, want %s", to, now.Best)
	}
}

// TestOneAtATime: while tries train, their directory takes no others.
func TestOneAtATime(t *testing.T) {
	out, ds := filepath.Join(t.TempDir(), "tries"), waves(40, 8)
	var second error
	_, err := Train(context.Background(), config(t, "fc12"), ds, Options{Tries: 1, Out: out, Hooks: Hooks{
		Run: func(session.Seed) session.Hooks {
			cfg := config(t, "fc12")
			cfg.Seed = 100
			_, second = Train(context.Background(), cfg, ds, Options{Tries: 1, Out: out}, openCPU)
			return session.Hooks{}
		},
	}}, openCPU)
	if err != nil || second == nil || !strings.Contains(second.Error(), "another run is writing to") {
		t.Errorf("%v; the second one: %v", err, second)
	}
}
