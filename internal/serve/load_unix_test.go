//go:build unix

package serve_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"aegis/internal/serve"
	"aegis/internal/weblisten"
	"aegis/model"
)

// loaded is what so many clients did in a while.
type loaded struct {
	requests, failed int
	perSecond        float64
	p50, p99         time.Duration
	processor        time.Duration // of clients and server, a request
}

func (l loaded) String() string {
	return fmt.Sprintf("%.0f requests/s, p50 %v, p99 %v, %v of processors a request, %d failed", l.perSecond, l.p50.Round(10*time.Microsecond), l.p99.Round(10*time.Microsecond), l.processor.Round(time.Microsecond/10), l.failed)
}

// load sends requests from so many clients for a while: as many as go, or at a rate
// all together. An answer that is not the one that is wanted has failed.
func load(clients int, rate float64, during time.Duration, ask func(client, i int) (*http.Request, []byte)) (l loaded) {
	transport := &http.Transport{MaxIdleConnsPerHost: clients, DisableCompression: true}
	defer transport.CloseIdleConnections()
	var all sync.WaitGroup
	var failed atomic.Int64
	times := make([][]time.Duration, clients)
	start, used := time.Now(), processor()
	for c := range clients {
		all.Go(func() {
			var got bytes.Buffer
			random := rand.New(rand.NewPCG(1, uint64(c)))
			due := start
			for i := 0; time.Since(start) < during; i++ {
				if rate > 0 { // a Poisson process, whose lateness counts
					due = due.Add(time.Duration(random.ExpFloat64() * float64(clients) / rate * float64(time.Second)))
					time.Sleep(time.Until(due))
				} else {
					due = time.Now()
				}
				r, want := ask(c, i)
				answer, err := transport.RoundTrip(r)
				if err != nil {
					failed.Add(1)
					continue
				}
				got.Reset()
				_, err = io.Copy(&got, answer.Body)
				_ = answer.Body.Close()
				if err != nil || answer.StatusCode != http.StatusOK || want != nil && !bytes.Equal(got.Bytes(), want) {
					failed.Add(1)
				}
				times[c] = append(times[c], time.Since(due))
			}
		})
	}
	all.Wait()
	took := time.Since(start)
	sorted := slices.Concat(times...)
	slices.Sort(sorted)
	if len(sorted) == 0 {
		return l
	}
	return loaded{
		len(sorted), int(failed.Load()), float64(len(sorted)) / took.Seconds(), sorted[len(sorted)/2], sorted[len(sorted)*99/100],
		(processor() - used) / time.Duration(len(sorted)),
	}
}

// processor is the time of processors that this process has used.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// posts are requests of one image each, with what is answered.
func posts(t testing.TB, s http.Handler, address, path, accept string, n int) func(client, i int) (*http.Request, []byte) {
	rows := images(t, n)
	var bodies, answers [][]byte
	for i := range n {
		body := text(t, map[string]any{"rows": arrays(rows.Slice(i, i+1))})
		if accept == inNPY {
			body = array(rows.Slice(i, i+1))
		}
		bodies, answers = append(bodies, body), append(answers, call(s, http.MethodPost, path, accept, accept, body).Body.Bytes())
	}
	return func(client, i int) (*http.Request, []byte) {
		at := (client*31 + i) % n
		r, _ := http.NewRequest(http.MethodPost, "http://"+address+path, bytes.NewReader(bodies[at]))
		r.Header["Content-Type"], r.Header["Accept"] = []string{accept}, []string{accept}
		return r, answers[at]
	}
}

// TestLoad measures a server under 64 clients beside one that only parses and
// writes the same bodies, and its memory under mixed load. AEGIS_LOAD is how long
// each measurement takes, such as 5s, and AEGIS_MIXED how long the mixed load, such
// as 10m.
func TestLoad(t *testing.T) {
	during, err := time.ParseDuration(os.Getenv("AEGIS_LOAD"))
	if err != nil {
		t.Skip("it measures: AEGIS_LOAD=5s")
	}
	m := opened(t, "fc12", func(*model.Spec) {})
	served := serve.Model{Name: "digits", Model: m, Detector: fitted(t, m, images(t, 500))}
	s := server(t, serve.Options{}, served)
	address, _ := listening(t, s, weblisten.Options{})
	for _, kind := range []string{inJSON, inNPY} {
		for _, operation := range []string{"encode", "reconstruct", "detect"} {
			ask := posts(t, s, address, "/v1/models/digits/"+operation, kind, 64)
			bare := httptest.NewServer(s.Bare("digits", operation, images(t, 64)))
			base := posts(t, s, bare.Listener.Addr().String(), "/v1/models/digits/"+operation, kind, 64)
			load(64, 0, during/5, ask)
			load(64, 0, during/5, base)
			var ours, only []float64
			var last, alone loaded
			for range 3 {
				last = load(64, 0, during/2, ask)
				ours = append(ours, last.perSecond)
				alone = load(64, 0, during/2, base)
				only = append(only, alone.perSecond)
			}
			bare.Close()
			slices.Sort(ours)
			slices.Sort(only)
			half := load(64, ours[1]/2, during, ask)
			t.Logf("%s as %s: %v; parse and write alone %v; ratio %.2f, of processors %.2f; at half of its peak %v",
				operation, kind, last, alone, ours[1]/only[1], float64(alone.processor)/float64(last.processor), half)
			if last.failed+half.failed > 0 {
				t.Errorf("%d answers failed", last.failed+half.failed)
			}
		}
	}
	single := load(1, 0, during, posts(t, s, address, "/v1/models/digits/encode", inJSON, 64))
	t.Logf("one client: %v", single)
	mixed(t, s, address)
}

// mixed loads a server with requests of all sizes and looks at its memory.
func mixed(t *testing.T, s http.Handler, address string) {
	during, err := time.ParseDuration(os.Getenv("AEGIS_MIXED"))
	if err != nil {
		return
	}
	small := posts(t, s, address, "/v1/models/digits/reconstruct", inJSON, 16)
	arrays := posts(t, s, address, "/v1/models/digits/detect", inNPY, 16)
	large := array(images(t, 2000))
	var heaps []uint64
	const parts = 10
	for range parts {
		l := load(32, 0, during/parts, func(client, i int) (*http.Request, []byte) {
			switch {
			case client == 0:
				r, _ := http.NewRequest(http.MethodPost, "http://"+address+"/v1/models/digits/reconstruct", bytes.NewReader(large))
				r.Header["Content-Type"], r.Header["Accept"] = []string{inNPY}, []string{inNPY}
				return r, nil
			case client%2 == 0:
				return small(client, i)
			}
			return arrays(client, i)
		})
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		heaps = append(heaps, m.HeapAlloc>>10)
		t.Logf("mixed: %v; heap %d KiB, %d goroutines, %d KiB of the system", l, m.HeapAlloc>>10, runtime.NumGoroutine(), m.Sys>>10)
	}
	if first, last := heaps[0], heaps[parts-1]; last > first+first/4+4096 {
		t.Errorf("heap of %d KiB after the first part and %d KiB at the end", first, last)
	}
}
