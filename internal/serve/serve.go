// Package serve answers for trained models over HTTP: encode, decode, reconstruct,
// denoise, generate and detect, as JSON or as NumPy arrays. Rows of different
// clients run together in batches; a row's answer does not depend on what it runs
// beside. It knows no address: a [Server] is a handler.
//
// Shapes: n rows, C,H,W an image, P values in a row, Z a code.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Options are the bounds of a server; a zero value has its default.
type Options struct {
	MaxBody    int64 // bytes of a request's body; 0: 64 MiB
	MaxRows    int   // of a request; 0: 16,384
	MaxWaiting int   // requests that wait for one operation of a model; 0: 1,024
	// Memory bounds the bytes of all bodies, rows and answers that are held at once;
	// 0: 512 MiB. A request takes at most an eighth of it for rows.
	Memory    int64
	Time      time.Duration // for a request's answer, once its body has come; 0: 30 s
	BodyTime  time.Duration // for a body to come; 0: 10 s
	WriteTime time.Duration // for a client to take 256 KiB of an answer; 0: 30 s
	BatchRows int           // that run together; 0: 512
	Log       *slog.Logger  // hears of each request; nil: nobody

	workers int // batches of one operation at once
}

func (o Options) withDefaults() (Options, error) {
	if o.MaxBody < 0 || o.MaxRows < 0 || o.MaxWaiting < 0 || o.Memory < 0 || o.Time < 0 || o.BodyTime < 0 || o.WriteTime < 0 || o.BatchRows < 0 {
		return o, errors.New("serve: a bound below 0; want bounds above 0, or 0 for the defaults")
	}
	set := func(bound *int64, instead int64) {
		if *bound == 0 {
			*bound = instead
		}
	}
	set(&o.MaxBody, 64<<20)
	set(&o.Memory, 512<<20)
	for bound, instead := range map[*int]int{&o.MaxRows: 1 << 14, &o.MaxWaiting: 1 << 10, &o.BatchRows: 512} {
		if *bound == 0 {
			*bound = instead
		}
	}
	for bound, instead := range map[*time.Duration]time.Duration{&o.Time: 30 * time.Second, &o.BodyTime: 10 * time.Second, &o.WriteTime: 30 * time.Second} {
		if *bound == 0 {
			*bound = instead
		}
	}
	o.workers = max(1, runtime.GOMAXPROCS(0))
	return o, nil
}

// Server is a handler of requests for models. Any number of goroutines may use it
// at once.
type Server struct {
	options Options
	metrics *metrics
	memory  budget

	mu       sync.RWMutex
	models   map[string]*served
	document []byte // of the API, nil where models came since
	ready    atomic.Bool
	stopping atomic.Bool
	closed   bool
	requests sync.WaitGroup
}

// New makes a server without models. It is not ready: see [Server.Ready].
func New(o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, models: map[string]*served{}, memory: budget{most: o.Memory}}
	s.metrics = newMetrics()
	return s, nil
}

// Add serves one more model. Two of the same name are an error.
func (s *Server) Add(m Model) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.models[m.Name] != nil {
		return fmt.Errorf("serve: two models are called %s; want a name of its own for each", m.Name)
	}
	added, err := newServed(m, s.options, s.metrics)
	if err != nil {
		return err
	}
	s.models[m.Name], s.document = added, nil
	return nil
}

// Ready says that all models have been added.
func (s *Server) Ready() { s.ready.Store(true) }

// Stopping says that the server is about to stop: it is ready no more, and answers
// on.
func (s *Server) Stopping() { s.stopping.Store(true) }

// Close waits until every request and batch that was begun has ended, or ctx has.
// Later requests are refused. The models stay open.
func (s *Server) Close(ctx context.Context) error {
	s.Stopping()
	s.mu.Lock()
	closed := s.models
	s.closed, s.models, s.document = true, map[string]*served{}, nil
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.requests.Wait()
		for _, m := range closed {
			for _, q := range m.queues {
				q.wait()
			}
		}
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("serve: close: %w", ctx.Err())
	}
}

// enter begins a request, which ends with requests.Done, or says that the server is
// closed.
func (s *Server) enter() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.closed {
		s.requests.Add(1)
	}
	return !s.closed
}

// model returns a model by its name.
func (s *Server) model(name string) (*served, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch m := s.models[name]; {
	case m != nil:
		return m, nil
	case !s.ready.Load():
		return nil, refuse(http.StatusServiceUnavailable, "models are being loaded")
	case s.stopping.Load():
		return nil, refuse(http.StatusServiceUnavailable, "the server is stopping")
	}
	return nil, refuse(http.StatusNotFound, "no model %q; see /v1/models", clip(name))
}

// all returns the models by name.
func (s *Server) all() []*served {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var models []*served
	for _, name := range slices.Sorted(maps.Keys(s.models)) {
		models = append(models, s.models[name])
	}
	return models
}

// api returns the document of the API.
func (s *Server) api() []byte {
	models := s.all()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.document == nil {
		s.document = document(models, s.options)
	}
	return s.document
}
