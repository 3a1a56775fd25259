package explorer_test

import (
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
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is one headless Chromium for all tests of the package, nil where there
// is none.
var browser = sync.OnceValues(func() (context.Context, error) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		return nil, nil
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WSURLReadTimeout(time.Minute))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	closeBrowser = func() { cancel(); stop() }
	return ctx, chromedp.Do(ctx)
})

var closeBrowser = func() {}

func TestMain(m *testing.M) {
	status := m.Run()
	closeBrowser()
	os.Exit(status)
}

// tab is a page in the browser, and what it complained of.
type tab struct {
	testing.TB
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	requests   []string
}

// open opens a page in a tab of a size, and waits until all of it can be used.
func open(t testing.TB, url string, width, height int64) *tab {
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
	b := &tab{TB: t, ctx: ctx}
	b.do(chromedp.EmulateViewport(width, height))
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	called(b, network.Enable, network.EnableParams{})
	called(b, cdplog.Enable, cdp.Empty{})
	b.do(chromedp.Navigate(url), chromedp.Poll[chromedp.Void]("window.explorer && window.explorer.ready", chromedp.WithPollingTimeout(time.Minute)))
	return b
}

// called runs a command of the protocol.
func called[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.Helper()
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	}))
}

func (b *tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, fmt.Sprintf("%+v", e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		b.complaints = append(b.complaints, fmt.Sprintf("console.%s", e.Type))
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

// evaluate runs a script.
func (b *tab) evaluate(script string) {
	b.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](script))
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

// number is what an expression gives.
func (b *tab) number(script string) float64 {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](script))
	if err != nil {
		b.Fatalf("%s: %v", script, err)
	}
	return v
}

// floats is a typed array of 32 or 64 bits that an expression gives.
func (b *tab) floats(script string, bits int) []float64 {
	b.Helper()
	text, err := base64.StdEncoding.DecodeString(b.text(`(() => { const bytes = new Uint8Array((` + script + `).buffer); let s = ""; for (let i = 0; i < bytes.length; i++) s += String.fromCharCode(bytes[i]); return btoa(s); })()`))
	if err != nil {
		b.Fatal(err)
	}
	var out []float64
	for ; len(text) > 0; text = text[bits/8:] {
		if bits == 32 {
			out = append(out, float64(math.Float32frombits(binary.LittleEndian.Uint32(text))))
		} else {
			out = append(out, math.Float64frombits(binary.LittleEndian.Uint64(text)))
		}
	}
	return out
}

// quiet fails where the page complained, or asked for anything but itself.
func (b *tab) quiet() {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.complaints) > 0 {
		b.Errorf("the page complains: %q", b.complaints)
	}
	for _, url := range b.requests[1:] {
		if !strings.HasSuffix(url, "/favicon.ico") && !strings.HasPrefix(url, "data:") {
			b.Errorf("the page asks for %s", url)
		}
	}
}

// picture keeps what the tab looks like in the folder that the environment names.
func (b *tab) picture(name string) {
	b.Helper()
	dir := os.Getenv("AEGIS_PICTURES")
	if dir == "" {
		return
	}
	b.do(chromedp.Sleep(300 * time.Millisecond))
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o666); err != nil {
		b.Fatal(err)
	}
}

// saved writes a page to a file and returns its URL.
func saved(t testing.TB, page []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page of <a> & b.html")
	if err := os.WriteFile(path, page, 0o666); err != nil {
		t.Fatal(err)
	}
	return "file://" + strings.NewReplacer(" ", "%20", "<", "%3C", ">", "%3E").Replace(filepath.ToSlash(path))
}
