package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis"
	"aegis/data"
	"aegis/internal/cli"
)

// folder writes a dataset of 20×32 images as IDX files.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for prefix, n := range map[string]int{"train": 40, "t10k": 12} {
		images := data.Rows{N: n, Shape: data.Shape{C: 1, H: 20, W: 32}, Bytes: make([]byte, n*20*32)}
		labels := make([]byte, n)
		for i := range images.Bytes {
			images.Bytes[i] = byte(i * i / 640)
		}
		for i := range labels {
			labels[i] = byte(i % 3)
		}
		write(t, filepath.Join(dir, prefix+"-images-idx3-ubyte.gz"), func(w io.Writer) error { return data.WriteImages(w, images) })
		write(t, filepath.Join(dir, prefix+"-labels-idx1-ubyte.gz"), func(w io.Writer) error { return data.WriteLabels(w, labels) })
	}
	return dir
}

func write(t *testing.T, path string, fill func(io.Writer) error) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := fill(z); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func train(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	p := &cli.Process{Name: "train", Stdout: &out, Stderr: &errs}
	code = p.Run(ctx, cli.Train, args)
	return code, out.String(), errs.String()
}

func TestTrain(t *testing.T) {
	dir := folder(t)
	for _, preset := range aegis.Presets() {
		t.Run(preset, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "run")
			code, stdout, stderr := train(context.Background(),
				"--model", preset, "--data", dir, "--out", out, "--epochs", "2", "--batch", "16", "--val", "8", "--json")
			if code != 0 {
				t.Fatalf("exit %d: %s", code, stderr)
			}
			lines := strings.Split(strings.TrimSpace(stdout), "\n")
			if len(lines) != 2 {
				t.Fatalf("stdout %q, want two lines of JSON", stdout)
			}
			var m struct {
				Epoch    int      `json:"epoch"`
				ValLoss  *float64 `json:"val_loss"`
				TestLoss *float64 `json:"test_loss"`
			}
			if err := json.Unmarshal([]byte(lines[1]), &m); err != nil || m.Epoch != 2 || m.ValLoss == nil || m.TestLoss == nil {
				t.Errorf("%s: %+v (%v)", lines[1], m, err)
			}
			if strings.Count(stderr, "\nepoch ") != 2 || !strings.Contains(stderr, "reconstructions.png") {
				t.Errorf("stderr %q", stderr)
			}
			if code, _, stderr := train(context.Background(), "--data", dir, "--out", out); code != 1 || !strings.Contains(stderr, "--force") {
				t.Errorf("a second run into %s: exit %d: %s", out, code, stderr)
			}
			missing := filepath.Join(dir, "none") // it is refused before data is looked for
			if code, _, stderr := train(context.Background(), "--data", missing, "--out", out); code != 1 || !strings.Contains(stderr, "--force") {
				t.Errorf("a second run into %s of other data: exit %d: %s", out, code, stderr)
			}
			code, stdout, stderr = train(context.Background(), "--data", dir, "--out", out, "--epochs", "1", "--force", "--quiet")
			if code != 0 || stdout+stderr != "" {
				t.Errorf("quiet run with --force: exit %d, %q", code, stdout+stderr)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	dir := folder(t)
	broken := t.TempDir()
	file := filepath.Join(broken, "train-images-idx3-ubyte")
	if err := os.WriteFile(file, []byte("no images here"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		args []string
		code int
		want string
	}{
		{name: "unknown flag", args: []string{"--colour"}, code: 2, want: "colour"},
		{name: "stray argument", args: []string{"now"}, code: 2, want: `unexpected argument "now"`},
		{name: "model", args: []string{"--model", "fc13"}, code: 2, want: "want one of fc12"},
		{name: "device", args: []string{"--device", "tpu"}, code: 2, want: "want one of auto"},
		{name: "activation", args: []string{"--activation", "swish"}, code: 2, want: "swish"},
		{name: "batch", args: []string{"--batch", "0"}, code: 2, want: "batch 0"},
		{name: "rate", args: []string{"--lr", "-1"}, code: 2, want: "learning rate -1"},
		{name: "rate is no number", args: []string{"--lr", "fast"}, code: 2, want: "fast"},
		{name: "epochs", args: []string{"--epochs", "0"}, code: 2, want: "0 epochs"},
		{name: "latent", args: []string{"--latent", "0"}, code: 2, want: "width 0"},
		{name: "hidden", args: []string{"--hidden", "10,x"}, code: 2, want: "512,256"},
		{name: "empty data", args: []string{"--data", ""}, code: 2, want: "--data is empty"},
		{name: "empty out", args: []string{"--data", dir, "--out="}, code: 2, want: "--out is empty"},
		{name: "empty model", args: []string{"--model", ""}, code: 2, want: "--model is empty"},
		{name: "empty device", args: []string{"--device", ""}, code: 2, want: "--device is empty"},
		{name: "empty activation", args: []string{"--activation", ""}, code: 2, want: "--activation is empty"},
		{name: "empty output", args: []string{"--output", ""}, code: 2, want: "--output is empty"},
		{name: "empty loss", args: []string{"--loss", ""}, code: 2, want: "--loss is empty"},
		{name: "empty optimizer", args: []string{"--optimizer", ""}, code: 2, want: "--optimizer is empty"},
		{name: "empty hidden", args: []string{"--hidden", ""}, code: 2, want: "or none"},
		{name: "empty seed", args: []string{"--seed", ""}, code: 2, want: "seed"},
		{name: "bce with tanh", args: []string{"--loss", "bce"}, code: 2, want: "output sigmoid"},
		{name: "schedule", args: []string{"--schedule", "sawtooth"}, code: 2, want: "want one of constant, step, cosine, linear, plateau"},
		{name: "rate of a code", args: []string{"--sparse", "kl:0.05:1e-3"}, code: 2, want: "(--activation sigmoid, --activate-code)"},
		{name: "momentum of adam", args: []string{"--momentum", "0.9"}, code: 2, want: "adam"},
		{name: "val", args: []string{"--data", dir, "--val", "40"}, code: 2, want: "40"},
		{name: "val is no number", args: []string{"--val", "some"}, code: 2, want: "such as 10%"},
		{name: "all of val", args: []string{"--val", "100%"}, code: 2, want: "100%"},
		{name: "test limit", args: []string{"--data", dir, "--test-limit", "13"}, code: 2, want: "test limit 13 of 12"},
		{name: "limit", args: []string{"--data", dir, "--limit", "41"}, code: 2, want: "41"},
		{name: "missing data", args: []string{"--data", filepath.Join(dir, "none")}, code: 1, want: "none"},
		{name: "broken data", args: []string{"--data", broken}, code: 1, want: "train-images-idx3-ubyte"},
		{name: "huge", args: []string{"--data", dir, "--hidden", "16777216", "--latent", "16777216"}, code: 1, want: "GiB"},
		{name: "what makes it smaller", args: []string{"--data", dir, "--latent", "16777216"}, code: 1, want: "(--hidden, --latent, --batch)"},
		{name: "cuda", args: []string{"--data", dir, "--device", "cuda"}, code: 1, want: "(--device cpu)"},
		{name: "force without a directory", args: []string{"--data", dir, "--force"}, code: 2, want: "--out"},
		{name: "directory below a file", args: []string{"--data", dir, "--out", filepath.Join(file, "run")}, code: 1, want: "choose another directory (--out)"},
		{name: "directory is a file", args: []string{"--data", dir, "--out", file}, code: 1, want: "is a file"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := train(context.Background(), c.args...)
			if code != c.code || !strings.Contains(stderr, c.want) {
				t.Errorf("exit %d, want %d: %q, want %q in it", code, c.code, stderr, c.want)
			}
			if strings.Count(stderr, "\n") != 1 || stdout != "" || strings.Contains(stderr, "goroutine") {
				t.Errorf("want one line on stderr and nothing on stdout, got %q and %q", stderr, stdout)
			}
		})
	}
}

// noRoom is a disk that takes nothing.
type noRoom struct{}

func (noRoom) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// TestFullStdout says once that what was asked for could not be printed; a run
// is kept.
func TestFullStdout(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	for _, args := range [][]string{
		{"--help"},
		{"--version"},
		{"--doctor"},
		{"--doctor", "--json"},
		{"--summary"},
		{"--plan"},
		{"--data", folder(t), "--out", out, "--epochs", "3", "--json"},
	} {
		var errs bytes.Buffer
		p := &cli.Process{Name: "train", Stdout: noRoom{}, Stderr: &errs}
		code := p.Run(context.Background(), cli.Train, args)
		if stderr := errs.String(); code != cli.ExitFailed || strings.Count(stderr, "no space left") != 1 {
			t.Errorf("%v: exit %d, %q", args, code, stderr)
		}
	}
	for _, name := range []string{"model.safetensors", "last.safetensors", "latent.png", "summary.json"} {
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	code, _, stderr := train(ctx, "--data", folder(t), "--out", filepath.Join(t.TempDir(), "run"))
	if code != cli.ExitInterrupted || !strings.Contains(stderr, "interrupted") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

func TestInformation(t *testing.T) {
	dir := folder(t)
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"version": {args: []string{"--version"}, want: []string{"aegis ", "commit ", "go1"}},
		"help":    {args: []string{"--help"}, want: []string{"-model", "-latent", "preset"}},
		"summary": {
			args: []string{"--summary", "--model", "conv", "--data", dir, "--latent", "5"},
			want: []string{"encoder.4", "5×1×1", "1×20×32", "parameters", "MFLOPs", "memory"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := train(context.Background(), c.args...)
			if code != 0 || stderr != "" {
				t.Errorf("exit %d: %s", code, stderr)
			}
			for _, want := range c.want {
				if !strings.Contains(stdout, want) {
					t.Errorf("no %q in %q", want, stdout)
				}
			}
		})
	}
}

func TestDoctor(t *testing.T) {
	code, text, _ := train(context.Background(), "--doctor")
	if code != 0 || !strings.Contains(text, "CPU: ") || !strings.Contains(text, "auto: ") {
		t.Errorf("exit %d: %s", code, text)
	}
	code, text, _ = train(context.Background(), "--doctor", "--json")
	var d map[string]any
	if err := json.Unmarshal([]byte(text), &d); code != 0 || err != nil {
		t.Fatalf("exit %d, %v: %s", code, err, text)
	}
	for _, key := range []string{"build", "processors", "cpu_kernels", "cpu_kernels_in_use", "cuda_library", "gpus", "auto", "why"} {
		if d[key] == nil {
			t.Errorf("no %s in %s", key, text)
		}
	}
}
