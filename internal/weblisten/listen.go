package weblisten

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Options are those of a [Listener]; a zero value has its default.
type Options struct {
	Hosts   []string // names beside localhost that requests may be for
	Origins []string // of other sites whose pages may ask, such as https://example.org

	Connections int           // open at once, others wait to be accepted; 0: 1024
	HeaderBytes int           // of a request's head; 0: 16 KiB
	HeaderTime  time.Duration // for a request's head to come; 0: 5 s
	IdleTime    time.Duration // that a connection may wait for its next request; 0: 2 minutes
	StopTime    time.Duration // in which accepted requests are answered at the end; 0: 30 s

	// Stopping is called when the listener begins to stop; it may be nil.
	Stopping func()
	// Refuse writes an answer that is none of the handler's; nil: as plain text.
	Refuse func(w http.ResponseWriter, code int, message string)
	// Log hears what net/http says of connections; nil: nobody.
	Log *log.Logger
}

const (
	defaultConnections = 1024
	defaultHeaderBytes = 16 << 10
	defaultHeaderTime  = 5 * time.Second
	defaultIdleTime    = 2 * time.Minute
	defaultStopTime    = 30 * time.Second
	// graceTime is how long a client that keeps its connection busy has to send a
	// request whose answer tells it that the connection closes.
	graceTime = 500 * time.Millisecond
)

// Listener is an open port that [Listener.Serve] answers.
type Listener struct {
	inner   *bounded
	options Options
	closing atomic.Bool
	open    atomic.Int64 // connections
}

// Listen opens a port at an address as [Address] reads it.
func Listen(address string, o Options) (*Listener, error) {
	address, err := Address(address)
	if err != nil {
		return nil, err
	}
	inner, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("weblisten: %w", err)
	}
	n := o.Connections
	if n == 0 {
		n = defaultConnections
	}
	return &Listener{inner: &bounded{Listener: inner, free: make(chan struct{}, n), done: make(chan struct{})}, options: o}, nil
}

// Addr is where it listens.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

// Loopback says that only this machine reaches it.
func (l *Listener) Loopback() bool { return Loopback(l.Addr()) }

// Close closes a port that nothing serves.
func (l *Listener) Close() error { return l.inner.Close() }

// Serve answers requests until ctx ends. Then it accepts no more connections,
// answers the requests of those that there are, and returns nil; what is not
// answered within StopTime is cut off, which is an error.
func (l *Listener) Serve(ctx context.Context, handler http.Handler) error {
	o := l.options
	g, err := newGuard(handler, l.Loopback(), o)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	logger := o.Log
	if logger == nil {
		logger = log.New(io.Discard, "", 0)
	}
	server := &http.Server{
		Handler: l.lastAnswers(g), MaxHeaderBytes: or(o.HeaderBytes, defaultHeaderBytes),
		ReadHeaderTimeout: or(o.HeaderTime, defaultHeaderTime), IdleTimeout: or(o.IdleTime, defaultIdleTime),
		DisableGeneralOptionsHandler: true, ErrorLog: logger,
		ConnState: func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				l.open.Add(1)
			case http.StateClosed, http.StateHijacked:
				l.open.Add(-1)
			}
		},
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l.inner) }()
	select {
	case err := <-failed:
		return errors.Join(fmt.Errorf("weblisten: %w", err), server.Close())
	case <-ctx.Done():
	}
	return l.stop(server, failed)
}

// stop ends serving.
func (l *Listener) stop(server *http.Server, failed <-chan error) error {
	l.closing.Store(true)
	if l.options.Stopping != nil {
		l.options.Stopping()
	}
	_ = l.inner.Close() // whoever connects from here on is refused
	<-failed
	for end := time.Now().Add(graceTime); l.open.Load() > 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	late := or(l.options.StopTime, defaultStopTime)
	ctx, cancel := context.WithTimeout(context.Background(), late)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		_ = server.Close() // the error says that connections were cut off
		return fmt.Errorf("weblisten: requests were not answered within %v and are cut off", late)
	}
	return nil
}

// lastAnswers tells clients that their connection closes, once it does.
func (l *Listener) lastAnswers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.closing.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

func or[T int | time.Duration](value, instead T) T {
	if value == 0 {
		return instead
	}
	return value
}

// bounded accepts so many connections at once.
type bounded struct {
	net.Listener
	free chan struct{} // holds a value for each open connection
	done chan struct{}
	once sync.Once
	err  error // of Close
}

func (b *bounded) Accept() (net.Conn, error) {
	select {
	case b.free <- struct{}{}:
	case <-b.done:
		return nil, net.ErrClosed
	}
	c, err := b.Listener.Accept()
	if err != nil {
		<-b.free
		return nil, err
	}
	return &counted{Conn: c, free: b.free}, nil
}

func (b *bounded) Close() error {
	b.once.Do(func() {
		close(b.done)
		b.err = b.Listener.Close()
	})
	return b.err
}

// counted gives its place back when it closes.
type counted struct {
	net.Conn
	free chan struct{}
	once sync.Once
}

func (c *counted) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { <-c.free })
	return err
}
