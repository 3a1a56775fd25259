//go:build unix

package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestWatch follows a run of a process by its events, to its end and through an
// interrupt.
func TestWatch(t *testing.T) {
	data := folder(t)
	for _, c := range []struct {
		args      []string
		interrupt bool
		code      int
		end       string
	}{
		{[]string{"--epochs", "3"}, false, 0, `"status":"finished"`},
		{[]string{"--epochs", "1000000"}, true, 130, `"status":"interrupted"`},
	} {
		out := filepath.Join(t.TempDir(), "run")
		p := begin(t, nil, append(c.args, "--data", data, "--batch", "8", "--out", out, "--watch", "0")...)
		p.until(t, "watch: http://")
		address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(p.stderr.String())
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		ended := ""
		for lines := bufio.NewScanner(answer.Body); ended == "" && lines.Scan(); {
			if c.interrupt && strings.Contains(lines.Text(), `"look":1`) {
				if err := p.Process.Signal(syscall.SIGINT); err != nil {
					t.Fatal(err)
				}
			}
			if strings.Contains(lines.Text(), `"end"`) {
				ended = lines.Text()
			}
		}
		if !strings.Contains(ended, c.end) || !strings.Contains(ended, out) {
			t.Errorf("%v: the end: %q", c.args, ended)
		}
		look, err := http.Get(address + "/look")
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(look.Body); err != nil || look.StatusCode != http.StatusOK || len(text) < 1000 {
			t.Errorf("%v: the look at the end: %s, %d bytes, %v", c.args, look.Status, len(text), err)
		}
		_, _ = look.Body.Close(), answer.Body.Close()
		if code, stderr := p.end(t); code != c.code {
			t.Errorf("%v: status %d: %s", c.args, code, stderr)
		}
		if _, err := os.Stat(filepath.Join(out, "model.safetensors")); err != nil {
			t.Error(err)
		}
	}
}

// TestWatchRefused wants ports that there are, and one run.
func TestWatchRefused(t *testing.T) {
	data := folder(t)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--watch", "x"}, 1, `port "x"; want a number`},
		{[]string{"--watch", "0", "--tries", "2"}, 2, "--watch shows one run"},
		{[]string{"--watch", "192.0.2.1:80"}, 1, "192.0.2.1:80"},
	} {
		out := filepath.Join(t.TempDir(), "run")
		code, _, stderr := train(context.Background(), append(c.args, "--data", data, "--epochs", "1", "--out", out)...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: status %d, %s", c.args, code, stderr)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%v: made %s", c.args, out)
		}
	}
}
