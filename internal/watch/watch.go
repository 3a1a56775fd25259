// Package watch shows a run in the browser while it trains: curves, and the
// explorer of what the network has come to. A [Handler] is the run's watcher and
// answers requests:
//
//	GET /        the page
//	GET /events  what happens, as server-sent events
//	GET /look    the newest look, as explorer.Live encodes it
package watch

import (
	"bytes"
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"aegis/internal/explorer"
	"aegis/internal/session"
)

// Handler is a [session.Watcher] and an http.Handler. Any number of goroutines may
// ask it; the zero value is not one: see [New].
type Handler struct {
	mu      sync.Mutex
	changed chan struct{} // closed at each change
	clients int           // that hear events

	run    string // tells runs apart
	live   *explorer.Live
	failed string // why nothing is shown
	html   func() ([]byte, error)
	begun  session.Watched

	curve    curve
	progress *progress
	metrics  []session.Metrics
	ended    *ended

	look    []byte
	version int // of look, from 1
	fetched int // the newest that was fetched
	shown   time.Time
}

// ended is how a run ended.
type ended struct {
	Status session.Status `json:"status"`
	Text   string         `json:"text,omitempty"` // the error's
	Out    string         `json:"out"`
}

var _ session.Watcher = (*Handler)(nil)

// New makes a handler for one run.
func New() *Handler {
	return &Handler{changed: make(chan struct{}), run: strconv.FormatInt(time.Now().UnixNano(), 36)}
}

// tell changes what is shown, and wakes those who hear it.
func (h *Handler) tell(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
	close(h.changed)
	h.changed = make(chan struct{})
}

// Begin makes the page.
func (h *Handler) Begin(w session.Watched) {
	live, err := explorer.NewLive(explorer.LiveGiven{Spec: w.Spec, Rows: w.Rows, Numbers: w.Numbers, Of: w.Of, Title: title(w.Out)})
	h.tell(func() {
		h.begun, h.live = w, live
		h.metrics = slices.Clone(w.Earlier)
		h.html = sync.OnceValues(func() ([]byte, error) {
			var page bytes.Buffer
			err := live.Write(&page)
			return page.Bytes(), err
		})
		if err != nil {
			h.failed = err.Error()
		}
	})
}

// title is what a run is called: as its directory.
func title(out string) string {
	if whole, err := filepath.Abs(out); err == nil {
		out = whole
	}
	return filepath.Base(out)
}

// Progress adds a place of the curve.
func (h *Handler) Progress(p session.Progress) {
	if math.IsNaN(p.Loss) || math.IsInf(p.Loss, 0) {
		return
	}
	h.tell(func() {
		told := progress(p)
		h.progress = &told
		h.curve.add(point{float64(p.Epoch-1) + float64(p.Rows)/float64(max(1, p.TotalRows)), p.Loss})
	})
}

// Epoch adds an epoch.
func (h *Handler) Epoch(m session.Metrics) {
	h.tell(func() { h.metrics = append(h.metrics, m) })
}

// Wants says that somebody hears events and has fetched the last look, or does not
// come to it.
func (h *Handler) Wants() bool {
	const patience = 10 * time.Second
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.live != nil && h.clients > 0 && (h.version == h.fetched || time.Since(h.shown) > patience)
}

// Show takes a look. One whose codes are no finite numbers is left out.
func (h *Handler) Show(l session.Look) {
	h.mu.Lock()
	live, version := h.live, h.version+1
	h.mu.Unlock()
	text, err := live.Encode(context.Background(), explorer.Look(l), version)
	if errors.Is(err, explorer.ErrNotFinite) {
		return
	}
	h.tell(func() {
		if err != nil {
			h.live, h.failed = nil, err.Error()
			return
		}
		h.look, h.version, h.shown = text, version, time.Now()
	})
}

// End says how the run ended.
func (h *Handler) End(s *session.Summary) {
	h.tell(func() { h.ended = &ended{s.Status, s.Error, h.begun.Out} })
}

// Drain waits until nobody hears events any more: those who do stop when they have
// heard the end and fetched the last look. It returns when ctx ends too.
func (h *Handler) Drain(ctx context.Context) {
	for {
		h.mu.Lock()
		clients, changed := h.clients, h.changed
		h.mu.Unlock()
		if clients == 0 {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// point is the loss at a place of training, which counts epochs.
type point struct{ at, loss float64 }

// curve keeps the training loss in some thousand places, each a mean of as many as
// lie between.
type curve struct {
	points []point
	each   int // that a point is a mean of
	part   []point
}

// mostPoints is how many a curve has.
const mostPoints = 4096

func (c *curve) add(p point) {
	c.each = max(1, c.each)
	if c.part = append(c.part, p); len(c.part) < c.each {
		return
	}
	c.points = append(c.points, mean(c.part))
	c.part = c.part[:0]
	if len(c.points) < mostPoints {
		return
	}
	for i := range mostPoints / 2 {
		c.points[i] = mean(c.points[2*i : 2*i+2])
	}
	c.points, c.each = c.points[:mostPoints/2], 2*c.each
}

// mean is the mean loss at the last place.
func mean(points []point) point {
	sum := 0.0
	for _, p := range points {
		sum += p.loss
	}
	return point{points[len(points)-1].at, sum / float64(len(points))}
}
