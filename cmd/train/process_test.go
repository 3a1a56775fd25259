//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"aegis/internal/cli"
)

// asCommand makes the test binary the command: signals want a process.
const asCommand = "AEGIS_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGHUP} {
		if signal.Ignored(s) { // children would ignore it too
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
	os.Exit(m.Run())
}

// process is the command, running.
type process struct {
	*exec.Cmd
	lines  *bufio.Scanner
	stderr bytes.Buffer
}

// begin starts the command through a program and its arguments, or as it is.
func begin(t *testing.T, through []string, args ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	all := append(append(through, exe), args...)
	p := &process{Cmd: exec.Command(all[0], all[1:]...)}
	p.Env = append(os.Environ(), asCommand+"=1")
	pipe, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(pipe)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() })
	return p
}

// until reads stderr up to a line that holds text.
func (p *process) until(t *testing.T, text string) {
	t.Helper()
	for p.lines.Scan() {
		p.stderr.WriteString(p.lines.Text() + "\n")
		if strings.Contains(p.lines.Text(), text) {
			return
		}
	}
	t.Fatalf("no %q in %q", text, p.stderr.String())
}

// end reads stderr to its end and returns the exit status, -1 for a signal's.
func (p *process) end(t *testing.T) (code int, stderr string) {
	t.Helper()
	for p.lines.Scan() {
		p.stderr.WriteString(p.lines.Text() + "\n")
	}
	var exit *exec.ExitError
	if err := p.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return p.ProcessState.ExitCode(), p.stderr.String()
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}

func TestSignals(t *testing.T) {
	dir := folder(t)
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "run")
			p := begin(t, nil, "--data", dir, "--epochs", "1000000", "--out", out)
			p.until(t, "epoch       1/")
			p.signal(t, s)
			code, stderr := p.end(t)
			for _, want := range []string{"stopping after the step in progress", "train: interrupted; the model of epoch ", "are saved in " + out} {
				if !strings.Contains(stderr, want) {
					t.Errorf("no %q in …%s", want, stderr[max(0, len(stderr)-500):])
				}
			}
			if code != cli.ExitInterrupted {
				t.Errorf("exit %d, want %d", code, cli.ExitInterrupted)
			}
			for _, name := range []string{"model.safetensors", "last.safetensors", "loss.png", "summary.json"} {
				if _, err := os.Stat(filepath.Join(out, name)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestSignalOfTries: an interrupt saves every try that trains, and leaves the
// table so far.
func TestSignalOfTries(t *testing.T) {
	out := filepath.Join(t.TempDir(), "tries")
	p := begin(t, nil, "--data", folder(t), "--epochs", "1000000", "--tries", "5", "--jobs", "2", "--out", out)
	for _, seed := range []string{"seed 1: epoch ", "seed 2: epoch "} {
		p.until(t, seed)
	}
	p.signal(t, os.Interrupt)
	code, stderr := p.end(t)
	want := "train: interrupted; 0 of 5 tries in " + out + " finished; the model of epoch "
	if code != cli.ExitInterrupted || !strings.Contains(stderr, want) {
		t.Errorf("exit %d, no %q in …%s", code, want, stderr[max(0, len(stderr)-500):])
	}
	for _, name := range []string{"tries.json", "seed-1/last.safetensors", "seed-2/last.safetensors"} {
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(out, "seed-3")); err == nil {
		t.Error("a third one began")
	}
}

// A signal that is ignored already is not heard: a run under nohup outlives its
// terminal, and one behind & in a script the script's interrupt.
func TestIgnoredSignals(t *testing.T) {
	for name, s := range map[string]syscall.Signal{"HUP": syscall.SIGHUP, "INT": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			p := begin(t, []string{"sh", "-c", `trap "" ` + name + `; exec "$0" "$@"`}, "--data", folder(t), "--epochs", "1000000", "--out", filepath.Join(t.TempDir(), "run"))
			p.until(t, "epoch       1/")
			p.signal(t, s)
			p.until(t, "epoch    1500/")
			if text := p.stderr.String(); strings.Contains(text, "stopping") {
				t.Errorf("%v was heard", s)
			}
			p.signal(t, syscall.SIGTERM)
			if code, stderr := p.end(t); code != cli.ExitInterrupted {
				t.Errorf("exit %d: …%s", code, stderr[max(0, len(stderr)-500):])
			}
		})
	}
}

// TestReaderGoesAway closes the pipe that a run writes to, stderr's or that of
// --json, behind a line: it goes on, and an interrupt still saves everything.
func TestReaderGoesAway(t *testing.T) {
	dir := folder(t)
	for _, stream := range []string{"stdout", "stderr", "both"} {
		for _, interrupt := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, interrupted %v", stream, interrupt), func(t *testing.T) {
				out, epochs, want := filepath.Join(t.TempDir(), "run"), "300", 0
				if interrupt {
					epochs, want = "1000000", cli.ExitInterrupted
				}
				read, write, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command(os.Args[0], "--data", dir, "--epochs", epochs, "--out", out, "--json")
				cmd.Env = append(os.Environ(), asCommand+"=1")
				if stream != "stdout" {
					cmd.Stderr = write
				}
				if stream != "stderr" {
					cmd.Stdout = write
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				if _, err := bufio.NewReader(read).ReadString('\n'); err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(write.Close(), read.Close()); err != nil {
					t.Fatal(err)
				}
				if interrupt {
					waitFor(t, filepath.Join(out, "last.safetensors"))
					if err := cmd.Process.Signal(os.Interrupt); err != nil {
						t.Fatal(err)
					}
				}
				_ = cmd.Wait() // the status says it
				if code := cmd.ProcessState.ExitCode(); code != want {
					t.Errorf("%v, want exit %d", cmd.ProcessState, want)
				}
				for _, name := range []string{"model.safetensors", "last.safetensors", "loss.png", "summary.json"} {
					if _, err := os.Stat(filepath.Join(out, name)); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}

// waitFor waits for a file.
func waitFor(t *testing.T, path string) {
	t.Helper()
	for range 60_000 {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("no %s", path)
}

// TestSignalWhileTheConfigurationIsRead is of a pipe too.
func TestSignalWhileTheConfigurationIsRead(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.toml")
	if err := syscall.Mkfifo(config, 0o600); err != nil {
		t.Fatal(err)
	}
	p := begin(t, nil, "--config", config)
	pipe, err := openWhenRead(config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pipe.Close() }()
	p.signal(t, syscall.SIGINT)
	code, stderr := p.end(t)
	if want := "train: interrupted while the configuration was read; nothing was made: context canceled\n"; code != cli.ExitInterrupted || !strings.HasSuffix(stderr, want) {
		t.Errorf("exit %d: %q, want %q", code, stderr, want)
	}
}

// A signal is heard while a read hangs: here of a pipe that nobody writes to.
// There is no step in progress then, and with --quiet only the error is said.
func TestSignalWhileLoading(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string // before the error
	}{
		"plain": {want: "\ntrain: stopping; once more to stop at once\n"},
		"quiet": {args: []string{"--quiet"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, out := folder(t), filepath.Join(t.TempDir(), "run")
			images := filepath.Join(dir, "train-images-idx3-ubyte.gz")
			if err := os.Remove(images); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mkfifo(images, 0o600); err != nil {
				t.Fatal(err)
			}
			p := begin(t, nil, append(c.args, "--data", dir, "--out", out)...)
			pipe, err := openWhenRead(images)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = pipe.Close() }()
			p.signal(t, syscall.SIGINT)
			code, stderr := p.end(t)
			notice, said := strings.CutSuffix(stderr, "train: interrupted while the data was read; nothing was made: context canceled\n")
			if code != cli.ExitInterrupted || !said || notice != c.want {
				t.Errorf("exit %d: %q; want %q before the error", code, stderr, c.want)
			}
			if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the run directory: %v, want none", err)
			}
		})
	}
}

// openWhenRead opens a pipe for writing once it is open for reading.
func openWhenRead(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if !errors.Is(err, syscall.ENXIO) {
			return f, err
		}
		time.Sleep(time.Millisecond)
	}
}
