package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"aegis"
	"aegis/data"
	"aegis/data/mnist"
	"aegis/internal/memory"
)

// Train is the command that trains an autoencoder.
func Train(ctx context.Context, p *Process, args []string) error {
	c, err := parseCall(args)
	switch {
	case errors.Is(err, errHelp):
		return writeHelp(p.Stdout, p.Name)
	case err != nil:
		return err
	case c.version:
		_, err := fmt.Fprintln(p.Stdout, aegis.BuildInfo())
		return err
	case c.doctor:
		return doctor(c.json, p.Stdout)
	}
	if c.quiet {
		p.stopping.set("")
	}
	if err := c.config.Validate(); err != nil {
		return err
	}
	if c.summary || c.plan {
		return describe(ctx, c, p.Stdout)
	}
	return train(ctx, p, c)
}

// train trains what a command line says.
func train(ctx context.Context, p *Process, c *call) error {
	w := newWatcher(p, c)
	options := aegis.Options{Out: c.out, Force: c.force, Hooks: w.hooks()}
	if err := options.Check(); err != nil {
		return err
	}
	ds, err := load(ctx, string(c.config.Data))
	if err != nil {
		return err
	}
	defer func() { _ = ds.Close() }() // it was read only
	summary, err := aegis.Train(ctx, c.config, ds, options)
	w.close()
	if err != nil {
		return err
	}
	w.done(summary)
	return nil
}

// doctor prints what this machine has.
func doctor(asJSON bool, stdout io.Writer) error {
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
func describe(ctx context.Context, c *call, stdout io.Writer) error {
	ds, err := load(ctx, string(c.config.Data))
	if err != nil {
		return err
	}
	defer func() { _ = ds.Close() }() // it was read only
	c.config.Image = [3]int{ds.Train.C, ds.Train.H, ds.Train.W}
	if c.summary {
		return c.config.Summary(stdout)
	}
	text, err := aegis.Plan(c.config)
	if err != nil {
		return err
	}
	_, err = io.WriteString(stdout, text)
	return err
}

// load reads the data. A disk or a pipe can keep a read waiting for ever: when
// ctx ends, the read is left to end with the process.
func load(ctx context.Context, dir string) (*data.Source, error) {
	if err := memory.Check(); err != nil {
		return nil, err
	}
	type result struct {
		ds  *data.Source
		err error
	}
	loaded := make(chan result, 1)
	go func() {
		ds, err := dataset(dir)
		loaded <- result{ds, err}
	}()
	select {
	case r := <-loaded:
		return r.ds, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("interrupted while the data was read; nothing was made: %w", ctx.Err())
	}
}

// dataset opens a folder of IDX files, a file of arrays, or the embedded MNIST.
func dataset(dir string) (*data.Source, error) {
	if dir == "" {
		return mnist.Load()
	}
	return data.Open(dir)
}
