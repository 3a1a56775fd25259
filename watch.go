package aegis

import (
	"aegis/internal/session"
	"aegis/internal/watch"
)

// How a run is watched while it trains.
type (
	// Watcher sees what training comes to, from Options.Watch.
	Watcher = session.Watcher
	// Watched is a run that begins, for a [Watcher].
	Watched = session.Watched
	// Look is what a network makes of rows at a moment of training.
	Look = session.Look
	// Watch is a [Watcher] that shows a run in the browser: an http.Handler for
	// [Listener.Serve]. GET / is the page, with curves and, as often as that takes
	// less than a hundredth of the time, what the network has come to; where nobody
	// looks, that is the end alone. It shows one run. Drain waits, when Train has returned,
	// until the pages have the end.
	Watch = watch.Handler
)

// NewWatch makes a Watch.
func NewWatch() *Watch { return watch.New() }
