//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"aegis"
	"aegis/internal/cli"
	"aegis/internal/run"
)

// Runs of a child process into one folder: killed at random moments, on a disk
// that fills up, and two at a time. Whatever happens, the folder has whole
// files of one run. AEGIS_TORTURE=long does it hundreds of times.

// trials is how often something is tried.
func trials(short, long int) int {
	if os.Getenv("AEGIS_TORTURE") == "long" {
		return long
	}
	return short
}

// child is train in a process of its own. Each has a code of another size, by
// which its files are known.
type child struct {
	*exec.Cmd
	stderr bytes.Buffer
	latent int
}

func newChild(data, out string, latent int, args ...string) *child {
	c := &child{latent: latent}
	args = append([]string{
		"--data", data, "--out", out, "--model", "fc12", "--hidden", "64", "--latent", fmt.Sprint(latent),
		"--epochs", "4", "--device", "cpu", "--threads", "1", "--quiet",
	}, args...)
	c.Cmd = exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), asCommand+"=1")
	c.Cmd.Stderr = &c.stderr
	return c
}

// code runs a child to its end.
func (c *child) code() int {
	_ = c.Run() // the status says it
	return c.ProcessState.ExitCode()
}

// whole checks that a folder has whole files of one run, and returns the size
// of its code.
func whole(t *testing.T, dir string) int {
	t.Helper()
	atOnce(t, dir)
	// The next run tidies up, and refuses what it finds.
	if d, err := run.Create(dir, false); err == nil {
		_ = d.Close()
		t.Fatalf("%s holds no run", dir)
	} else if !errors.Is(err, run.ErrExists) {
		t.Fatal(err)
	}
	config, err := aegis.LoadConfig(filepath.Join(dir, run.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{run.ModelFile, run.LastFile} {
		file, err := run.OpenTensors(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf(`"latent":%d,`, config.Latent); !strings.Contains(file.Metadata["config"], want) {
			t.Errorf("%s is of another run: %s", name, file.Metadata["config"])
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
	m, err := aegis.Load(filepath.Join(dir, run.ModelFile), aegis.WithDevice(aegis.DeviceCPU))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	metrics, err := os.ReadFile(filepath.Join(dir, run.MetricsFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(metrics)) {
		if !json.Valid([]byte(line)) && strings.HasSuffix(line, "\n") {
			t.Errorf("metrics: %q", line)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".tmp") || e.IsDir() {
			t.Errorf("%s was left", e.Name())
		}
	}
	return config.Latent
}

// atOnce checks what a folder has before the next run tidies up: a model, and
// no configuration but its own.
func atOnce(t *testing.T, dir string) {
	t.Helper()
	_, metadata, err := run.ReadTensors(filepath.Join(dir, run.ModelFile))
	if err != nil {
		t.Fatal(err)
	}
	config, err := aegis.LoadConfig(filepath.Join(dir, run.ConfigFile))
	if want := fmt.Sprintf(`"latent":%d,`, config.Latent); err == nil && !strings.Contains(metadata["config"], want) {
		t.Errorf("a configuration with a code of %d beside a model of %s", config.Latent, metadata["config"])
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// first trains the earlier run.
func first(t *testing.T, data, out string) int {
	t.Helper()
	c := newChild(data, out, 2)
	if code := c.code(); code != 0 {
		t.Fatalf("exit %d: %s", code, c.stderr.String())
	}
	return whole(t, out)
}

func TestKills(t *testing.T) {
	data, out := folder(t), filepath.Join(t.TempDir(), "run")
	before, random := first(t, data, out), rand.New(rand.NewPCG(1, 2))
	kept, replaced := 0, 0
	for i := range trials(12, 300) {
		c := newChild(data, out, 3+i%20, "--force", "--epochs", "2000")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		// Most of what happens to files happens soon.
		moment := random.Float64()
		time.Sleep(time.Duration(moment * moment * float64(250*time.Millisecond)))
		_ = c.Process.Kill() // it may be over
		_ = c.Wait()
		switch now := whole(t, out); now {
		case c.latent:
			replaced++
			before = now
		case before:
			kept++
		default:
			t.Fatalf("kill %d: the folder has a code of %d, want %d or %d", i, now, before, c.latent)
		}
	}
	t.Logf("%d times the earlier run was kept, %d times replaced", kept, replaced)
}

// TestInterrupts holds what a run says to what it leaves.
func TestInterrupts(t *testing.T) {
	data, out := folder(t), filepath.Join(t.TempDir(), "run")
	before, random := first(t, data, out), rand.New(rand.NewPCG(7, 8))
	said := make(map[string]int)
	for i := range trials(12, 300) {
		c := newChild(data, out, 3+i%20, "--force", "--epochs", "200", "--batch", "4")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(random.Float64() * float64(400*time.Millisecond)))
		_ = c.Process.Signal([]os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}[i%3]) // it may be over
		_ = c.Wait()
		now, code, text := whole(t, out), c.ProcessState.ExitCode(), c.stderr.String()
		lines := strings.Split(strings.TrimSpace(text), "\n")
		last := lines[len(lines)-1]
		switch {
		case code == -1 && now == before: // before signals are heard
		case code == 0 && now == c.latent:
		case code != cli.ExitInterrupted:
			t.Errorf("exit %d, a code of %d: %q", code, now, text)
		case strings.Contains(last, "is as it was") || strings.Contains(last, "nothing was made"):
			said["nothing"]++
			if now != before {
				t.Errorf("a code of %d, want %d: %q", now, before, last)
			}
		default:
			said["saved"]++
			if want := words(t, out); now != c.latent || last != "train: interrupted; "+want {
				t.Errorf("a code of %d, %q; want %d, %q", now, last, c.latent, want)
			}
		}
		before = now
	}
	t.Logf("said: %v", said)
}

// words are what a run must say of the files that there are.
func words(t *testing.T, out string) string {
	t.Helper()
	var metadata [2]map[string]string
	for i, name := range []string{run.ModelFile, run.LastFile} {
		var err error
		if _, metadata[i], err = run.ReadTensors(filepath.Join(out, name)); err != nil {
			t.Fatal(err)
		}
	}
	if model := metadata[0]; model["epoch"] == "0" {
		return fmt.Sprintf("the state of step %s is saved in %s", model["step"], out)
	}
	return fmt.Sprintf("the model of epoch %s and the state of step %s are saved in %s", metadata[0]["epoch"], metadata[1]["step"], out)
}

func TestFullDisk(t *testing.T) {
	data, dir := folder(t), filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	refused, failed, done := 0, 0, 0
	for i := range trials(4, 50) {
		size := 5<<20 + random.IntN(4<<20)
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
			t.Skipf("no file system of a chosen size can be mounted here: %v", err)
		}
		func() {
			defer func() {
				if err := syscall.Unmount(dir, 0); err != nil {
					t.Error(err)
				}
			}()
			out := filepath.Join(dir, "run")
			before := first(t, data, out)
			c := newChild(data, out, 3, "--force", "--epochs", "40")
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(random.Float64() * float64(200*time.Millisecond)))
			full(t, filepath.Join(dir, "filler"))
			_ = c.Wait()
			code, text := c.ProcessState.ExitCode(), c.stderr.String()
			if err := os.Remove(filepath.Join(dir, "filler")); err != nil {
				t.Fatal(err)
			}
			now := whole(t, out)
			switch {
			case code == 0 && now == c.latent:
				done++
			case code == 1 && strings.Contains(text, "for the checkpoints") && now == before:
				refused++
			case code == 1 && strings.Contains(text, "no space left") && now == before && strings.Contains(text, "is as it was"):
				failed++
			case code == 1 && strings.Contains(text, "no space left") && now == c.latent && strings.Contains(text, words(t, out)):
				failed++
			default:
				t.Errorf("size %d, trial %d: exit %d, code of %d: %s", size, i, code, now, text)
			}
			if strings.Count(text, "\n") > 2 { // what failed meanwhile, and how it ended
				t.Errorf("more than two lines: %q", text)
			}
		}()
	}
	t.Logf("refused %d times, ended by the full disk %d times, done %d times", refused, failed, done)
}

// TestRefusedForSpace leaves nothing where nothing was.
func TestRefusedForSpace(t *testing.T) {
	data, dir := folder(t), filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no file system of a chosen size can be mounted here: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	c := newChild(data, filepath.Join(dir, "runs", "run"), 2)
	if code := c.code(); code != 1 || !strings.Contains(c.stderr.String(), "for the checkpoints") {
		t.Errorf("exit %d: %s", code, c.stderr.String())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v was left (%v)", left, err)
	}
}

// full writes a file until the disk is full.
func full(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
	_ = f.Close() // it is full
}

func TestTwoRuns(t *testing.T) {
	data, random := folder(t), rand.New(rand.NewPCG(5, 6))
	for i := range trials(4, 50) {
		out := filepath.Join(t.TempDir(), "run")
		a := newChild(data, out, 2, "--epochs", "400")
		b := newChild(data, out, 3, "--force")
		if i%2 == 1 {
			b = newChild(data, out, 3)
		}
		if err := a.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(random.Float64() * float64(300*time.Millisecond)))
		code := b.code()
		_ = a.Wait()
		codes, text := [2]int{a.ProcessState.ExitCode(), code}, a.stderr.String()+b.stderr.String()
		now := whole(t, out)
		switch {
		case codes == [2]int{0, 1} && now == 2: // the second was refused
		case codes == [2]int{1, 0} && now == 3: // the second was sooner
		case codes == [2]int{0, 0} && now == 3 && slices.Contains(b.Args, "--force"): // one behind the other
		default:
			t.Errorf("exits %v, code of %d: %s", codes, now, text)
		}
		if codes != [2]int{0, 0} && strings.Count(text, "\n") != 1 {
			t.Errorf("want a line, got %q", text)
		}
	}
}

// TestTakenOver removes the directory, or its lock, of a run that lives, and has
// another run take its place: that is whole, and the first one stops.
func TestTakenOver(t *testing.T) {
	data, random := folder(t), rand.New(rand.NewPCG(9, 10))
	for i := range trials(4, 60) {
		out := filepath.Join(t.TempDir(), "run")
		a := newChild(data, out, 2, "--epochs", "100000")
		b := newChild(data, out, 3, "--force", "--epochs", "40")
		if err := a.Start(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, filepath.Join(out, run.ConfigFile))
		time.Sleep(time.Duration(random.Float64() * float64(1200*time.Millisecond)))
		taken := filepath.Join(out, ".aegis-lock")
		if i%2 == 1 {
			taken = out
		}
		for os.RemoveAll(taken) != nil { // a file was made in it meanwhile
		}
		codes := [2]int{1: b.code()}
		_ = a.Wait()
		codes[0] = a.ProcessState.ExitCode()
		if now := whole(t, out); codes != [2]int{1, 0} || now != b.latent || !strings.Contains(a.stderr.String(), "this run's no more") {
			t.Errorf("trial %d: exits %v, code of %d: %s%s", i, codes, now, a.stderr.String(), b.stderr.String())
		}
		metrics, err := os.ReadFile(filepath.Join(out, run.MetricsFile))
		if lines := strings.Count(string(metrics), "\n"); err != nil || lines != 40 {
			t.Errorf("trial %d: %d lines of metrics (%v), want 40", i, lines, err)
		}
	}
}
