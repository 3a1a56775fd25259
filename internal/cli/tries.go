package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"syscall"

	"aegis"
	"aegis/data"
)

// triesOptions is what a command line says of tries.
func (c *call) triesOptions() aegis.TriesOptions {
	return aegis.TriesOptions{Tries: c.tries, Jobs: c.jobs, Out: c.out, Force: c.force, Resume: c.resume == resumeAuto}
}

// trainTries trains what a command line says under several seeds, and prints
// the table of what they come to: on stdout, unless that has lines of JSON.
func trainTries(ctx context.Context, w *watcher, ds *data.Source) error {
	options := w.triesOptions()
	options.Hooks = aegis.TriesHooks{Begin: w.begin, Run: w.try, Done: w.tried}
	table, err := aegis.TrainTries(ctx, w.config, ds, options)
	w.close()
	if table != nil && !w.quiet {
		out := w.process.Stdout
		if w.json {
			out = w.process.Stderr
		}
		if _, failed := io.WriteString(out, table.String()); err == nil && !errors.Is(failed, syscall.EPIPE) {
			err = failed
		}
	}
	if err != nil {
		return err
	}
	return w.failed
}

// begin says what is tried.
func (w *watcher) begin(out string) {
	w.root = out
	how := "one after the other"
	if jobs := min(w.jobs, w.tries); jobs > 1 {
		how = fmt.Sprintf("%d side by side", jobs)
		if cores := runtime.GOMAXPROCS(0); jobs > cores {
			how += fmt.Sprintf(", which share %d cores", cores)
		}
		w.bar = nil // several have no place on a line
	}
	what := fmt.Sprintf("%d tries of %s, seeds %d to %d", w.tries, w.config.Model, w.config.Seed, w.config.Seed+aegis.Seed(w.tries-1))
	if w.tries == 1 {
		what = fmt.Sprintf("1 try of %s, seed %d", w.config.Model, w.config.Seed)
	}
	w.printf("%s, %s; writing to %s\n", what, how, out)
}

// try watches one try. What is said of the data and the network is the same of
// all, and said once.
func (w *watcher) try(seed aegis.Seed) aegis.Hooks {
	label := ""
	if min(w.jobs, w.tries) > 1 {
		label = fmt.Sprintf("seed %d: ", seed)
	}
	return aegis.Hooks{
		Measure: w.measure, Progress: w.progress, Warn: w.warn,
		Start: func(s aegis.Start) {
			if w.dir == "" {
				w.start(s)
			} else {
				w.printf("writing to %s\n", s.Out)
			}
			w.dir = s.Out
		},
		Epoch: func(m aegis.Metrics) {
			w.epoch(label, m)
			w.line(seedMetrics{seed, m})
		},
	}
}

// seedMetrics is a line of --json of tries.
type seedMetrics struct {
	Seed aegis.Seed `json:"seed"`
	aegis.Metrics
}

// tried says what a try came to. That one failed is no error of the command's,
// and said even where it is to be quiet; what an interrupt left, the command says
// in the end.
func (w *watcher) tried(t aegis.Try, s *aegis.Summary) {
	w.close()
	var cut *aegis.InterruptedError
	switch {
	case t.Err == nil:
		w.done(s, filepath.Join(w.root, t.Dir))
	case !errors.As(t.Err, &cut):
		w.process.say("seed %d: %s\n", t.Seed, line(t.Err))
	}
}
