package reportpage_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"aegis"
)

// browser is a tab of a browser without a window, and what went wrong in it.
type browser struct {
	context.Context
	mu     sync.Mutex
	faults []string
}

// patience is for the browser to answer.
const patience = 20 * time.Second

func (b *browser) fault(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
}

// open starts a browser, or skips the test where there is none.
func open(t *testing.T) *browser {
	t.Helper()
	found := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil && found == "" {
			found = path
		}
	}
	if found == "" || testing.Short() {
		t.Skip("no chromium and no chrome here: the page is not seen in a browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(found), chromedp.NoSandbox, chromedp.WSURLReadTimeout(time.Minute))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	b := &browser{Context: ctx}
	b.do(t)
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	called(t, b, network.Enable, network.EnableParams{})
	called(t, b, cdplog.Enable, cdp.Empty{})
	return b
}

// listen hears what should not be.
func (b *browser) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.fault("exception: %+v", e.ExceptionDetails)
	case *runtime.EventConsoleAPICalled:
		b.fault("console: %v", e.Type)
	case *cdplog.EventEntryAdded:
		b.fault("log: %s %s", e.Entry.Text, e.Entry.URL)
	case *page.EventJavascriptDialogOpening:
		b.fault("dialog: %s", e.Message)
	case *network.EventRequestWillBeSent:
		if url := e.Request.URL; !strings.HasPrefix(url, "file:") && !strings.HasPrefix(url, "data:") {
			b.fault("request: %s", url)
		}
	}
}

// called runs a command of the protocol.
func called[P, R any](t *testing.T, b *browser, command cdp.Command[P, R], params P) {
	t.Helper()
	b.do(t, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	}))
}

// do runs actions.
func (b *browser) do(t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx := b.Context
	if len(actions) > 0 { // the first call starts the browser, which ends with its context
		patient, cancel := context.WithTimeout(b, patience)
		defer cancel()
		ctx = patient
	}
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// eval is what an expression gives.
func eval[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// drawn waits until what was changed is drawn.
func (b *browser) drawn(t *testing.T) {
	t.Helper()
	eval[bool](t, b, `new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(true))))`)
}

// press clicks in the middle of an element.
func (b *browser) press(t *testing.T, selector string) {
	t.Helper()
	at := eval[[2]float64](t, b, fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		e.scrollIntoView({ block: "center" });
		const r = e.getBoundingClientRect();
		return [r.left + r.width / 2, r.top + r.height / 2];
	})()`, selector))
	b.do(t, chromedp.MouseClickXY(at[0], at[1]))
}

// shows is the part of the epochs that the first chart shows.
func (b *browser) shows(t *testing.T) [2]float64 {
	t.Helper()
	return eval[[2]float64](t, b, `(s => [Number(s.dataset.from), Number(s.dataset.to)])(document.querySelector("#chart-0 svg"))`)
}

// TestInBrowser uses the page as a person would.
func TestInBrowser(t *testing.T) {
	b := open(t)
	dir := t.TempDir()
	run := trained(t, dir, func(c *aegis.Config) { c.Epochs = 20 })
	detector(t, run)
	file := filepath.Join(dir, "report.html")
	if err := os.WriteFile(file, []byte(written(t, run, aegis.ReportOptions{})), 0o666); err != nil {
		t.Fatal(err)
	}
	b.do(t, chromedp.EmulateViewport(1280, 900), chromedp.Navigate("file://"+file), chromedp.WaitVisible("#chart-0 svg path"))
	t.Run("zooms and pans", b.zooms)
	t.Run("light and dark", b.themes)
	t.Run("is accessible", b.accessible)
	t.Run("narrow", b.narrow)
	t.Run("prints", b.prints)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults {
		t.Error(f)
	}
}

func (b *browser) zooms(t *testing.T) {
	whole := [2]float64{1, 20}
	if got := b.shows(t); got != whole {
		t.Fatalf("at first it shows %v; want %v", got, whole)
	}
	click := func(name string) {
		t.Helper()
		b.press(t, fmt.Sprintf(`#chart-0 button[aria-label^=%q]`, name))
	}
	click("Zoom in")
	if got := b.shows(t); got != [2]float64{5.75, 15.25} {
		t.Errorf("zoomed in it shows %v", got)
	}
	click("Pan right")
	if got := b.shows(t); got != [2]float64{8.125, 17.625} {
		t.Errorf("panned it shows %v", got)
	}
	click("Zoom out")
	if got := b.shows(t); got != whole {
		t.Errorf("zoomed out it shows %v", got)
	}
	eval[bool](t, b, `document.querySelector("#chart-0 svg").scrollIntoView({ block: "center" }), true`)
	box := eval[[4]float64](t, b, `(r => [r.left, r.top, r.width, r.height])(document.querySelector("#chart-0 svg").getBoundingClientRect())`)
	mouse := func(kind input.DispatchMouseEventType, x, y float64, of ...chromedp.MouseOption) chromedp.Action[chromedp.Void] {
		return chromedp.MouseEvent(kind, box[0]+x*box[2], box[1]+y*box[3], of...)
	}
	held := func(p *input.DispatchMouseEventParams) {
		p.Button, p.Buttons, p.ClickCount = input.MouseButtonLeft, 1, 1
	}
	b.do(t, mouse(input.DispatchMouseEventTypeMousePressed, 0.3, 0.5, held), mouse(input.DispatchMouseEventTypeMouseMoved, 0.5, 0.52, held),
		mouse(input.DispatchMouseEventTypeMouseReleased, 0.6, 0.52, func(p *input.DispatchMouseEventParams) { p.Button, p.ClickCount = input.MouseButtonLeft, 1 }))
	dragged := b.shows(t)
	if !(dragged[0] > 4 && dragged[1] < 15 && dragged[0] < dragged[1]) {
		t.Errorf("dragged it shows %v", dragged)
	}
	b.do(t, mouse(input.DispatchMouseEventTypeMouseMoved, 0.5, 0.5))
	if text := eval[string](t, b, `document.querySelector("#chart-0 .readout").textContent`); !strings.Contains(text, "Epoch ") || !strings.Contains(text, "validation ") {
		t.Errorf("under the pointer it says %q", text)
	}
	b.do(t, chromedp.Focus("#chart-0 svg"), chromedp.KeyEvent("0"))
	if got := b.shows(t); got != whole {
		t.Errorf("by 0 it shows %v", got)
	}
	b.do(t, chromedp.KeyEvent("+"), chromedp.KeyEvent("+"))
	if got := b.shows(t); !(got[1]-got[0] < 5) {
		t.Errorf("by keys it shows %v", got)
	}
	b.do(t, mouse(input.DispatchMouseEventTypeMouseWheel, 0.5, 0.5, func(p *input.DispatchMouseEventParams) { p.DeltaX, p.DeltaY, p.Modifiers = 1, 500, 2 }))
	b.drawn(t)
	if got := b.shows(t); !(got[1]-got[0] > 5) {
		t.Errorf("by the wheel it shows %v", got)
	}
	click("Show all")
	before := eval[string](t, b, `document.querySelector("#chart-0 path").getAttribute("d")`)
	click("Logarithmic axis")
	if after := eval[string](t, b, `document.querySelector("#chart-0 path").getAttribute("d")`); after == before {
		t.Error("the other axis draws the same line")
	}
}

// contrast is the least ratio of the colours of text and of lines to what they
// stand on.
const contrast = `(() => {
  const style = getComputedStyle(document.documentElement);
  const light = (name) => {
    const hex = style.getPropertyValue(name).trim();
    return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
      .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  };
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const low = [];
  for (const ground of ["--ground", "--raised"]) {
    for (const text of ["--text", "--quiet", "--link", "--bad", "--warn"]) if (ratio(text, ground) < 4.5) low.push(text + " on " + ground);
  }
  if (ratio("--text", "--mark") < 4.5) low.push("--text on --mark");
  for (let i = 0; i < 8; i++) if (ratio("--c" + i, "--ground") < 3) low.push("--c" + i);
  return low;
})()`

func (b *browser) themes(t *testing.T) {
	ground := func() string { return eval[string](t, b, `getComputedStyle(document.body).backgroundColor`) }
	const light, dark = "rgb(255, 255, 255)", "rgb(20, 23, 27)"
	for _, c := range []struct{ system, first, then string }{{"light", light, dark}, {"dark", dark, light}} {
		called(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: c.system}}})
		b.do(t, chromedp.Evaluate[chromedp.Void](`localStorage.clear(); document.documentElement.removeAttribute("data-theme")`))
		if got := ground(); got != c.first {
			t.Errorf("where the system is %s the ground is %s", c.system, got)
		}
		for range 2 {
			if low := eval[[]string](t, b, contrast); len(low) > 0 {
				t.Errorf("%s: low contrast: %v", ground(), low)
			}
			b.press(t, "#theme")
			if got := ground(); got != c.then {
				t.Errorf("switched the ground is %s; want %s", got, c.then)
			}
			c.first, c.then = c.then, c.first
		}
	}
	b.press(t, "#theme")
	b.do(t, chromedp.Navigate(eval[string](t, b, "location.href")), chromedp.WaitVisible("#chart-0 svg path"))
	if got := ground(); got != light {
		t.Errorf("what was chosen is forgotten: the ground is %s", got)
	}
}

func (b *browser) accessible(t *testing.T) {
	for name, wrong := range map[string]string{
		"one h1":              `document.querySelectorAll("h1").length !== 1`,
		"a language":          `!document.documentElement.lang`,
		"images have a text":  `[...document.images].some((i) => !i.alt)`,
		"tables have a name":  `[...document.querySelectorAll("table")].some((t) => !t.caption || !t.caption.textContent)`,
		"heads have a scope":  `[...document.querySelectorAll("th")].some((t) => !t.scope)`,
		"buttons have a name": `[...document.querySelectorAll("button")].some((e) => !e.getAttribute("aria-label"))`,
		"charts have a name":  `[...document.querySelectorAll("main svg")].some((e) => !e.getAttribute("aria-label"))`,
		"sections have one":   `[...document.querySelectorAll("section")].some((s) => !document.getElementById(s.getAttribute("aria-labelledby")))`,
		"links lead there":    `[...document.querySelectorAll("a")].some((a) => !document.querySelector(a.getAttribute("href")))`,
		"names differ":        `new Set([...document.querySelectorAll("[id]")].map((e) => e.id)).size !== document.querySelectorAll("[id]").length`,
		"levels follow":       `(() => { let last = 0; for (const h of document.querySelectorAll("h1,h2,h3")) { const n = Number(h.tagName[1]); if (n > last + 1) return true; last = n; } return false; })()`,
		"no markup of names":  `document.querySelector("main b, main i, main script") !== null`,
	} {
		if eval[bool](t, b, wrong) {
			t.Errorf("not so: %s", name)
		}
	}
}

func (b *browser) narrow(t *testing.T) {
	for _, width := range []int64{360, 768, 1920} {
		b.do(t, chromedp.EmulateViewport(width, 800))
		b.drawn(t)
		if got := eval[int64](t, b, `document.scrollingElement.scrollWidth`); got > width {
			t.Errorf("%d pixels wide it scrolls over %d", width, got)
		}
		if out := eval[bool](t, b, `[...document.querySelectorAll(".chart text")].some((e) => { const r = e.getBoundingClientRect(), s = e.closest("svg").getBoundingClientRect(); return r.right > s.right + 2 || r.left < s.left - 2; })`); out {
			t.Errorf("%d pixels wide, a text of a chart is cut off", width)
		}
	}
}

func (b *browser) prints(t *testing.T) {
	pdf, err := chromedp.Run(b, chromedp.PrintToPDF(chromedp.PDFPrintBackground()))
	if err != nil {
		t.Fatal(err)
	}
	if len(pdf) < 10_000 || !strings.HasPrefix(string(pdf), "%PDF") {
		t.Errorf("%d bytes of PDF", len(pdf))
	}
	if eval[bool](t, b, `[...document.querySelectorAll("details")].some((d) => d.open)`) {
		t.Error("what was folded stays open behind printing")
	}
}
