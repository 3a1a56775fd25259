package watch_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"aegis"
	"aegis/data"
	"aegis/internal/browsertest"
	"aegis/internal/watch"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

// page is the page of a run in a tab.
type page struct{ *browsertest.Tab }

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
		b := &page{browsertest.Open(t, c.width, c.height)}
		h := watch.New()
		server := served(t, h)
		b.Go(server.URL + "/")
		b.Until(`document.body?.innerText.includes("has not begun")`)

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
		b.Until(`document.getElementById("live-state")?.textContent.startsWith("Training begins")`)
		close(hold.begin)
		b.Until(`window.explorer?.ready`)
		b.Until(`document.getElementById("live-state").textContent.startsWith("Training has ended: finished")`)
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
		b.Picture("watch-" + c.preset)
		b.same(t, out)
		b.Quiet(server.URL+"/", server.URL+"/events", server.URL+"/look")
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
func (b *page) use(epochs int) {
	b.Helper()
	if got, want := b.Text(`document.querySelectorAll("#epochs tr").length`), fmt.Sprint(epochs); got != want {
		b.Errorf("%s epochs in the table; want %s", got, want)
	}
	if got := b.Text(`document.getElementById("live-progress").value`); got != "1" {
		b.Errorf("progress %s at the end", got)
	}
	const drawn = `(() => { const c = document.getElementById("curves"); return c.toDataURL().length; })()`
	linear := b.Text(drawn)
	b.Do(chromedp.Click("#curves-log"), chromedp.Sleep(100*time.Millisecond))
	if b.Text(drawn) == linear {
		b.Error("the curves are the same on a logarithmic scale")
	}
	b.Do(chromedp.Evaluate[chromedp.Void](`document.getElementById("curves").dispatchEvent(new PointerEvent("pointermove", {clientX: document.getElementById("curves").getBoundingClientRect().right - 20}))`), chromedp.Sleep(100*time.Millisecond))
	if got := b.Text(`document.getElementById("curves-told").textContent`); !strings.Contains(got, "Epoch ") || !strings.Contains(got, "test ") {
		b.Errorf("the pointer at the end of the curve: %q", got)
	}
	b.Do(chromedp.Evaluate[chromedp.Void](`(() => { const c = document.getElementById("curves"); for (let i = 0; i < 5; i++) c.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft"})); })()`), chromedp.Sleep(100*time.Millisecond))
	if got := b.Text(`document.getElementById("curves-told").textContent`); !strings.Contains(got, "Epoch ") {
		b.Errorf("the arrow keys on the curve: %q", got)
	}
	if got := b.Text(`document.querySelectorAll("#live-pairs canvas").length`); got != "24" {
		b.Errorf("%s pictures of reconstructions; want 24", got)
	}
	if got := b.Text(`document.documentElement.scrollWidth <= document.documentElement.clientWidth`); got != "true" {
		b.Error("the page is wider than the window")
	}
}

// same holds what the page has learned to the model in a run's directory.
func (b *page) same(t *testing.T, out string) {
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
	for i, v := range b.Floats(`explorer.map.codes`, 32) {
		if v != float64(codes[i]) {
			t.Fatalf("value %d of the map's codes is %v; want the model's, %v", i, v, codes[i])
		}
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
	got := b.Floats(`(() => { const m = explorer.model; return m.decode(explorer.map.codes.subarray(7*`+fmt.Sprint(z)+`, 8*`+fmt.Sprint(z)+`), m.label(7)); })()`, 32)
	for i, v := range want {
		if math.Abs(got[i]-float64(v)) > 1e-4 {
			t.Fatalf("pixel %d is %v on the page; want %v", i, got[i], v)
		}
	}
	losses, err := m.Score(ctx, tests.Rows, labels...)
	if err != nil {
		t.Fatal(err)
	}
	if loss := b.Number(`(() => { const m = explorer.model; return m.judge(m.row(7), m.label(7)).loss; })()`); math.Abs(loss-losses[7]) > 1e-5*max(1, losses[7]) {
		t.Errorf("the loss of a row is %v on the page; want %v", loss, losses[7])
	}
}

// TestLost holds that a page says so where the connection is lost, and hears the
// run again when it is there.
func TestLost(t *testing.T) {
	b := &page{browsertest.Open(t, 800, 600)}
	h := watch.New()
	server := served(t, h)
	h.Begin(begun(t, 5))
	b.Go(server.URL + "/")
	b.Until(`document.getElementById("live-state")?.textContent === "Training begins"`)
	server.CloseClientConnections()
	b.Until(`document.getElementById("live-state").textContent.startsWith("The connection to the run is lost")`)
	b.Until(`document.getElementById("live-state").textContent === "Training begins"`)
}
