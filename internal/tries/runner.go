package tries

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"aegis/data"
	"aegis/internal/run"
	"aegis/internal/session"
)

// runner is all runs of a configuration.
type runner struct {
	cfg    session.Config
	ds     *data.Source
	opt    Options
	open   session.OpenVM
	folder *run.Folder

	mu      sync.Mutex // over what follows, and while a hook is called
	next    int        // run to begin
	begun   bool       // a run came to its first step
	refused error      // of a configuration with which no run can begin
	result  *Result
	earlier bool  // the table in the folder is an earlier one, which stays until a run has an epoch
	unkept  error // why the table is not in its file
}

func newRunner(cfg session.Config, ds *data.Source, opt Options, open session.OpenVM, folder *run.Folder) *runner {
	_, err := Read(folder.Path())
	return &runner{
		cfg: cfg, ds: ds, opt: opt, open: open, folder: folder, earlier: !errors.Is(err, fs.ErrNotExist),
		result: &Result{Dir: folder.Path(), Model: cfg.Model, Settings: settings(cfg), Wanted: opt.Tries, Tries: []Try{}},
	}
}

// all runs all.
func (r *runner) all(ctx context.Context) error {
	if r.opt.Begin != nil {
		r.opt.Begin(r.folder.Path())
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var jobs sync.WaitGroup
	for range r.opt.Jobs {
		jobs.Go(func() {
			for seed, ok := r.take(ctx); ok; seed, ok = r.take(ctx) {
				r.try(ctx, seed, stop)
			}
		})
	}
	jobs.Wait()
	return r.verdict(ctx)
}

// take returns the next seed, false where no run is to begin any more.
func (r *runner) take(ctx context.Context) (session.Seed, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil || r.next == r.opt.Tries {
		return 0, false
	}
	r.next++
	return r.cfg.Seed + session.Seed(r.next-1), true
}

// try runs one seed. Where its configuration is none, no other seed has to be
// tried.
func (r *runner) try(ctx context.Context, seed session.Seed, stop func()) {
	var seconds float64
	options := r.opt.of(r.folder.Path(), seed, r.hooks(seed, &seconds))
	summary, err := session.Train(ctx, r.opt.configOf(r.cfg, seed), r.ds, options, r.open)
	r.mu.Lock()
	defer r.mu.Unlock()
	var config *session.ConfigError
	switch {
	case summary == nil && ctx.Err() != nil: // it was stopped before it made anything
		return
	case summary == nil && !r.begun && errors.As(err, &config):
		r.refused = err
		stop()
		return
	}
	t := tried(seed, summary, err)
	if t.Seconds = seconds; r.opt.Resume {
		t.Seconds = trained(filepath.Join(r.folder.Path(), t.Dir))
	}
	r.result.add(t)
	r.keep()
	if r.opt.Done != nil {
		r.opt.Done(t, summary)
	}
}

// trained is how long all epochs of a run trained, those before it went on too.
func trained(dir string) (seconds float64) {
	_ = run.ReadMetrics(dir, func(line []byte) error { // a run without a whole epoch has none
		var m session.Metrics
		err := json.Unmarshal(line, &m)
		seconds += m.Seconds
		return err
	})
	return seconds
}

// hooks are those of one run, and add up how long its epochs trained.
func (r *runner) hooks(seed session.Seed, seconds *float64) session.Hooks {
	var own session.Hooks
	if r.opt.Run != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		own = r.opt.Run(seed)
	}
	return session.Hooks{
		Measure: func(done, of int) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if own.Measure != nil {
				own.Measure(done, of)
			}
		},
		Start: func(s session.Start) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.begun = true; own.Start != nil {
				own.Start(s)
			}
		},
		Progress: func(p session.Progress) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if own.Progress != nil {
				own.Progress(p)
			}
		},
		Warn: func(text string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if own.Warn != nil {
				own.Warn(text)
			}
		},
		Epoch: func(m session.Metrics) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if *seconds += m.Seconds; own.Epoch != nil {
				own.Epoch(m)
			}
		},
	}
}

// keep writes the table so far and links the best run. Until a run has an epoch
// to show, an earlier table stays, as the earlier runs do.
func (r *runner) keep() {
	if r.earlier && !slices.ContainsFunc(r.result.Tries, func(t Try) bool { return t.Epochs > 0 }) {
		return
	}
	r.result.Linked = false
	if r.result.Best != "" {
		r.result.Linked = r.folder.Link(Best, r.result.Best) == nil // else the table names it
	}
	r.unkept = nil
	if !r.result.Linked {
		r.unkept = r.folder.Unlink(Best) // of an earlier table's
	}
	if err := r.folder.WriteFile(File, r.result.write); err != nil {
		r.unkept = err
	}
}

// came is what the runs came to, nil where there is nothing to say of any.
func (r *runner) came() *Result {
	if len(r.result.Tries) == 0 {
		return nil
	}
	return r.result
}

// verdict is the error of all.
func (r *runner) verdict(ctx context.Context) error {
	finished, all := r.result.finished(), r.result.Tries
	switch {
	case r.refused != nil:
		return r.refused
	case ctx.Err() != nil && len(finished) < r.opt.Tries:
		return &session.InterruptedError{Saved: r.saved(len(finished)), Err: ctx.Err()}
	case len(finished) == 0 && len(all) == 1:
		return all[0].Err
	case len(finished) == 0:
		return fmt.Errorf("aegis: none of %d tries finished; seed %d: %w", len(all), all[0].Seed, all[0].Err)
	case r.unkept != nil:
		return fmt.Errorf("aegis: the runs are whole, their table is not: %w", r.unkept)
	}
	return nil
}

// saved says what there is of tries that were interrupted.
func (r *runner) saved(finished int) string {
	said := []string{fmt.Sprintf("%d of %d tries in %s finished", finished, r.opt.Tries, filepath.Clean(r.folder.Path()))}
	for _, t := range r.result.Tries {
		var cut *session.InterruptedError
		if errors.As(t.Err, &cut) {
			said = append(said, cut.Saved)
		}
	}
	return strings.Join(said, "; ")
}
