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

	"aegis/internal/browsertest"
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

// command is the binary.
func command(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "aegis")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// fetched is the body of an answer, which has a status.
func fetched(t *testing.T, url string, status int) []byte {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != status {
		t.Fatalf("%s: %s, %v; want %d: %.200s", url, answer.Status, err, status, text)
	}
	return text
}

// TestServeExplorer: the explorer of a served run is the page that export html
// writes, and can be used; of one whose data are gone the answer says so.
func TestServeExplorer(t *testing.T) {
	bin, dir := command(t), t.TempDir()
	must := func(args ...string) {
		t.Helper()
		cmd := exec.Command(bin, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	table := []byte("a,b\n")
	for i := range 60 {
		table = fmt.Appendf(table, "%d,%d\n", i, i*i%17)
	}
	if err := os.WriteFile(filepath.Join(dir, "gone.csv"), table, 0o666); err != nil {
		t.Fatal(err)
	}
	must("train", "--model", "fc3", "--limit", "400", "--epochs", "1", "--quiet", "--out", "digits")
	must("train", "--data", "gone.csv", "--epochs", "1", "--latent", "1", "--quiet", "--out", "table")
	must("detect", "table", "--quiet", "--out", "found.csv")
	must("detect", "digits", "--quiet", "--out", "found.csv")
	must("export", "html", "digits", "--quiet", "-o", "digits.html")
	if err := os.Remove(filepath.Join(dir, "gone.csv")); err != nil {
		t.Fatal(err)
	}
	address, _, _ := started(t, bin, filepath.Join(dir, "digits"), filepath.Join(dir, "table"))
	want, err := os.ReadFile(filepath.Join(dir, "digits.html"))
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + address + "/models/digits/explorer"
	if got := fetched(t, url, http.StatusOK); !bytes.Equal(got, want) {
		t.Errorf("the page that is served has %d bytes, and not the %d of export html", len(got), len(want))
	}
	if got := fetched(t, "http://"+address+"/models/table/explorer", http.StatusInternalServerError); !bytes.Contains(got, []byte("gone.csv")) {
		t.Errorf("of data that are gone: %s", got)
	}
	b := browsertest.Open(t, 1200, 800)
	b.Go("http://" + address + "/")
	b.Press(`a[href="/models/digits/explorer"]`)
	b.Until("window.explorer?.ready && explorer.state.judged.score > 0")
	b.Quiet("http://"+address+"/", url)
}

// TestServeSignals: under load SIGTERM answers every request of a connection that
// was accepted, and ends with status 0; SIGKILL breaks connections, and what came
// whole before is right.
func TestServeSignals(t *testing.T) {
	bin := command(t)
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
