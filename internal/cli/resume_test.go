package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis"
)

// TestResumeFlag trains, and goes on under the run's own configuration, which flags
// override, in its directory, in another one and by auto.
func TestResumeFlag(t *testing.T) {
	t.Chdir(t.TempDir())
	train := func(want int, args ...string) string {
		t.Helper()
		var stderr bytes.Buffer
		p := &Process{Name: "train", Stdout: &bytes.Buffer{}, Stderr: &stderr}
		if code := p.Run(context.Background(), Train, append(args, "--device", "cpu")); code != want {
			t.Fatalf("%q: exit %d, want %d: %s", args, code, want, stderr.String())
		}
		return stderr.String()
	}
	small := []string{"--limit", "200", "--test-limit", "20", "--hidden", "8", "--latent", "3"}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{append(small, "--epochs", "1", "--out", "a", "--resume", "auto"), 0, "no checkpoint in a: a run starts\n"},
		{[]string{"--resume", "a"}, 0, "nothing is left to train of the run in a: it has finished 1 epochs of 1\n"},
		{[]string{"--resume", "a", "--epochs", "2"}, 0, "the run in a goes on from step 4, behind epoch 1\nepochs is 2 from here on, it was 1\n"},
		{append(small, "--epochs", "3", "--out", "a", "--resume", "auto"), 0, "epoch 3/3"},
		{[]string{"--resume", "a", "--epochs", "4", "--out", "b"}, 0, "writing to b\n"},
		{[]string{"--resume", "a", "--latent", "4"}, 2, "it would be another run: latent 4, the run has 3; leave these as they are"},
		{[]string{"--resume", "c"}, 2, "resume c: there is no such directory"},
		{[]string{"--resume", "a/model.safetensors"}, 0, "nothing is left to train of the run in a: it has finished 3 epochs of 3\n"},
		{[]string{"--resume", "a", "--epochs", "2", "--lr", "0.5"}, 0, "it has 3 epochs already, and 2 are wanted; not used: lr 0.5\n"},
		{[]string{"--resume", "auto"}, 2, "name one"},
	} {
		if said := train(c.code, c.args...); !strings.Contains(said, c.want) {
			t.Errorf("%q: said %q, want %q", c.args, said, c.want)
		}
	}
	if said := train(0, "--resume", "a", "--quiet"); said != "" {
		t.Errorf("quiet, with nothing to train: said %q", said)
	}
	for dir, want := range map[string]int{"a": 3, "b": 4} {
		if text, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl")); err != nil || bytes.Count(text, []byte("\n")) != want {
			t.Errorf("%s: metrics %q (%v), want %d lines", dir, text, err, want)
		}
	}
}

// TestResumeOfAnotherConfig goes on under a configuration that somebody wrote, and
// without one.
func TestResumeOfAnotherConfig(t *testing.T) {
	t.Chdir(t.TempDir())
	train := func(want int, args ...string) string {
		t.Helper()
		var stderr bytes.Buffer
		p := &Process{Name: "train", Stdout: &bytes.Buffer{}, Stderr: &stderr}
		if code := p.Run(context.Background(), Train, args); code != want {
			t.Fatalf("%q: exit %d, want %d: %s", args, code, want, stderr.String())
		}
		return stderr.String()
	}
	edit := func(old, now string) {
		t.Helper()
		text, err := os.ReadFile("a/config.toml")
		if err == nil {
			err = os.WriteFile("a/config.toml", bytes.Replace(text, []byte(old), []byte(now), 1), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	wants := func(said, want string) {
		t.Helper()
		if !strings.Contains(said, want) {
			t.Errorf("said %q, want %q", said, want)
		}
	}
	train(0, "--limit", "200", "--test-limit", "20", "--hidden", "8", "--latent", "3", "--device", "cpu", "--epochs", "1", "--out", "a")
	edit("epochs = 1", "epochs = 2")
	wants(train(0, "--resume", "a"), "epochs is 2 from here on, it was 1\n")
	edit("latent = 3", "latent = 4")
	wants(train(2, "--resume", "a"), "latent 4, the run has 3")
	edit("latent = 4", "latent = 3\nlatnet = 3")
	said := train(1, "--resume", "a")
	wants(said, "config.toml: unknown key latnet; want perhaps latent")
	if strings.Contains(said, "restore it") {
		t.Errorf("said %q, which is no help", said)
	}
	if err := os.Remove("a/config.toml"); err != nil {
		t.Fatal(err)
	}
	wants(train(0, "--resume", "a", "--epochs", "3"), "the run in a goes on from step 8, behind epoch 2\nepochs is 3 from here on, it was 2\n")
	if _, err := os.Stat("a/config.toml"); err != nil {
		t.Error(err)
	}
	for name, line := range map[string]string{"rows.csv": "1,2,3\n4,5,7\n", "other.csv": "1,2,3\n4,5,8\n"} {
		if err := os.WriteFile(name, []byte(strings.Repeat(line, 20)), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	train(0, "--data", "rows.csv", "--hidden", "8", "--latent", "2", "--device", "cpu", "--epochs", "1", "--out", "b")
	if err := os.Remove("b/config.toml"); err != nil {
		t.Fatal(err)
	}
	const unnamed = "there is no config.toml in it, which says what the data are: name them"
	wants(train(2, "--resume", "b", "--epochs", "2"), unnamed)
	wants(train(1, "--resume", "b", "--epochs", "2", "--data", "other.csv"), "the data are others")
	wants(train(1, "--resume", "b", "--epochs", "2", "--data", "other.csv"), unnamed)
	wants(train(0, "--resume", "b", "--epochs", "2", "--data", "rows.csv"), "epoch 2/2")
}

// TestInterruptedWhileARunIsRead says of the run that goes on that it is as it was.
func TestInterruptedWhileARunIsRead(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for resume, want := range map[string]string{"": "nothing was made", "runs/a": "the run in runs/a is as it was"} {
		if _, err := load(ctx, &call{resume: resume}, nil, nil); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "interrupted while the data was read; "+want) {
			t.Errorf("%q: %v, want %q", resume, err, want)
		}
	}
}

// TestUntimedEpoch says no speed of an epoch of which nothing was timed.
func TestUntimedEpoch(t *testing.T) {
	var stdout, stderr bytes.Buffer
	w := newWatcher(&Process{Stdout: &stdout, Stderr: &stderr}, &call{json: true})
	w.metrics(aegis.Metrics{Epoch: 1, TrainLoss: 0.5})
	if got := stderr.String(); got != "epoch 1/0  train 0.50000\n" || strings.Contains(stdout.String(), "images_per_second") {
		t.Errorf("said %q and %q", got, stdout.String())
	}
}
