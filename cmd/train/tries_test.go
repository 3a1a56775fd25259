package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis"
	"aegis/internal/cli"
)

// TestTries: the table goes to stdout, the lines of --json do with their seeds in
// its place, and the exit status is 0 where a try finished.
func TestTries(t *testing.T) {
	dir := folder(t)
	small := []string{"--data", dir, "--model", "fc64", "--hidden", "8", "--latent", "3", "--epochs", "2", "--batch", "16", "--seed", "7", "--tries", "3"}
	for name, c := range map[string]struct {
		args           []string
		stdout, stderr []string
		lines          int // of JSON
	}{
		"in turn": {
			stdout: []string{"seed    status ", "\n9       finished  2 ", "\nmedian  of 3 ", "\nrange   of 3 ", "\nthe best by training loss"},
			stderr: []string{"3 tries of fc64, seeds 7 to 9, one after the other; writing to ", "\nepoch 2/2  train ", "seed-9: model.safetensors"},
		},
		"side by side": {
			args:   []string{"--jobs", "3", "--val", "8"},
			stdout: []string{"val_loss", "\nthe best by validation loss (the test set chooses nothing): "},
			stderr: []string{", 3 side by side", "\nseed 7: epoch 1/2  train ", "\nseed 9: epoch 2/2  train "},
		},
		"json":  {args: []string{"--json"}, stderr: []string{"\nmedian  of 3 "}, lines: 6},
		"quiet": {args: []string{"--quiet"}},
	} {
		out := filepath.Join(t.TempDir(), "tries")
		code, stdout, stderr := train(context.Background(), append(append(c.args, "--out", out), small...)...)
		if code != 0 {
			t.Fatalf("%s: exit %d: %s", name, code, stderr)
		}
		for text, wants := range map[string][]string{stdout: c.stdout, stderr: c.stderr} {
			for _, want := range wants {
				if !strings.Contains(text, want) {
					t.Errorf("%s: no %q in\n%s", name, want, text)
				}
			}
			if wants == nil && c.lines == 0 && text != "" {
				t.Errorf("%s: %s", name, text)
			}
		}
		if c.lines > 0 {
			holdsSeeds(t, stdout, c.lines)
		}
		table, err := aegis.ReadTries(out)
		if err != nil || len(table.Tries) != 3 || table.Settings["hidden"] != "8" {
			t.Errorf("%s: %+v (%v)", name, table, err)
		}
		if table.Linked {
			if _, err := aegis.OpenRun(filepath.Join(out, aegis.BestTry)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// holdsSeeds wants lines of metrics of all seeds, by turns of whole runs.
func holdsSeeds(t *testing.T, text string, lines int) {
	t.Helper()
	all := strings.Split(strings.TrimSpace(text), "\n")
	if len(all) != lines {
		t.Fatalf("%d lines, want %d, of %s", len(all), lines, text)
	}
	for i, line := range all {
		var m struct {
			Seed, Epoch int
			TrainLoss   float64 `json:"train_loss"`
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil || m.Seed != 7+i/2 || m.Epoch != 1+i%2 || m.TrainLoss == 0 {
			t.Errorf("line %d is %s (%v)", i, line, err)
		}
	}
}

func TestTriesErrors(t *testing.T) {
	dir, earlier := folder(t), filepath.Join(t.TempDir(), "tries")
	if err := os.MkdirAll(earlier, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(earlier, aegis.TriesFile), []byte(`{"tries": [{"seed": 1, "directory": "seed-1"}]}`), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"jobs alone":  {[]string{"--jobs", "2"}, cli.ExitUsage, "say how many tries; see --help"},
		"one resumed": {[]string{"--tries", "2", "--resume", "runs/a"}, cli.ExitUsage, "--tries go on each by itself"},
		"negative":    {[]string{"--tries", "-1"}, cli.ExitUsage, "-1 tries; want 1 to 10000"},
		"a value":     {[]string{"--tries", "2", "--lr", "-1"}, cli.ExitUsage, "learning rate -1"},
		"the data's":  {[]string{"--tries", "2", "--val", "40"}, cli.ExitUsage, "40"},
		"there":       {[]string{"--tries", "2", "--out", earlier}, cli.ExitFailed, "--out names another one, --force replaces it"},
		"none":        {[]string{"--tries", "2", "--lr", "1e30"}, cli.ExitFailed, "none of 2 tries finished; seed 1: "},
	} {
		out := filepath.Join(t.TempDir(), "tries")
		code, _, stderr := train(context.Background(), append([]string{"--data", dir, "--model", "fc12", "--out", out}, c.args...)...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, %s; want %d, %q", name, code, stderr, c.code, c.want)
		}
	}
}
