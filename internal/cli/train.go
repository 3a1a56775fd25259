package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"path/filepath"
	"syscall"

	"aegis"
	"aegis/data"
	"aegis/data/memory"
	"aegis/internal/session"
)

// nothingMade is what an interrupt says that comes before a run starts.
const nothingMade = "nothing was made"

// Train is the command that trains an autoencoder.
func Train(ctx context.Context, p *Process, args []string) error {
	c, err := await(ctx, "configuration", nothingMade, nil, func() (*call, error) { return parseCall(args) })
	switch {
	case errors.Is(err, errHelp):
		return writeHelp(p.Stdout, p.Name)
	case err != nil:
		return err
	case c.version:
		_, err := fmt.Fprintln(p.Stdout, aegis.BuildInfo())
		return err
	case c.doctor:
		return Doctor(c.json, p.Stdout)
	}
	if c.quiet {
		p.stopping.set("")
	}
	if err := c.config.Validate(); err != nil {
		return err
	}
	if c.summary || c.plan {
		return describe(ctx, p, c)
	}
	return train(ctx, p, c)
}

// train trains what a command line says. Who reads what it says may go away,
// as tee does at an interrupt of both: training goes on, and is saved.
func train(ctx context.Context, p *Process, c *call) error {
	if c.force && c.out == "" {
		return &usageError{errors.New("--force replaces the run in the directory that --out names; name one")}
	}
	if c.tries != 0 && c.resume != "" && c.resume != resumeAuto {
		return &usageError{errTriesResumed}
	}
	if c.jobs != 0 && c.tries == 0 {
		return &usageError{errors.New("--jobs is how many of --tries train side by side; say how many tries")}
	}
	signal.Ignore(syscall.SIGPIPE)
	w := newWatcher(p, c)
	options := c.options(w.hooks())
	check := options.Check
	if c.tries != 0 {
		check = func() error { return c.triesOptions().Check(c.config) }
	}
	if err := check(); err != nil {
		return err
	}
	if c.tries == 0 && options.Auto && !aegis.HasCheckpoint(c.out) {
		w.printf("no checkpoint in %s: a run starts\n", c.out)
	}
	if c.out != "" && c.config.Data != "" && same(c.out, string(c.config.Data)) {
		return &usageError{fmt.Errorf("--out %s is the folder that --data reads: its pictures would be data; name another one", c.out)}
	}
	shown, err := openLive(w)
	if err != nil {
		return err
	}
	defer shown.close()
	options.Watch = shown.watcher()
	ds, err := load(ctx, c, w.reading, w.opening)
	if err != nil {
		return err
	}
	defer func() { _ = ds.Close() }() // it was read only
	if c.tries != 0 {
		return trainTries(ctx, w, ds)
	}
	summary, err := aegis.Train(ctx, c.config, ds, options)
	w.close()
	if err != nil {
		return err
	}
	w.done(summary, w.dir)
	return w.failed
}

// options says where one run goes, and which goes on.
func (c *call) options(hooks aegis.Hooks) aegis.Options {
	options := aegis.Options{Out: c.out, Force: c.force, Hooks: hooks}
	if options.Auto = c.resume == resumeAuto; !options.Auto {
		options.Resume = c.resume
	}
	return options
}

// Doctor prints what this machine has.
func Doctor(asJSON bool, stdout io.Writer) error {
	d := aegis.Diagnose()
	if !asJSON {
		_, err := io.WriteString(stdout, d.String())
		return err
	}
	e := json.NewEncoder(stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(d)
}

// describe prints what --summary and --plan ask for.
func describe(ctx context.Context, p *Process, c *call) error {
	ds, err := load(ctx, c, nil, func(string, int, int) { p.Collect() })
	if err != nil {
		return err
	}
	defer func() { _ = ds.Close() }() // it was read only
	if c.config, err = c.config.Fit(ctx, ds); err != nil {
		return err
	}
	if c.summary {
		return c.config.Summary(p.Stdout)
	}
	text, err := aegis.Plan(c.config)
	if err != nil {
		return err
	}
	_, err = io.WriteString(p.Stdout, text)
	return err
}

// load reads the data. Where it takes long, late is called once; opening hears
// how far it is.
func load(ctx context.Context, c *call, late func(), opening func(what string, done, of int)) (*data.Source, error) {
	if err := memory.Check(); err != nil {
		return nil, err
	}
	from, so := session.RunOf(resumed(c.resume, c.out)), nothingMade
	out := cmp.Or(c.out, from, filepath.Join("runs", "run"))
	if from != "" {
		so = "the run in " + from + " is as it was"
	}
	return await(ctx, "data", so, late, func() (*data.Source, error) {
		return aegis.OpenData(ctx, c.config, aegis.DataOptions{Cache: filepath.Join(filepath.Dir(out), "cache"), Progress: opening})
	})
}
