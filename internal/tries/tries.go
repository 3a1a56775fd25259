// Package tries trains one configuration under several seeds, one after the
// other or side by side, each a run as [session.Train] leaves it, and puts what
// they come to into a table.
package tries

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"aegis/data"
	"aegis/internal/advice"
	"aegis/internal/run"
	"aegis/internal/session"
)

// Options says how many runs there are, where they go and who watches them.
type Options struct {
	Tries int // the configuration's seed and those after it
	// Jobs is how many runs train side by side, each on one thread unless the
	// configuration says how many. 0 and 1: one after the other.
	Jobs  int
	Out   string // the directory that runs lie in; empty: runs/<model>-<time>
	Force bool   // replace the tries that are there
	// Resume has each run that is there go on from its last checkpoint, those that
	// have none start, and leaves those that finished as they are.
	Resume bool
	Hooks
}

// Hooks watch tries; each may be nil. They and those of the runs are called one
// at a time, from any goroutine.
type Hooks struct {
	Begin func(out string)                      // before the first run
	Run   func(seed session.Seed) session.Hooks // those of one run
	Done  func(t Try, summary *session.Summary) // a run has ended; nil: it did not begin
}

// The names of what lies beside the runs.
const (
	File = "tries.json" // the table
	Best = "best"       // a link to the best run, where there are links
)

// mostTries is more than anybody waits for.
const mostTries = 10_000

// dirOf is the directory of a seed's run.
func dirOf(seed session.Seed) string { return fmt.Sprintf("seed-%d", seed) }

// Check says why tries cannot be, so that no data is read in vain. Train sees to
// it again.
func (o Options) Check(cfg session.Config) error {
	if o.Tries < 1 || o.Tries > mostTries {
		return usagef("aegis: %d tries; want 1 to %d", o.Tries, mostTries)
	}
	if o.Jobs < 0 || o.Jobs > session.MostThreads {
		return usagef("aegis: %d tries side by side; want 1 to %d", o.Jobs, session.MostThreads)
	}
	if uint64(o.Tries-1) > math.MaxUint64-uint64(cfg.Seed) {
		return usagef("aegis: %d tries from seed %d; want a smaller seed, the last one is %d", o.Tries, cfg.Seed, uint64(math.MaxUint64))
	}
	switch {
	case o.Resume && o.Force:
		return usagef("aegis: tries that go on, and tries that are replaced by force; want one of them")
	case o.Resume && o.Out == "":
		return usagef("aegis: tries that go on need the directory that they lie in; name it")
	case o.Out == "":
		return nil
	}
	return o.free(cfg)
}

func usagef(format string, args ...any) error {
	return &session.ConfigError{Err: fmt.Errorf(format, args...)}
}

// free says why runs may not go into a directory.
func (o Options) free(cfg session.Config) error {
	info, err := os.Stat(run.FindModel(o.Out))
	switch {
	case err == nil && info.Mode().IsRegular() && run.FindModel(o.Out) != o.Out:
		return advice.With(fmt.Errorf("aegis: %s holds a run; tries want a directory of their own: choose another one", o.Out), "out")
	case err == nil:
		return advice.With(fmt.Errorf("aegis: %s is a file, want a directory; choose another one", o.Out), "out")
	}
	if info, err := os.Lstat(filepath.Join(o.Out, Best)); err == nil && info.Mode()&fs.ModeSymlink == 0 {
		return advice.With(fmt.Errorf("aegis: %s is no link, and the best run would be linked there; move it or choose another directory", filepath.Join(o.Out, Best)), "out")
	}
	earlier, err := Read(o.Out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return advice.With(fmt.Errorf("%w; it would be replaced: move it or choose another directory", err), "out")
	}
	if earlier != nil && !o.Force && !o.Resume {
		return fmt.Errorf("aegis: %s holds tries, each %w; choose another directory, or replace them by force", o.Out, run.ErrExists)
	}
	for i := range o.Tries {
		if err := o.of(o.Out, cfg.Seed+session.Seed(i), session.Hooks{}).Check(); err != nil {
			return err
		}
	}
	return nil
}

// of is the options of one run.
func (o Options) of(out string, seed session.Seed, hooks session.Hooks) session.Options {
	return session.Options{Out: filepath.Join(out, dirOf(seed)), Force: o.Force, Auto: o.Resume, Hooks: hooks}
}

// configOf is the configuration of one run.
func (o Options) configOf(cfg session.Config, seed session.Seed) session.Config {
	cfg.Seed = seed
	if o.Jobs > 1 && cfg.Threads == 0 {
		cfg.Threads = 1
	}
	return cfg
}

// Train trains a configuration under several seeds on a dataset, which is read
// once. A run that fails stops no other one: it stands in the table. There is an
// error where no run finished. When ctx ends, each run saves what there is, and
// the error, an *[session.InterruptedError], wraps ctx's; the table so far comes with both.
func Train(ctx context.Context, cfg session.Config, ds *data.Source, opt Options, open session.OpenVM) (_ *Result, err error) {
	if err := session.CheckContext(ctx); err != nil {
		return nil, err
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := errors.Join(opt.Check(cfg), ds.Validate()); err != nil {
		return nil, err
	}
	if opt.Jobs = min(max(opt.Jobs, 1), opt.Tries); opt.Jobs > 1 {
		if err := session.CheckMemoryOf(opt.Jobs, cfg, ds); err != nil {
			return nil, err
		}
	}
	var folder *run.Folder
	if opt.Out == "" {
		folder, err = run.MakeNewFolder(cfg.NewOut())
	} else {
		folder, err = run.MakeFolder(opt.Out)
	}
	if err != nil {
		return nil, advice.With(err, "out")
	}
	r := newRunner(cfg, ds, opt, open, folder)
	err = r.all(ctx)
	return r.came(), errors.Join(err, folder.Close())
}
