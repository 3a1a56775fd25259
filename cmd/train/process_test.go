//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
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

// A run under nohup outlives its terminal.
func TestNohup(t *testing.T) {
	p := begin(t, []string{"sh", "-c", `trap "" HUP; exec "$0" "$@"`}, "--data", folder(t), "--epochs", "1000000", "--out", filepath.Join(t.TempDir(), "run"))
	p.until(t, "epoch       1/")
	p.signal(t, syscall.SIGHUP)
	p.until(t, "epoch    1500/")
	if text := p.stderr.String(); strings.Contains(text, "stopping") {
		t.Error("SIGHUP was heard")
	}
	p.signal(t, syscall.SIGINT)
	if code, stderr := p.end(t); code != cli.ExitInterrupted {
		t.Errorf("exit %d: …%s", code, stderr[max(0, len(stderr)-500):])
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
