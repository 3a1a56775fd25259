package serve_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"aegis/internal/serve"
	"aegis/internal/weblisten"
)

// listening serves a handler on a port of its own until the test ends.
func listening(t testing.TB, s *serve.Server, o weblisten.Options) (address string, stop func()) {
	t.Helper()
	o.Refuse = serve.WriteError
	l, err := weblisten.Listen("0", o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Serve(ctx, s) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			if err := s.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

// malformed writes a request that is wrong, by a random number: a body that was
// changed, a head that is none, a length that lies, or a body that does not come.
func malformed(r *rand.Rand, good [][]byte) (request []byte, slow bool) {
	body := bytes.Clone(good[r.IntN(len(good))])
	path := []string{"/v1/models/digits/encode", "/v1/models/table/detect", "/v1/models/window/detect", "/v1/models/cvae/generate", "/v1/models/table/decode"}[r.IntN(5)]
	kind, method, length := []string{inJSON, inNPY}[r.IntN(2)], "POST", -1
	more := ""
	switch r.IntN(10) {
	case 0: // cut
		body = body[:r.IntN(len(body))]
	case 1: // bytes changed
		for range 1 + r.IntN(20) {
			body[r.IntN(len(body))] = byte(r.Uint32())
		}
	case 2: // nothing but noise
		for i := range body {
			body[i] = byte(r.Uint32())
		}
	case 3:
		kind = []string{"", "text/plain", "application/json; charset=", "multipart/form-data", "a/b/c"}[r.IntN(5)]
	case 4:
		method = []string{"PUT", "DELETE", "PATCH", "BREW", "TRACE", "OPTIONS"}[r.IntN(6)]
	case 5:
		path = []string{"/v1/models/none/encode", "/../etc/passwd", "//v1", "/v1/models/digits/%2e", "/v1/models/digits/encode/", "/v1/models//encode"}[r.IntN(6)]
	case 6: // a length that lies
		length = 1 << (10 + r.IntN(20))
		slow = length <= 1<<16
	case 7:
		more = "X-Long: " + strings.Repeat("a", 1+r.IntN(40000)) + "\r\nHost: x\r\n"
	case 8: // no head
		return []byte(strings.Repeat("\x16\x03\x01 GET", 1+r.IntN(5)) + "\r\n\r\n"), false
	default:
		body = []byte(`{"rows":[` + strings.Repeat("[", r.IntN(3000)) + strconv.Itoa(r.Int()) + `]}`)
	}
	if length < 0 {
		length = len(body)
	}
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\n%sConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", method, path, more, kind, length)
	return append([]byte(head), body...), slow
}

// TestMalformed: requests that are wrong in any way get a 4xx, or 503, and leave
// neither goroutines nor memory behind.
func TestMalformed(t *testing.T) {
	n := 1000
	if text := os.Getenv("AEGIS_MALFORMED"); text != "" {
		n, _ = strconv.Atoi(text)
	}
	before := runtime.NumGoroutine()
	s := server(t, serve.Options{BodyTime: 200 * time.Millisecond, MaxBody: 1 << 20}, models(t)...)
	address, stop := listening(t, s, weblisten.Options{HeaderTime: 200 * time.Millisecond, IdleTime: time.Second})
	good := [][]byte{text(t, map[string]any{"rows": arrays(images(t, 1))}), text(t, map[string]any{"rows": arrays(lines(t, 3))}), array(images(t, 1)), array(lines(t, 3))}
	var mu sync.Mutex
	codes := map[int]int{}
	var numbers sync.WaitGroup
	var heap [2]runtime.MemStats
	round := func(from, to int) {
		next := make(chan int)
		for range 16 {
			numbers.Go(func() {
				for i := range next {
					request, slow := malformed(rand.New(rand.NewPCG(1, uint64(i))), good)
					code, err := exchange(address, request)
					if err != nil {
						t.Errorf("request %d (slow %v): %v: %.200q", i, slow, err, request)
					}
					mu.Lock()
					codes[code]++
					mu.Unlock()
				}
			})
		}
		for i := from; i < to; i++ {
			next <- i
		}
		close(next)
		numbers.Wait()
	}
	round(0, n/2)
	runtime.GC()
	runtime.ReadMemStats(&heap[0])
	round(n/2, n)
	runtime.GC()
	runtime.ReadMemStats(&heap[1])
	wrong := 0
	for code, count := range codes {
		if (code < 400 || code > 499) && code != 503 {
			wrong += count
		}
	}
	// A body of which a pixel or a number was changed may be a good one still.
	if wrong != codes[200] || codes[200] > n/10 {
		t.Errorf("statuses %v; want 4xx, 503, and few 200", codes)
	}
	const least = 4 << 20
	if grown := int64(heap[1].HeapAlloc) - int64(heap[0].HeapAlloc); grown > least {
		t.Errorf("%d bytes more after the second half", grown)
	}
	stop()
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines; want %d as before", after, before)
	}
	t.Logf("%d requests: statuses %v; heap %d KiB after the first half, %d KiB at the end", n, codes, heap[0].HeapAlloc>>10, heap[1].HeapAlloc>>10)
}

// exchange sends a text as it is and returns the status of what comes back.
func exchange(address string, request []byte) (int, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	go func() { _, _ = c.Write(request) }() // the server may answer before it has read all
	answer, err := io.ReadAll(c)
	if len(answer) < 12 {
		return 0, fmt.Errorf("no answer: %d bytes: %w", len(answer), err)
	}
	return strconv.Atoi(string(answer[9:12]))
}

// TestSlow: a body that does not come in time is 408, and one that is too long by
// what it claims is refused before it comes.
func TestSlow(t *testing.T) {
	s := server(t, serve.Options{BodyTime: 50 * time.Millisecond}, models(t)[1])
	address, _ := listening(t, s, weblisten.Options{})
	for length, want := range map[int64]int{100: http.StatusRequestTimeout, 1 << 40: http.StatusRequestEntityTooLarge} {
		head := fmt.Sprintf("POST /v1/models/table/encode HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{", length)
		if code, err := exchange(address, []byte(head)); code != want {
			t.Errorf("length %d: %d %v; want %d", length, code, err, want)
		}
	}
}
