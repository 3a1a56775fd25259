package watch_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"aegis"
	"aegis/data"
	"aegis/internal/watch"
)

// tab is a page in the browser, and what it complained of.
type tab struct {
	testing.TB
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	requests   []string
}

// open starts a headless Chromium with a page of a size.
func open(t *testing.T, width, height int64) *tab {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("left out: it wants Chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WSURLReadTimeout(time.Minute))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	b := &tab{TB: t, ctx: ctx}
	b.do(chromedp.EmulateViewport(width, height))
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, cdplog.Enable, cdp.Empty{})
		return err
	}))
	return b
}

func (b *tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, fmt.Sprintf("%+v", e.ExceptionDetails))
	case *cdplog.EventEntryAdded:
		if !strings.HasSuffix(e.Entry.URL, "/favicon.ico") {
			b.complaints = append(b.complaints, e.Entry.Text)
		}
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// await waits until an expression is true, on whatever page is there then.
func (b *tab) await(script string) {
	b.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		if is, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+script+")")); err == nil && is {
			return
		}
	}
	b.Fatalf("%s does not come; the page says %q", script, b.text("document.body?.innerText"))
}

// text is what an expression gives as a string.
func (b *tab) text(script string) string {
	b.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+script+")"))
	if err != nil {
		b.Fatalf("%s: %v", script, err)
	}
	return s
}

// floats is a Float32Array that an expression gives.
func (b *tab) floats(script string) (out []float32) {
	b.Helper()
	text, err := base64.StdEncoding.DecodeString(b.text(`(() => { const bytes = new Uint8Array((` + script + `).slice().buffer); let s = ""; for (let i = 0; i < bytes.length; i++) s += String.fromCharCode(bytes[i]); return btoa(s); })()`))
	if err != nil {
		b.Fatal(err)
	}
	for ; len(text) > 0; text = text[4:] {
		out = append(out, math.Float32frombits(binary.LittleEndian.Uint32(text)))
	}
	return out
}

// picture keeps what the tab looks like in the folder that the environment names.
func (b *tab) picture(name string) {
	b.Helper()
	dir := os.Getenv("AEGIS_PICTURES")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o666); err != nil {
		b.Fatal(err)
	}
}

// rings is a dataset of images of a ring each, classes by its place.
func rings(n int) *data.Source {
	const size = 12
	set := func(n, phase int) data.Set {
		s := data.Set{Rows: data.Rows{N: n, Shape: data.Shape{C: 1, H: size, W: size}}}
		for i := range n {
			class := (i + phase) % 3
			for y := range size {
				for x := range size {
					far := math.Hypot(float64(x)-3-2.5*float64(class), float64(y)-5) - 1.5 - float64(i%7)/4
					s.Bytes = append(s.Bytes, byte(255*math.Exp(-far*far)))
				}
			}
			s.Labels = append(s.Labels, byte(class))
		}
		return s
	}
	return &data.Source{Name: "rings", Train: set(n, 0), Test: set(200, 1), Form: data.Form{Classes: []string{"left", "middle", "<b>right</b>"}}}
}

// TestPage follows a run in the browser to its end, uses what only a live page has,
// and holds the page's last state to the model that the run leaves.
func TestPage(t *testing.T) {
	for _, c := range []struct {
		preset        string
		width, height int64
	}{{"fc3", 1280, 900}, {"cvae", 360, 740}} {
		b := open(t, c.width, c.height)
		h := watch.New()
		server := served(t, h)
		b.do(chromedp.Navigate(server.URL + "/"))
		b.await(`document.body?.innerText.includes("has not begun")`)

		cfg, err := aegis.NewConfig(c.preset)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Epochs, cfg.Device = 40, "cpu"
		out, trained := filepath.Join(t.TempDir(), "run"), make(chan error, 1)
		hold := &held{Watch: h, begin: make(chan struct{})}
		go func() {
			_, err := aegis.Train(context.Background(), cfg, rings(600), aegis.Options{Out: out, Watch: hold})
			trained <- err
		}()
		b.await(`document.getElementById("live-state")?.textContent.startsWith("Training begins")`)
		close(hold.begin)
		b.await(`window.explorer?.ready`)
		b.await(`document.getElementById("live-state").textContent.startsWith("Training has ended: finished")`)
		if err := <-trained; err != nil {
			t.Fatal(err)
		}
		drain, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		h.Drain(drain)
		if drain.Err() != nil {
			t.Error("the page does not leave at the end")
		}
		cancel()
		b.use(cfg.Epochs)
		b.picture("watch-" + c.preset)
		b.same(t, out)
		b.mu.Lock()
		if len(b.complaints) > 0 {
			t.Errorf("the page complains: %q", b.complaints)
		}
		for _, url := range b.requests {
			if path := strings.TrimPrefix(url, server.URL); !slices.Contains([]string{"/", "/events", "/look", "/favicon.ico"}, path) {
				t.Errorf("the page asks for %s", url)
			}
		}
		b.mu.Unlock()
	}
}

// held is a watcher that holds the first step until a page is there.
type held struct {
	*aegis.Watch
	begin chan struct{}
}

func (h *held) Begin(w aegis.Watched) {
	h.Watch.Begin(w)
	<-h.begin
}

// use uses the controls that a live page has beside the explorer's.
func (b *tab) use(epochs int) {
	b.Helper()
	if got, want := b.text(`document.querySelectorAll("#epochs tr").length`), fmt.Sprint(epochs); got != want {
		b.Errorf("%s epochs in the table; want %s", got, want)
	}
	if got := b.text(`document.getElementById("live-progress").value`); got != "1" {
		b.Errorf("progress %s at the end", got)
	}
	const drawn = `(() => { const c = document.getElementById("curves"); return c.toDataURL().length; })()`
	linear := b.text(drawn)
	b.do(chromedp.Click("#curves-log"), chromedp.Sleep(100*time.Millisecond))
	if b.text(drawn) == linear {
		b.Error("the curves are the same on a logarithmic scale")
	}
	b.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("curves").dispatchEvent(new PointerEvent("pointermove", {clientX: document.getElementById("curves").getBoundingClientRect().right - 20}))`), chromedp.Sleep(100*time.Millisecond))
	if got := b.text(`document.getElementById("curves-told").textContent`); !strings.Contains(got, "Epoch ") || !strings.Contains(got, "test ") {
		b.Errorf("the pointer at the end of the curve: %q", got)
	}
	b.do(chromedp.Evaluate[chromedp.Void](`(() => { const c = document.getElementById("curves"); for (let i = 0; i < 5; i++) c.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft"})); })()`), chromedp.Sleep(100*time.Millisecond))
	if got := b.text(`document.getElementById("curves-told").textContent`); !strings.Contains(got, "Epoch ") {
		b.Errorf("the arrow keys on the curve: %q", got)
	}
	if got := b.text(`document.querySelectorAll("#live-pairs canvas").length`); got != "24" {
		b.Errorf("%s pictures of reconstructions; want 24", got)
	}
	if got := b.text(`document.documentElement.scrollWidth <= document.documentElement.clientWidth`); got != "true" {
		b.Error("the page is wider than the window")
	}
}

// same holds what the page has learned to the model in a run's directory.
func (b *tab) same(t *testing.T, out string) {
	t.Helper()
	ctx := context.Background()
	m, err := aegis.Load(filepath.Join(out, "model.safetensors"), aegis.WithDevice("cpu"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	tests := rings(600).Test
	labels := m.Spec().Reads(tests.Labels)
	codes, err := m.Encode(ctx, tests.Rows, labels...)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.floats(`explorer.map.codes`); !slices.Equal(got, codes) {
		t.Error("the map's codes are not the model's")
	}
	z := m.Spec().Latent
	var one []byte
	if labels != nil {
		one = labels[7:8]
	}
	want, err := m.Decode(ctx, codes[7*z:8*z], one...)
	if err != nil {
		t.Fatal(err)
	}
	got := b.floats(`(() => { const m = explorer.model; return m.decode(explorer.map.codes.subarray(7*` + fmt.Sprint(z) + `, 8*` + fmt.Sprint(z) + `), m.label(7)); })()`)
	for i, v := range want {
		if math.Abs(float64(got[i]-v)) > 1e-4 {
			t.Fatalf("pixel %d is %v on the page; want %v", i, got[i], v)
		}
	}
	losses, err := m.Score(ctx, tests.Rows, labels...)
	if err != nil {
		t.Fatal(err)
	}
	var loss float64
	if _, err := fmt.Sscan(b.text(`(() => { const m = explorer.model; return m.judge(m.row(7), m.label(7)).loss; })()`), &loss); err != nil || math.Abs(loss-losses[7]) > 1e-5*max(1, losses[7]) {
		t.Errorf("the loss of a row is %v on the page; want %v (%v)", loss, losses[7], err)
	}
}

// TestLost holds that a page says so where the connection is lost, and hears the
// run again when it is there.
func TestLost(t *testing.T) {
	b := open(t, 800, 600)
	h := watch.New()
	server := served(t, h)
	h.Begin(begun(t, 5))
	b.do(chromedp.Navigate(server.URL + "/"))
	b.await(`document.getElementById("live-state")?.textContent === "Training begins"`)
	server.CloseClientConnections()
	b.await(`document.getElementById("live-state").textContent.startsWith("The connection to the run is lost")`)
	b.await(`document.getElementById("live-state").textContent === "Training begins"`)
}
