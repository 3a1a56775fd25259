// Package browsertest uses pages in a headless Chromium, as a person would: for
// tests.
//
// AEGIS_CHROMIUM names the browser, which then has to be there; none leaves such
// tests out. Without it they run where chromium, chromium-browser or google-chrome
// is found. AEGIS_PICTURES names a folder that keeps what [Tab.Picture] sees.
package browsertest

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is for the browser to answer, and for what a page comes to.
const patience = time.Minute

// browser is one Chromium for all tests of a package, nil where there is none.
var browser = sync.OnceValues(func() (context.Context, error) {
	path := os.Getenv("AEGIS_CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = cmp.Or(path, found)
		}
	}
	if path == "" || path == "none" {
		return nil, nil
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WSURLReadTimeout(patience))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	closeBrowser = func() { cancel(); stop() }
	return ctx, chromedp.Do(ctx)
})

var closeBrowser = func() {}

// Main runs a package's tests and ends the browser. A package that opens tabs
// calls it from TestMain.
func Main(m *testing.M) {
	status := m.Run()
	closeBrowser()
	os.Exit(status)
}

// Tab is a page in the browser, with what it complained of and asked for. Whatever
// goes wrong with the browser ends the test.
type Tab struct {
	testing.TB
	Context context.Context
	heard   *heard
}

type heard struct {
	mu         sync.Mutex
	complaints []string
	requests   []string
}

// Open opens an empty tab of a size in pixels, and skips the test where there is no
// browser.
func Open(t testing.TB, width, height int64) *Tab {
	t.Helper()
	all, err := browser()
	if err != nil {
		t.Fatal(err)
	}
	if all == nil {
		t.Skip("left out: it wants Chromium")
	}
	ctx, cancel := chromedp.NewContext(all)
	t.Cleanup(cancel)
	b := &Tab{TB: t, Context: ctx, heard: &heard{}}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height)); err != nil { // it starts the tab, which ends with its context
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, b.heard.listen); err != nil {
		t.Fatal(err)
	}
	Call(b, network.Enable, network.EnableParams{})
	Call(b, cdplog.Enable, cdp.Empty{})
	return b
}

// For is the same tab for a part of the test.
func (b *Tab) For(t testing.TB) *Tab { return &Tab{t, b.Context, b.heard} }

func (h *heard) listen(event any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		h.complaints = append(h.complaints, fmt.Sprintf("%+v", e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		h.complaints = append(h.complaints, fmt.Sprintf("console.%s", e.Type))
	case *cdplog.EventEntryAdded:
		if !strings.HasSuffix(e.Entry.URL, "/favicon.ico") {
			h.complaints = append(h.complaints, e.Entry.Text+" "+e.Entry.URL)
		}
	case *page.EventJavascriptDialogOpening:
		h.complaints = append(h.complaints, "dialog: "+e.Message)
	case *network.EventRequestWillBeSent:
		h.requests = append(h.requests, e.Request.URL)
	}
}

// Quiet fails where the page complained, or asked for anything but what is allowed:
// addresses beside data: and the browser's favicon.ico.
func (b *Tab) Quiet(allowed ...string) {
	b.Helper()
	b.heard.mu.Lock()
	defer b.heard.mu.Unlock()
	if len(b.heard.complaints) > 0 {
		b.Errorf("the page complains: %q", b.heard.complaints)
	}
	known := map[string]bool{}
	for _, url := range allowed {
		known[url] = true
	}
	for _, url := range b.heard.requests {
		if !known[url] && !strings.HasSuffix(url, "/favicon.ico") && !strings.HasPrefix(url, "data:") {
			b.Errorf("the page asks for %s", url)
		}
	}
}

// Go opens an address.
func (b *Tab) Go(url string) {
	b.Helper()
	b.Do(chromedp.Navigate(url))
}

// Do runs actions.
func (b *Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// Call runs a command of the browser's protocol.
func Call[P, R any](b *Tab, command cdp.Command[P, R], params P) {
	b.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	}))
}

// Value is what an expression gives; a promise is waited for.
func Value[T any](b *Tab, expression string) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return v
}

// Evaluate runs a script.
func (b *Tab) Evaluate(script string) {
	b.Helper()
	b.Do(chromedp.Evaluate[chromedp.Void](script))
}

// Text is what an expression gives as a string.
func (b *Tab) Text(expression string) string {
	b.Helper()
	return Value[string](b, "String("+expression+")")
}

// Number is what an expression gives.
func (b *Tab) Number(expression string) float64 {
	b.Helper()
	return Value[float64](b, expression)
}

// Floats is a typed array of 32 or 64 bits that an expression gives.
func (b *Tab) Floats(expression string, bits int) (out []float64) {
	b.Helper()
	text, err := base64.StdEncoding.DecodeString(b.Text(`(() => { const bytes = new Uint8Array((` + expression + `).slice().buffer); let s = ""; for (let i = 0; i < bytes.length; i++) s += String.fromCharCode(bytes[i]); return btoa(s); })()`))
	if err != nil {
		b.Fatal(err)
	}
	for ; len(text) > 0; text = text[bits/8:] {
		if bits == 32 {
			out = append(out, float64(math.Float32frombits(binary.LittleEndian.Uint32(text))))
		} else {
			out = append(out, math.Float64frombits(binary.LittleEndian.Uint64(text)))
		}
	}
	return out
}

// Until waits for an expression to be true, on whatever page is there then.
func (b *Tab) Until(expression string) {
	b.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if is, err := chromedp.Run(b.Context, chromedp.Evaluate[bool]("!!("+expression+")")); err == nil && is {
			return
		}
	}
	b.Fatalf("%s does not come; the page says %q", expression, b.Text("document.body?.innerText"))
}

// Drawn waits until what was changed is drawn.
func (b *Tab) Drawn() {
	b.Helper()
	Value[bool](b, `new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(true))))`)
}

// Picture keeps what the tab looks like in the folder that AEGIS_PICTURES names.
func (b *Tab) Picture(name string) {
	b.Helper()
	dir := os.Getenv("AEGIS_PICTURES")
	if dir == "" {
		return
	}
	b.Do(chromedp.Sleep(300 * time.Millisecond))
	png, err := chromedp.Run(b.Context, chromedp.CaptureScreenshot())
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o666); err != nil {
		b.Fatal(err)
	}
}

// Saved writes a page to a file and returns its address.
func Saved(t testing.TB, page []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page of <a> & b.html")
	if err := os.WriteFile(path, page, 0o666); err != nil {
		t.Fatal(err)
	}
	return "file://" + strings.NewReplacer(" ", "%20", "<", "%3C", ">", "%3E").Replace(filepath.ToSlash(path))
}
