package cli

import (
	"context"
	"errors"
	"time"

	"aegis"
)

// live is a run that a browser shows while it trains.
type live struct {
	watch  *aegis.Watch
	cancel context.CancelFunc
	served chan error
}

// openLive opens the port of --watch, nil where there is none.
func openLive(w *watcher) (*live, error) {
	if w.watch == "" {
		return nil, nil
	}
	if w.tries != 0 {
		return nil, &usageError{errors.New("--watch shows one run; leave --tries out, or watch one of its runs by itself")}
	}
	listener, err := aegis.Listen(w.watch, aegis.ListenOptions{StopTime: time.Second})
	if err != nil {
		return nil, err
	}
	who := "this machine alone"
	if !listener.Loopback() {
		who = "whoever reaches this address, without asking who it is"
	}
	w.printf("watch: http://%s, for %s\n", listener.Addr(), who)
	ctx, cancel := context.WithCancel(context.Background())
	l := &live{watch: aegis.NewWatch(), cancel: cancel, served: make(chan error, 1)}
	go func() { l.served <- listener.Serve(ctx, l.watch) }()
	return l, nil
}

// watcher is who watches the run, nil where nobody does.
func (l *live) watcher() aegis.Watcher {
	if l == nil {
		return nil
	}
	return l.watch
}

// close lets pages that watch have the end, for a moment, and closes the port.
func (l *live) close() {
	if l == nil {
		return
	}
	const moment = 2 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), moment)
	defer cancel()
	l.watch.Drain(ctx)
	l.cancel()
	<-l.served // pages that are still open are cut off, which is no error of the run's
}
