package fashion

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aegis/data"
)

// small makes four files of a few pictures, under the right names.
func small(t *testing.T) ([]file, map[string][]byte) {
	t.Helper()
	var all []file
	content := map[string][]byte{}
	for i, f := range files {
		n := 3 - i/2
		var plain bytes.Buffer
		var err error
		if i%2 == 0 {
			err = data.WriteImages(&plain, data.Rows{N: n, Shape: data.Shape{C: 1, H: 20, W: 30}, Bytes: bytes.Repeat([]byte{1, 2, 3, byte(i)}, n*150)})
		} else {
			err = data.WriteLabels(&plain, bytes.Repeat([]byte{9}, n))
		}
		if err != nil {
			t.Fatal(err)
		}
		b := pack(t, plain.Bytes(), gzip.BestCompression)
		all = append(all, file{f.name, int64(len(b)), sum(b), sum(plain.Bytes())})
		content[f.name] = b
	}
	return all, content
}

func pack(t *testing.T, plain []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, level)
	if err == nil {
		_, err = z.Write(plain)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// server answers the nth question, from 0, for the images by a step, and all
// others as it should.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string // files
	ranges []string
}

func serve(t *testing.T, content map[string][]byte, steps ...func(w http.ResponseWriter, r *http.Request, b []byte)) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		s.mu.Lock()
		n := 0
		for _, before := range s.asked {
			if before == name {
				n++
			}
		}
		s.asked, s.ranges = append(s.asked, name), append(s.ranges, r.Header.Get("Range"))
		s.mu.Unlock()
		if name == files[0].name && n < len(steps) && steps[n] != nil {
			steps[n](w, r, content[name])
			return
		}
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content[name]))
	}))
	t.Cleanup(s.Close)
	return s
}

// waits replaces waiting by a list of how long it would have been.
func waits(t *testing.T) *[]time.Duration {
	t.Helper()
	var list []time.Duration
	kept := wait
	wait = func(ctx context.Context, d time.Duration) error {
		list = append(list, d)
		return ctx.Err()
	}
	t.Cleanup(func() { wait = kept })
	return &list
}

type step = func(w http.ResponseWriter, r *http.Request, b []byte)

func status(code int, header ...string) step {
	return func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

func send(change func(b []byte) []byte) step {
	return func(w http.ResponseWriter, _ *http.Request, b []byte) {
		_, _ = w.Write(change(slices.Clone(b))) // the client may go away
	}
}

// cut ends the connection in the middle.
func cut(w http.ResponseWriter, _ *http.Request, b []byte) {
	w.Header().Set("Content-Length", fmt.Sprint(len(b)))
	_, _ = w.Write(b[:len(b)/2])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func TestLoad(t *testing.T) {
	flip := send(func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	short := send(func(b []byte) []byte { return b[:len(b)-1] })
	long := send(func(b []byte) []byte { return append(b, 0) })
	for name, c := range map[string]struct {
		steps  []step
		waits  []time.Duration
		ranges int    // questions for the rest of a file
		want   string // of an error
	}{
		"fine":          {},
		"500, 503":      {steps: []step{status(500), status(503)}, waits: []time.Duration{time.Second, 2 * time.Second}},
		"retry after":   {steps: []step{status(429, "Retry-After", "7")}, waits: []time.Duration{7 * time.Second}},
		"after an age":  {steps: []step{status(503, "Retry-After", "99999999999")}, waits: []time.Duration{time.Minute}},
		"cut":           {steps: []step{cut}, waits: []time.Duration{time.Second}, ranges: 1},
		"cut, 416":      {steps: []step{cut, status(416)}, waits: []time.Duration{time.Second, 2 * time.Second}, ranges: 1},
		"cut, other":    {steps: []step{cut, status(206, "Content-Range", "bytes 0-9/10")}, waits: []time.Duration{time.Second, 2 * time.Second}, ranges: 1},
		"no range":      {steps: []step{cut, send(func(b []byte) []byte { return b })}, waits: []time.Duration{time.Second}, ranges: 1},
		"damaged once":  {steps: []step{flip}, waits: []time.Duration{time.Second}},
		"too long once": {steps: []step{long}, waits: []time.Duration{time.Second}},
		"truncated":     {steps: []step{short}, waits: []time.Duration{time.Second}, ranges: 1},
		"damaged":       {steps: []step{flip, flip, flip}, waits: []time.Duration{time.Second, 2 * time.Second}, want: "and is not kept; try again"},
		"too long":      {steps: []step{long, long, long}, waits: []time.Duration{time.Second, 2 * time.Second}, want: "more than"},
		"always 500":    {steps: []step{status(500), status(500), status(500)}, waits: []time.Duration{time.Second, 2 * time.Second}, want: "the server says 500 Internal Server Error"},
		"404":           {steps: []step{status(404)}, want: "/train-images-idx3-ubyte.gz: the server says 404 Not Found; try again with a connection, or put the files train-images-idx3-ubyte.gz, train-labels"},
	} {
		t.Run(name, func(t *testing.T) {
			list := waits(t)
			few, content := small(t)
			s := serve(t, content, c.steps...)
			opt := Options{Dir: filepath.Join(t.TempDir(), "a", "b"), Addresses: []string{s.URL + "/"}}
			last, total := 0, 0
			opt.Progress = func(done, of int) { last, total = done, of }
			got, err := load(t.Context(), opt, few)
			if !slices.Equal(*list, c.waits) {
				t.Errorf("waited %v, want %v", *list, c.waits)
			}
			if parts, _ := filepath.Glob(filepath.Join(opt.Dir, ".*")); parts != nil {
				t.Errorf("left %v", parts)
			}
			if c.want != "" {
				if _, left := os.Stat(filepath.Join(opt.Dir, files[0].name)); err == nil || !strings.Contains(err.Error(), c.want) ||
					!strings.Contains(err.Error(), s.URL) || !strings.Contains(err.Error(), opt.Dir) || strings.Contains(err.Error(), "\n") || left == nil {
					t.Errorf("error %v, want %q", err, c.want)
				}
				return
			}
			if err != nil || got.Train.N != 3 || got.Test.N != 2 || got.Test.Labels[1] != 9 || got.Classes[9] != "Ankle boot" || got.Name != "fashion-mnist" {
				t.Fatalf("%+v, error %v", got, err)
			}
			rests := slices.DeleteFunc(slices.Clone(s.ranges), func(r string) bool { return r == "" })
			if len(rests) != c.ranges || last != total || total == 0 {
				t.Errorf("%d questions for a rest, want %d; %d of %d bytes", len(rests), c.ranges, last, total)
			}
			asked := len(s.asked)
			if _, err := load(t.Context(), opt, few); err != nil || len(s.asked) != asked {
				t.Errorf("again: %d questions more, error %v", len(s.asked)-asked, err)
			}
		})
	}
}

// Files that lie there are used if they are the right ones, however packed.
func TestFilesThere(t *testing.T) {
	waits(t)
	few, content := small(t)
	dir := t.TempDir()
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	z, err := gzip.NewReader(bytes.NewReader(content[files[1].name]))
	if err != nil {
		t.Fatal(err)
	}
	var plain bytes.Buffer
	if _, err := plain.ReadFrom(z); err != nil {
		t.Fatal(err)
	}
	write(files[0].name, []byte("another file"))
	write(files[1].name, pack(t, plain.Bytes(), gzip.NoCompression))
	write(files[2].name, content[files[2].name])
	write(".old.part", nil)
	old := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, ".old.part"), old, old); err != nil {
		t.Fatal(err)
	}
	s := serve(t, content)
	got, err := load(t.Context(), Options{Dir: dir, Addresses: []string{s.URL + "/"}}, few)
	if err != nil || got.Train.N != 3 || !slices.Equal(s.asked, []string{files[0].name, files[3].name}) {
		t.Errorf("%+v, error %v, asked for %v", got, err, s.asked)
	}
	if _, err := os.Stat(filepath.Join(dir, ".old.part")); err == nil {
		t.Error("an old part is left")
	}
}

func TestOffline(t *testing.T) {
	list := waits(t)
	few, content := small(t)
	s := serve(t, content)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	dir := t.TempDir()
	_, err := load(t.Context(), Options{Dir: dir, Addresses: []string{gone.URL + "/"}}, few)
	if err == nil || !strings.Contains(err.Error(), gone.URL+"/train-images-idx3-ubyte.gz") || !strings.Contains(err.Error(), "into "+dir+" by hand") ||
		strings.Contains(err.Error(), "\n") || len(*list) != tries-1 {
		t.Errorf("error %v after waits of %v", err, *list)
	}
	*list = nil
	if _, err := load(t.Context(), Options{Dir: dir, Addresses: []string{gone.URL + "/", s.URL + "/"}}, few); err != nil || len(*list) != 0 {
		t.Errorf("with a second address: %v, waits %v", err, *list)
	}
}

func TestCancelled(t *testing.T) {
	waits(t)
	few, content := small(t)
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, content, func(w http.ResponseWriter, r *http.Request, b []byte) {
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		_, _ = w.Write(b[:9])
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	})
	dir := t.TempDir()
	_, err := load(ctx, Options{Dir: dir, Addresses: []string{s.URL + "/"}}, few)
	left, _ := os.ReadDir(dir)
	if !errors.Is(err, context.Canceled) || len(left) != 0 || len(s.asked) != 1 {
		t.Errorf("error %v, %d files left, %d questions", err, len(left), len(s.asked))
	}
}

// A server that goes silent is asked again.
func TestStall(t *testing.T) {
	waits(t)
	kept := stall
	stall = 100 * time.Millisecond
	defer func() { stall = kept }()
	few, content := small(t)
	silent := func(w http.ResponseWriter, r *http.Request, b []byte) {
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		_, _ = w.Write(b[:9])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	s := serve(t, content, silent)
	if _, err := load(t.Context(), Options{Dir: t.TempDir(), Addresses: []string{s.URL + "/"}}, few); err != nil || s.ranges[1] != "bytes=9-" {
		t.Errorf("error %v, ranges %q", err, s.ranges)
	}
	s = serve(t, content, silent, silent, silent)
	if _, err := load(t.Context(), Options{Dir: t.TempDir(), Addresses: []string{s.URL + "/"}}, few); err == nil || !strings.Contains(err.Error(), "nothing came for 100ms") {
		t.Errorf("error %v", err)
	}
}

// Several loads into one folder at once are in nobody's way.
func TestTogether(t *testing.T) {
	waits(t)
	few, content := small(t)
	s := serve(t, content)
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := load(t.Context(), Options{Dir: dir, Addresses: []string{s.URL + "/"}}, few); err != nil || got.Train.N != 3 {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	wg.Wait()
	if left, _ := os.ReadDir(dir); len(left) != 4 {
		t.Errorf("%v", left)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "5": 5 * time.Second, "-5": 0, "x": 0, "1e9": 0, "3600": mostWait,
		"Wed, 01 Jan 2020 00:00:09 GMT": 9 * time.Second, "Wed, 01 Jan 2019 00:00:09 GMT": 0,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// The sums are whole, and each file has its own.
func TestSums(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range files {
		for _, s := range []string{f.sum, f.content} {
			if len(s) != 64 || seen[s] {
				t.Errorf("%s: %q", f.name, s)
			}
			seen[s] = true
		}
	}
}
