package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
		{[]string{"--resume", "c"}, 2, "there is no last.safetensors in it"},
		{[]string{"--resume", "auto"}, 2, "name one"},
	} {
		if said := train(c.code, c.args...); !strings.Contains(said, c.want) {
			t.Errorf("%q: said %q, want %q", c.args, said, c.want)
		}
	}
	for dir, want := range map[string]int{"a": 3, "b": 4} {
		if text, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl")); err != nil || bytes.Count(text, []byte("\n")) != want {
			t.Errorf("%s: metrics %q (%v), want %d lines", dir, text, err, want)
		}
	}
}
