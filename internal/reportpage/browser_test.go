package reportpage_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"aegis"
	"aegis/internal/browsertest"
)

// browser is the page of a report in a tab.
type browser struct{ *browsertest.Tab }

func TestMain(m *testing.M) { browsertest.Main(m) }

// shows is the part of the epochs that the first chart shows.
func (b *browser) shows() [2]float64 {
	b.Helper()
	return browsertest.Value[[2]float64](b.Tab, `(s => [Number(s.dataset.from), Number(s.dataset.to)])(document.querySelector("#chart-0 svg"))`)
}

// TestInBrowser uses the page as a person would.
func TestInBrowser(t *testing.T) {
	b := &browser{browsertest.Open(t, 1280, 900)}
	dir := t.TempDir()
	run := trained(t, dir, func(c *aegis.Config) { c.Epochs = 20 })
	detector(t, run)
	file := filepath.Join(dir, "report.html")
	if err := os.WriteFile(file, []byte(written(t, run, aegis.ReportOptions{})), 0o666); err != nil {
		t.Fatal(err)
	}
	b.Go("file://" + file)
	b.Do(chromedp.WaitVisible("#chart-0 svg path"))
	t.Run("zooms and pans", func(t *testing.T) { (&browser{b.For(t)}).zooms() })
	t.Run("light and dark", func(t *testing.T) { (&browser{b.For(t)}).themes() })
	t.Run("is accessible", func(t *testing.T) { (&browser{b.For(t)}).accessible() })
	t.Run("narrow", func(t *testing.T) { (&browser{b.For(t)}).narrow() })
	t.Run("prints", func(t *testing.T) { (&browser{b.For(t)}).prints() })
	b.Quiet("file://" + file)
}

func (b *browser) zooms() {
	whole := [2]float64{1, 20}
	if got := b.shows(); got != whole {
		b.Fatalf("at first it shows %v; want %v", got, whole)
	}
	click := func(name string) {
		b.Helper()
		b.Press(fmt.Sprintf(`#chart-0 button[aria-label^=%q]`, name))
	}
	click("Zoom in")
	if got := b.shows(); got != [2]float64{5.75, 15.25} {
		b.Errorf("zoomed in it shows %v", got)
	}
	click("Pan right")
	if got := b.shows(); got != [2]float64{8.125, 17.625} {
		b.Errorf("panned it shows %v", got)
	}
	click("Zoom out")
	if got := b.shows(); got != whole {
		b.Errorf("zoomed out it shows %v", got)
	}
	browsertest.Value[bool](b.Tab, `document.querySelector("#chart-0 svg").scrollIntoView({ block: "center" }), true`)
	box := browsertest.Value[[4]float64](b.Tab, `(r => [r.left, r.top, r.width, r.height])(document.querySelector("#chart-0 svg").getBoundingClientRect())`)
	mouse := func(kind input.DispatchMouseEventType, x, y float64, of ...chromedp.MouseOption) chromedp.Action[chromedp.Void] {
		return chromedp.MouseEvent(kind, box[0]+x*box[2], box[1]+y*box[3], of...)
	}
	held := func(p *input.DispatchMouseEventParams) {
		p.Button, p.Buttons, p.ClickCount = input.MouseButtonLeft, 1, 1
	}
	b.Do(mouse(input.DispatchMouseEventTypeMousePressed, 0.3, 0.5, held), mouse(input.DispatchMouseEventTypeMouseMoved, 0.5, 0.52, held),
		mouse(input.DispatchMouseEventTypeMouseReleased, 0.6, 0.52, func(p *input.DispatchMouseEventParams) { p.Button, p.ClickCount = input.MouseButtonLeft, 1 }))
	dragged := b.shows()
	if !(dragged[0] > 4 && dragged[1] < 15 && dragged[0] < dragged[1]) {
		b.Errorf("dragged it shows %v", dragged)
	}
	b.Do(mouse(input.DispatchMouseEventTypeMouseMoved, 0.5, 0.5))
	if text := browsertest.Value[string](b.Tab, `document.querySelector("#chart-0 .readout").textContent`); !strings.Contains(text, "Epoch ") || !strings.Contains(text, "validation ") {
		b.Errorf("under the pointer it says %q", text)
	}
	b.Do(chromedp.Focus("#chart-0 svg"), chromedp.KeyEvent("0"))
	if got := b.shows(); got != whole {
		b.Errorf("by 0 it shows %v", got)
	}
	b.Do(chromedp.KeyEvent("+"), chromedp.KeyEvent("+"))
	if got := b.shows(); !(got[1]-got[0] < 5) {
		b.Errorf("by keys it shows %v", got)
	}
	b.Do(mouse(input.DispatchMouseEventTypeMouseWheel, 0.5, 0.5, func(p *input.DispatchMouseEventParams) { p.DeltaX, p.DeltaY, p.Modifiers = 1, 500, 2 }))
	b.Drawn()
	if got := b.shows(); !(got[1]-got[0] > 5) {
		b.Errorf("by the wheel it shows %v", got)
	}
	click("Show all")
	before := browsertest.Value[string](b.Tab, `document.querySelector("#chart-0 path").getAttribute("d")`)
	click("Logarithmic axis")
	if after := browsertest.Value[string](b.Tab, `document.querySelector("#chart-0 path").getAttribute("d")`); after == before {
		b.Error("the other axis draws the same line")
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

func (b *browser) themes() {
	ground := func() string {
		return browsertest.Value[string](b.Tab, `getComputedStyle(document.body).backgroundColor`)
	}
	const light, dark = "rgb(255, 255, 255)", "rgb(20, 23, 27)"
	for _, c := range []struct{ system, first, then string }{{"light", light, dark}, {"dark", dark, light}} {
		browsertest.Call(b.Tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: c.system}}})
		b.Do(chromedp.Evaluate[chromedp.Void](`localStorage.clear(); document.documentElement.removeAttribute("data-theme")`))
		if got := ground(); got != c.first {
			b.Errorf("where the system is %s the ground is %s", c.system, got)
		}
		for range 2 {
			if low := browsertest.Value[[]string](b.Tab, contrast); len(low) > 0 {
				b.Errorf("%s: low contrast: %v", ground(), low)
			}
			b.Press("#theme")
			if got := ground(); got != c.then {
				b.Errorf("switched the ground is %s; want %s", got, c.then)
			}
			c.first, c.then = c.then, c.first
		}
	}
	b.Press("#theme")
	b.Do(chromedp.Navigate(browsertest.Value[string](b.Tab, "location.href")), chromedp.WaitVisible("#chart-0 svg path"))
	if got := ground(); got != light {
		b.Errorf("what was chosen is forgotten: the ground is %s", got)
	}
}

func (b *browser) accessible() {
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
		if browsertest.Value[bool](b.Tab, wrong) {
			b.Errorf("not so: %s", name)
		}
	}
}

func (b *browser) narrow() {
	for _, width := range []int64{360, 768, 1920} {
		b.Do(chromedp.EmulateViewport(width, 800))
		b.Drawn()
		if got := browsertest.Value[int64](b.Tab, `document.scrollingElement.scrollWidth`); got > width {
			b.Errorf("%d pixels wide it scrolls over %d", width, got)
		}
		if out := browsertest.Value[bool](b.Tab, `[...document.querySelectorAll(".chart text")].some((e) => { const r = e.getBoundingClientRect(), s = e.closest("svg").getBoundingClientRect(); return r.right > s.right + 2 || r.left < s.left - 2; })`); out {
			b.Errorf("%d pixels wide, a text of a chart is cut off", width)
		}
	}
}

func (b *browser) prints() {
	pdf, err := chromedp.Run(b.Context, chromedp.PrintToPDF(chromedp.PDFPrintBackground()))
	if err != nil {
		b.Fatal(err)
	}
	if len(pdf) < 10_000 || !strings.HasPrefix(string(pdf), "%PDF") {
		b.Errorf("%d bytes of PDF", len(pdf))
	}
	if browsertest.Value[bool](b.Tab, `[...document.querySelectorAll("details")].some((d) => d.open)`) {
		b.Error("what was folded stays open behind printing")
	}
}
