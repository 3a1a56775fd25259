package weblisten

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"8080": "127.0.0.1:8080", ":8080": "127.0.0.1:8080", "0": "127.0.0.1:0", "0.0.0.0:80": "0.0.0.0:80", "[::1]:80": "[::1]:80", "localhost:1": "localhost:1",
		"": "", "http": "", "127.0.0.1": "", "a:b": "", "70000": "", "-1": "", "::1:80": "", "01": "",
	} {
		if got, err := Address(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestGuard(t *testing.T) {
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	o := Options{Hosts: []string{"Models.example.org"}, Origins: []string{"https://a.example"}}
	for name, c := range map[string]struct {
		open                       bool // listens on other addresses too
		host, method, origin, site string
		code                       int
		allowed                    string
	}{
		"localhost":        {host: "localhost:8080", code: 200},
		"loopback":         {host: "127.0.0.1", code: 200},
		"loopback, 6":      {host: "[::1]:80", code: 200},
		"given":            {host: "models.example.org", code: 200},
		"other name":       {host: "evil.example:8080", code: 421},
		"like localhost":   {host: "localhost.evil.example", code: 421},
		"no host":          {host: "", code: 421},
		"address":          {host: "192.0.2.1", code: 421},
		"address, open":    {open: true, host: "192.0.2.1:80", code: 200},
		"other name, open": {open: true, host: "evil.example", code: 421},
		"other origin":     {host: "localhost", method: "POST", origin: "https://b.example", code: 403},
		"other site":       {host: "localhost", method: "POST", site: "cross-site", code: 403},
		"its origin":       {host: "localhost", method: "POST", origin: "https://a.example", site: "cross-site", code: 200, allowed: "https://a.example"},
		"other reads":      {host: "localhost", method: "GET", origin: "https://b.example", code: 200},
	} {
		g, err := newGuard(ok, !c.open, o)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(max(c.method, "GET"), "/", nil)
		r.Host = c.host
		for key, value := range map[string]string{"Origin": c.origin, "Sec-Fetch-Site": c.site} {
			if value != "" {
				r.Header.Set(key, value)
			}
		}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if got := w.Header().Get("Access-Control-Allow-Origin"); w.Code != c.code || got != c.allowed {
			t.Errorf("%s: %d, origin %q; want %d, %q", name, w.Code, got, c.code, c.allowed)
		}
	}
	for _, wrong := range []Options{{Hosts: []string{"a:80"}}, {Hosts: []string{""}}, {Origins: []string{"a.example"}}, {Origins: []string{"https://a.example/x"}}, {Origins: []string{"*"}}} {
		if _, err := newGuard(ok, true, wrong); err == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
}

// TestStop: a request that is being answered is, what comes later is refused, and
// one that takes too long is cut off.
func TestStop(t *testing.T) {
	for name, late := range map[string]bool{"in time": false, "late": true} {
		l, err := Listen("0", Options{StopTime: 100 * time.Millisecond, Connections: 2})
		if err != nil {
			t.Fatal(err)
		}
		if !l.Loopback() {
			t.Error("a bare port reaches others")
		}
		began, go1 := make(chan bool), make(chan bool)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- l.Serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				close(began)
				<-go1
				_, _ = io.WriteString(w, "whole")
			}))
		}()
		got := make(chan string, 1)
		go func() {
			answer, err := http.Get("http://" + l.Addr().String())
			if err != nil {
				got <- ""
				return
			}
			text, _ := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			got <- string(text)
		}()
		<-began
		cancel()
		if !late {
			close(go1)
		}
		err = <-done
		if (err != nil) != late {
			t.Errorf("%s: %v", name, err)
		}
		if text := <-got; (text == "whole") == late {
			t.Errorf("%s: %q", name, text)
		}
		if late {
			close(go1)
		}
		if _, err := http.Get("http://" + l.Addr().String()); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("%s: afterwards %v", name, err)
		}
	}
}
