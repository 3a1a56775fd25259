package watch

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"time"

	"aegis/internal/session"
)

const (
	mostClients = 16                     // that hear events at once
	pause       = 200 * time.Millisecond // between two messages of one client
	alive       = 15 * time.Second       // after which a client without news hears that there are none
	writeTime   = 10 * time.Second       // for a client to take a message
)

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "want GET", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	switch r.URL.Path {
	case "/":
		h.servePage(w)
	case "/events":
		if r.Method == http.MethodGet {
			h.serveEvents(w, r)
		}
	case "/look":
		h.serveLook(w)
	default:
		http.Error(w, "no such page; the run is at /", http.StatusNotFound)
	}
}

// servePage writes the page, or until there is one why not.
func (h *Handler) servePage(w http.ResponseWriter) {
	h.mu.Lock()
	page, failed := h.html, h.failed
	h.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	text, err := []byte(nil), error(nil)
	if page != nil && failed == "" {
		text, err = page()
	}
	switch {
	case err != nil || failed != "":
		if failed == "" {
			failed = err.Error()
		}
		text = note("", "Training goes on, but cannot be shown: "+failed)
	case page == nil:
		text = note(`<meta http-equiv="refresh" content="1">`, "Training has not begun: the data are being read.")
	}
	_, _ = w.Write(text) // the client is gone
}

// note is a page of one sentence.
func note(head, sentence string) []byte {
	return fmt.Appendf(nil, `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">%s<title>Training</title></head><body><p>%s</p></body></html>`,
		head, html.EscapeString(sentence))
}

// serveLook writes the newest look.
func (h *Handler) serveLook(w http.ResponseWriter) {
	h.mu.Lock()
	look, version := h.look, h.version
	h.mu.Unlock()
	if look == nil {
		http.Error(w, "there is no look yet", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(look)))
	_, err := w.Write(look)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		h.fetched = max(h.fetched, version)
	}
}

// hello is what a client hears first.
type hello struct {
	Run     string            `json:"run"`
	Out     string            `json:"out"`
	Device  string            `json:"device"`
	What    string            `json:"what"`  // the rows of the page are, such as test images
	Among   int               `json:"among"` // so many of them
	Epochs  int               `json:"epochs"`
	Curve   [][2]float64      `json:"curve"` // epochs and the training loss
	Metrics []session.Metrics `json:"metrics"`
}

// progress is where training stands.
type progress struct {
	Epoch           int     `json:"epoch"`
	Epochs          int     `json:"epochs"`
	Rows            int     `json:"rows"`
	TotalRows       int     `json:"totalRows"`
	Loss            float64 `json:"loss"`
	ImagesPerSecond float64 `json:"imagesPerSecond"`
}

// news is what a client hears after that; what there is none of is left out.
type news struct {
	Progress *progress         `json:"progress,omitempty"`
	Metrics  []session.Metrics `json:"metrics,omitempty"`
	Look     int               `json:"look,omitempty"` // the newest, where it is a new one
	Failed   string            `json:"failed,omitempty"`
	End      *ended            `json:"end,omitempty"`
}

// heard is what a client knows.
type heard struct {
	metrics, look int
	progress      *progress
	failed, end   bool
}

// serveEvents tells a client what happens until it goes.
func (h *Handler) serveEvents(w http.ResponseWriter, r *http.Request) {
	if !h.enter() {
		w.Header().Set("Retry-After", "5")
		http.Error(w, fmt.Sprintf("%d pages watch already", mostClients), http.StatusServiceUnavailable)
		return
	}
	defer h.tell(func() { h.clients-- })
	w.Header().Set("Content-Type", "text/event-stream")
	to := http.NewResponseController(w)
	var known heard
	send := func(event string, message any) bool {
		text, err := json.Marshal(message)
		if err != nil {
			return false
		}
		_ = to.SetWriteDeadline(time.Now().Add(writeTime)) // a writer that has none is one of a test
		_, err = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, text)
		return err == nil && to.Flush() == nil
	}
	first, changed, begun := h.hello(&known)
	for !begun {
		select {
		case <-changed:
			first, changed, begun = h.hello(&known)
		case <-r.Context().Done():
			return
		}
	}
	if !send("hello", first) {
		return
	}
	for {
		message, changed, any := h.news(&known)
		if any && !send("news", message) {
			return
		}
		wait := time.NewTimer(alive)
		select {
		case <-changed:
			wait.Stop()
			select {
			case <-time.After(pause):
			case <-r.Context().Done():
				return
			}
		case <-wait.C:
			if _, err := fmt.Fprint(w, ": no news\n\n"); err != nil || to.Flush() != nil {
				return
			}
		case <-r.Context().Done():
			wait.Stop()
			return
		}
	}
}

// enter takes in a client that hears events.
func (h *Handler) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clients >= mostClients {
		return false
	}
	h.clients++
	return true
}

// hello is the first message, and what a client knows then; changed is closed
// when there is more. A run that has not begun has none.
func (h *Handler) hello(known *heard) (message hello, changed <-chan struct{}, begun bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.begun.Epochs == 0 {
		return message, h.changed, false
	}
	message = hello{Run: h.run, Out: h.begun.Out, Device: h.begun.Device, What: h.begun.What, Among: h.begun.Among, Epochs: h.begun.Epochs, Metrics: h.metrics, Curve: [][2]float64{}}
	for _, p := range h.curve.points {
		message.Curve = append(message.Curve, [2]float64{p.at, p.loss})
	}
	known.metrics = len(h.metrics)
	return message, h.changed, true
}

// news is what a client does not know yet.
func (h *Handler) news(known *heard) (message news, changed <-chan struct{}, any bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.progress != known.progress {
		message.Progress, known.progress, any = h.progress, h.progress, true
	}
	if len(h.metrics) > known.metrics {
		message.Metrics, known.metrics, any = h.metrics[known.metrics:], len(h.metrics), true
	}
	if h.version > known.look {
		message.Look, known.look, any = h.version, h.version, true
	}
	if h.failed != "" && !known.failed {
		message.Failed, known.failed, any = h.failed, true, true
	}
	if h.ended != nil && !known.end {
		message.End, known.end, any = h.ended, true, true
	}
	return message, h.changed, any
}
