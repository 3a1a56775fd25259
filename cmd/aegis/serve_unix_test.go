//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// started runs serve on a free port; said is what it has said, once it has ended.
func started(t *testing.T, bin string, args ...string) (address string, cmd *exec.Cmd, said func() string) {
	t.Helper()
	cmd = exec.Command(bin, append([]string{"serve", "--listen", "0", "--log", "off"}, args...)...)
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(pipe)
	var all strings.Builder
	for lines.Scan() {
		fmt.Fprintln(&all, lines.Text())
		if _, rest, ok := strings.Cut(lines.Text(), "http://"); ok {
			address, _, _ = strings.Cut(rest, ",")
		}
		if strings.HasSuffix(lines.Text(), "ready") {
			break
		}
	}
	if address == "" {
		t.Fatalf("it does not say where it listens: %s", all.String())
	}
	rest := make(chan string, 1)
	go func() {
		for lines.Scan() {
			fmt.Fprintln(&all, lines.Text())
		}
		rest <- all.String()
	}()
	return address, cmd, sync.OnceValue(func() string { return <-rest })
}

// TestServeSignals: under load SIGTERM answers every request of a connection that
// was accepted, and ends with status 0; SIGKILL breaks connections, and what came
// whole before is right.
func TestServeSignals(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "aegis")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	model, err := os.ReadFile(filepath.Join("..", "..", "testdata", "0.1.0", "fc", "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "model.safetensors")
	if err := os.WriteFile(file, model, 0o666); err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"rows":[[` + strings.TrimSuffix(strings.Repeat("7,", 30), ",") + `]]}`)
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		address, cmd, said := started(t, bin, "digits="+file)
		url := "http://" + address + "/v1/models/digits/reconstruct"
		answer, err := http.Post(url, "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		want, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%d %v: %s", answer.StatusCode, err, want)
		}
		var answered, broken atomic.Int64
		var clients sync.WaitGroup
		for range 16 {
			clients.Go(func() {
				transport := &http.Transport{}
				defer transport.CloseIdleConnections()
				for {
					reused := false
					r, _ := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
					r.GetBody = nil // it is not sent again
					r.Header.Set("Content-Type", "application/json")
					r = r.WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused }}))
					answer, err := transport.RoundTrip(r)
					var got []byte
					if err == nil {
						got, err = io.ReadAll(answer.Body)
						_ = answer.Body.Close()
					}
					switch {
					case err == nil && (answer.StatusCode != http.StatusOK || !bytes.Equal(got, want)):
						t.Errorf("after %v: %d %.100s", signal, answer.StatusCode, got)
					case err == nil:
						answered.Add(1)
						continue
					case reused:
						broken.Add(1)
					}
					return
				}
			})
		}
		for answered.Load() < 500 {
			time.Sleep(time.Millisecond)
		}
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		clients.Wait()
		text := said()
		err = cmd.Wait()
		var ended *exec.ExitError
		switch {
		case signal == syscall.SIGTERM && (err != nil || broken.Load() > 0):
			t.Errorf("SIGTERM: %v, %d requests of %d without an answer\n%s", err, broken.Load(), answered.Load(), text)
		case signal == syscall.SIGKILL && !errors.As(err, &ended):
			t.Errorf("SIGKILL: %v", err)
		}
	}
}
