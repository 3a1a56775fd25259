package verb

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"aegis/internal/cli"
)

// call runs a command line in this process.
func call(args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	p := &cli.Process{Name: "aegis", Stdout: &out, Stderr: &err}
	status = p.Run(context.Background(), Run, args)
	return status, out.String(), err.String()
}

// must runs a command line that works and returns what it printed.
func must(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	status, stdout, stderr := call(args...)
	if status != 0 {
		t.Fatalf("aegis %q: status %d: %s", args, status, stderr)
	}
	return stdout, stderr
}

var runs sync.Map // of a test binary: by their arguments

// trained returns the directory of a small run on digits, with some flags: it is
// trained once for all tests and must not be changed.
func trained(t *testing.T, args ...string) string {
	t.Helper()
	key := strings.Join(args, " ")
	once, _ := runs.LoadOrStore(key, sync.OnceValues(func() (string, error) {
		dir, err := os.MkdirTemp(shared, "run")
		if err != nil {
			return "", err
		}
		out := filepath.Join(dir, "run")
		status, _, stderr := call(slices.Concat([]string{"train", "--quiet", "--epochs", "1", "--limit", "2000", "--out", out}, args)...)
		if status != 0 {
			t.Errorf("train %q: %s", args, stderr)
		}
		return out, nil
	}))
	out, err := once.(func() (string, error))()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var shared string // directory of all runs

func TestMain(m *testing.M) {
	var err error
	if shared, err = os.MkdirTemp("", "verb-test-*"); err != nil {
		panic(err)
	}
	status := m.Run()
	_ = os.RemoveAll(shared)
	os.Exit(status)
}

// files lists what is in a directory.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestUsage: what cannot be meant is one line, status 2, and nothing is written.
func TestUsage(t *testing.T) {
	run, dir := trained(t), t.TempDir()
	t.Chdir(dir)
	for want, args := range map[string][]string{
		`unknown command "encoed"`:               {"encoed", run},
		"want a RUN":                             {"encode"},
		"want one RUN, got 2":                    {"encode", run, run},
		"RUN is empty":                           {"encode", ""},
		"unknown flag: --devise":                 {"encode", run, "--devise", "cpu"},
		`unknown device "gpu"`:                   {"encode", run, "--device", "gpu"},
		`unknown format "xml"`:                   {"encode", run, "--format", "xml"},
		"--out codes.xml: want a name that ends": {"encode", run, "--out", "codes.xml"},
		`unknown set "tset"`:                     {"encode", run, "--set", "tset"},
		"--limit wants a number of at least 0":   {"encode", run, "--limit", "-1"},
		"--data names the codes":                 {"decode", run},
		"--class 3, but the model reads no":      {"decode", run, "--data", "codes.npy", "--class", "3"},
		"--out names where images go":            {"reconstruct", run},
		"--json and the rows would both":         {"encode", run, "--json"},
		`corrupt "fog:1"; want`:                  {"denoise", run, "--out", "a.png", "--corrupt", "fog:1"},
	} {
		status, stdout, stderr := call(args...)
		if status != cli.ExitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
			t.Errorf("aegis %q: status %d, %q, %q; want %q", args, status, stdout, stderr, want)
		}
	}
	if left := files(t, dir); left != nil {
		t.Errorf("%q are left", left)
	}
}

// TestBadInput: what cannot be read is one line, status 1, and nothing is
// written.
func TestBadInput(t *testing.T) {
	run, dir, out := trained(t), t.TempDir(), t.TempDir()
	t.Chdir(out)
	put := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	model, err := os.ReadFile(filepath.Join(run, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	full := put("file", "x")
	must(t, "reconstruct", run, "--limit", "2", "--out", filepath.Join(dir, "images"))
	for want, args := range map[string][]string{
		"want a run's directory or a model's file": {"encode", filepath.Join(dir, "missing"), "--out", "a.csv"},
		"is no run: it has no model.safetensors":   {"encode", dir, "--out", "a.csv"},
		"load ":                                    {"encode", put("cut.safetensors", string(model[:len(model)-9])), "--out", "a.csv", "--data", "mnist"},
		"bad.safetensors":                          {"encode", put("bad.safetensors", "not a model"), "--out", "a.csv", "--data", "mnist"},
		"name the data":                            {"encode", put("alone.safetensors", string(model)), "--out", "a.csv"},
		"no such file":                             {"encode", run, "--data", filepath.Join(dir, "nothing.npy"), "--out", "a.csv"},
		"cuda: no CUDA":                            {"encode", run, "--device", "cuda", "--out", "a.csv"},
		"/missing/a.csv":                           {"encode", run, "--out", filepath.Join(dir, "missing", "a.csv"), "--limit", "1"},
		"holds files already":                      {"reconstruct", run, "--out", dir, "--limit", "1"},
		"takes no images":                          {"reconstruct", run, "--out", full, "--limit", "1"},
		"open codes, rows of 12 values: dataset: " + dir + "/images has images; give a table or an array": {"decode", run, "--data", filepath.Join(dir, "images"), "--out", "a.npy"},
		"want rows of 12 values, which are codes":                                                         {"decode", run, "--data", "mnist", "--out", "a.npy"},
	} {
		status, stdout, stderr := call(args...)
		if status != cli.ExitFailed || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
			t.Errorf("aegis %q: status %d, %q, %q; want %q", args, status, stdout, stderr, want)
		}
	}
	if left := files(t, out); left != nil {
		t.Errorf("%q are left", left)
	}
}

// TestDamagedConfig: a configuration that a run left is data, whose damage is
// status 1; that which train is given is usage.
func TestDamagedConfig(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(dir, os.DirFS(trained(t))); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	config := filepath.Join(dir, "config.toml")
	for text, want := range map[string]string{
		"x = [":              "toml: line 1",
		"nokey = 1":          "unknown key nokey",
		"lr = -3.0":          "learning rate -3",
		"limit = 100000":     "limit of 100000 training rows",
		"init = \"nothing\"": "nothing",
	} {
		if err := os.WriteFile(config, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		status, stdout, stderr := call("encode", dir, "--set", "train")
		if status != cli.ExitFailed || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%s: encode: status %d, %q, %q; want %q", text, status, stdout, stderr, want)
		}
		status, _, stderr = call("train", "--config", config, "--quiet", "--out", "other")
		if status != cli.ExitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: train: status %d, %q; want %q", text, status, stderr, want)
		}
	}
}
