package watch_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aegis/data"
	"aegis/internal/session"
	"aegis/internal/watch"
	"aegis/model"
	"aegis/model/program"
)

// begun is a run of a small network on n rows.
func begun(t *testing.T, n int) session.Watched {
	t.Helper()
	cfg, err := session.NewConfig("fc3")
	if err != nil {
		t.Fatal(err)
	}
	spec := cfg.Spec
	spec.Image, spec.Rows = [3]int{1, 4, 4}, n
	w := session.Watched{
		Out: "runs/one", Device: "CPU", Spec: spec, Epochs: 3, Of: 100, What: "test images",
		Rows: data.Set{Rows: data.Rows{N: n, Shape: data.Shape{C: 1, H: 4, W: 4}, Bytes: make([]byte, n*16)}, Labels: make([]byte, n)},
	}
	for i := range n {
		w.Numbers = append(w.Numbers, 2*i)
	}
	return w
}

// looked is a look at a network of begun.
func looked(t *testing.T, spec model.Spec, n int) session.Look {
	t.Helper()
	p, err := spec.Program()
	if err != nil {
		t.Fatal(err)
	}
	l := session.Look{Epoch: 1, Step: 7, Codes: make([]float32, n*spec.Latent), Losses: make([]float64, n), Rebuilt: make([]float32, 16), Params: map[string]program.Tensor{}}
	for i := range l.Codes {
		l.Codes[i] = float32(i)
	}
	for _, param := range p.Params {
		l.Params[param.Name] = program.Tensor{Shape: param.Shape, Data: make([]float32, param.Size())}
	}
	return l
}

// served is a server of a run, which cuts off who still hears events at its end.
func served(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

// event is one that a client heard.
type event struct{ name, data string }

// listen hears events until it is told to stop, or the server ends.
func listen(t *testing.T, url string) (<-chan event, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("events: %s, %s", answer.Status, answer.Header)
	}
	heard := make(chan event, 100)
	go func() {
		defer close(heard)
		defer func() { _ = answer.Body.Close() }()
		var e event
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				e.name = value
			case "data":
				e.data = value
				heard <- e
			}
		}
	}()
	return heard, cancel
}

// next is the next event.
func next(t *testing.T, heard <-chan event) event {
	t.Helper()
	select {
	case e, ok := <-heard:
		if !ok {
			t.Fatal("the events ended")
		}
		return e
	case <-time.After(10 * time.Second):
		t.Fatal("no event within ten seconds")
		return event{}
	}
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

// TestEvents follows a run from before its start to its end.
func TestEvents(t *testing.T) {
	h := watch.New()
	server := served(t, h)
	if _, text := get(t, server.URL); !strings.Contains(text, "has not begun") || !strings.Contains(text, "refresh") {
		t.Errorf("before the start: %s", text)
	}
	if answer, _ := get(t, server.URL+"/look"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("a look before the start: %s", answer.Status)
	}
	if h.Wants() {
		t.Error("a look is wanted where nobody is")
	}
	run := begun(t, 5)
	h.Begin(run)
	h.Progress(session.Progress{Epoch: 1, Epochs: 3, Rows: 10, TotalRows: 20, Loss: 2})
	h.Progress(session.Progress{Epoch: 1, Epochs: 3, Rows: 20, TotalRows: 20, Loss: math.NaN()})
	h.Epoch(session.Metrics{Epoch: 1, TrainLoss: 1.5})
	if h.Wants() {
		t.Error("a look is wanted where nobody is")
	}
	heard, stop := listen(t, server.URL)
	defer stop()
	first := next(t, heard)
	var hello struct {
		Out     string
		Epochs  int
		Curve   [][2]float64
		Metrics []session.Metrics
	}
	if err := json.Unmarshal([]byte(first.data), &hello); err != nil || first.name != "hello" || hello.Out != "runs/one" || hello.Epochs != 3 ||
		len(hello.Curve) != 1 || hello.Curve[0] != [2]float64{0.5, 2} || len(hello.Metrics) != 1 {
		t.Fatalf("first %+v, %v", first, err)
	}
	if !h.Wants() {
		t.Error("no look is wanted where somebody is")
	}
	next(t, heard) // the progress
	h.Show(looked(t, run.Spec, 5))
	if e := next(t, heard); !strings.Contains(e.data, `"look":1`) {
		t.Errorf("after a look: %+v", e)
	}
	if h.Wants() {
		t.Error("a look is wanted before the last one was fetched")
	}
	answer, text := get(t, server.URL+"/look")
	if answer.StatusCode != http.StatusOK || !h.Wants() {
		t.Fatalf("look: %s, wanted %v", answer.Status, h.Wants())
	}
	checkLook(t, text, 5, run.Spec.Latent)
	h.Epoch(session.Metrics{Epoch: 2, TrainLoss: 1})
	if e := next(t, heard); !strings.Contains(e.data, `"train_loss":1,`) || strings.Contains(e.data, `"train_loss":1.5`) {
		t.Errorf("after an epoch: %+v", e)
	}
	h.End(&session.Summary{Status: session.Interrupted, Error: "why"})
	if e := next(t, heard); !strings.Contains(e.data, `"end":{"status":"interrupted","text":"why","out":"runs/one"}`) {
		t.Errorf("the end: %+v", e)
	}
	drained := make(chan struct{})
	go func() { h.Drain(context.Background()); close(drained) }()
	select {
	case <-drained:
		t.Error("drained while somebody hears events")
	case <-time.After(20 * time.Millisecond):
	}
	stop()
	<-drained
}

// checkLook reads a look as the page does.
func checkLook(t *testing.T, text string, n, z int) {
	t.Helper()
	length := int(binary.LittleEndian.Uint32([]byte(text)))
	var head struct {
		Version, Epoch, Step, Rebuilt, Weights int
		CodeLeast, CodeGreatest                []float32
	}
	if err := json.Unmarshal([]byte(text[4:4+length]), &head); err != nil {
		t.Fatal(err)
	}
	if (4+length)%8 != 0 || head.Version != 1 || head.Epoch != 1 || head.Step != 7 || head.Rebuilt != 1 || len(head.CodeLeast) != z || head.CodeLeast[1] != 1 || head.CodeGreatest[1] != float32((n-1)*z+1) {
		t.Errorf("head %+v of %d bytes", head, length)
	}
	if want := 4 + length + 8*n + 4*(n*z+16+head.Weights); len(text) != want || head.Weights == 0 {
		t.Errorf("look of %d bytes; want %d", len(text), want)
	}
	if at := 4 + length + 8*n + 4*(n*z-1); math.Float32frombits(binary.LittleEndian.Uint32([]byte(text[at:]))) != float32(n*z-1) {
		t.Error("codes are not where they should be")
	}
}

// TestRefused asks for what is not there.
func TestRefused(t *testing.T) {
	h := watch.New()
	server := served(t, h)
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{http.MethodPost, "/", http.StatusMethodNotAllowed},
		{http.MethodGet, "/other", http.StatusNotFound},
		{http.MethodHead, "/events", http.StatusOK},
		{http.MethodHead, "/", http.StatusOK},
	} {
		r, err := http.NewRequest(c.method, server.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != c.want {
			t.Errorf("%s %s: %s; want %d", c.method, c.path, answer.Status, c.want)
		}
	}
	h.Begin(begun(t, 2))
	for range 16 {
		heard, stop := listen(t, server.URL)
		defer stop()
		next(t, heard)
	}
	if answer, _ := get(t, server.URL+"/events"); answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("one page too many: %s", answer.Status)
	}
}

// TestNotShown leaves out a look that is no finite number, and says of one that
// does not fit why nothing more is shown.
func TestNotShown(t *testing.T) {
	h := watch.New()
	server := served(t, h)
	run := begun(t, 2)
	h.Begin(run)
	heard, stop := listen(t, server.URL)
	defer stop()
	next(t, heard)
	infinite := looked(t, run.Spec, 2)
	infinite.Codes[1] = float32(math.Inf(1))
	h.Show(infinite)
	if answer, _ := get(t, server.URL+"/look"); answer.StatusCode != http.StatusNotFound || !h.Wants() {
		t.Errorf("a look of infinite codes: %s", answer.Status)
	}
	h.Show(session.Look{})
	if e := next(t, heard); !strings.Contains(e.data, `"failed":"explorer: look: 0 codes`) || h.Wants() {
		t.Errorf("a look of no codes: %+v", e)
	}
	if _, text := get(t, server.URL); !strings.Contains(text, "cannot be shown: explorer: look") {
		t.Errorf("the page then: %s", text)
	}
}

// TestLongCurve keeps the curve of a long run short.
func TestLongCurve(t *testing.T) {
	h := watch.New()
	server := served(t, h)
	h.Begin(begun(t, 1))
	const all = 50_000
	for i := range all {
		h.Progress(session.Progress{Epoch: 1, Epochs: 1, Rows: i + 1, TotalRows: all, Loss: 3})
	}
	heard, stop := listen(t, server.URL)
	defer stop()
	var hello struct{ Curve [][2]float64 }
	if err := json.Unmarshal([]byte(next(t, heard).data), &hello); err != nil {
		t.Fatal(err)
	}
	if n := len(hello.Curve); n < 2000 || n > 4096 {
		t.Errorf("%d points", n)
	}
	before := 0.0
	for _, p := range hello.Curve {
		if p[0] <= before || p[1] != 3 {
			t.Fatalf("point %v behind %v", p, before)
		}
		before = p[0]
	}
	if before < 0.99 {
		t.Errorf("the curve ends at %v", before)
	}
}
