// Command train trains an autoencoder and leaves a run directory behind.
//
//	go run ./cmd/train                                 # fc12 on the embedded MNIST
//	go run ./cmd/train --model conv --data DIR --epochs 3
//
// It exits 0 when all went well, 2 on a usage error, 130 when interrupted and
// 1 on any other error.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"aegis"
	"aegis/data"
	"aegis/data/mnist"
	"aegis/internal/memory"
)

const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// gcPercent is how garbage is collected while training; before, it is not.
var gcPercent = 100

func main() {
	gcPercent = debug.SetGCPercent(-1) // until watcher.start
	ctx, stop := interruptible()
	code := realMain(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// interruptible returns a context that the first interrupt ends; the second
// one ends the process. Whoever runs it under nohup wants it to outlive its
// terminal.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		<-signals
		fmt.Fprintln(os.Stderr, "\ntrain: stopping after the step in progress; once more to stop at once")
		cancel()
		<-signals
		os.Exit(exitInterrupted)
	}()
	return ctx, func() { signal.Stop(signals) }
}

// realMain runs the command and returns its exit status.
func realMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := command(ctx, args, stdout, stderr)
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "train: "+oneLine(err))
	var usage *usageError
	var config *aegis.ConfigError
	switch {
	case errors.As(err, &usage), errors.As(err, &config):
		return exitUsage
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitFailed
}

// oneLine is an error's text; joined errors have a line each.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func command(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f, err := parse(args, stdout)
	if err != nil || f == nil {
		return err
	}
	if f.version {
		_, err := fmt.Fprintln(stdout, aegis.BuildInfo())
		return err
	}
	if f.doctor {
		return doctor(f.json, stdout)
	}
	if err := f.config.Validate(); err != nil {
		return err
	}
	w := newWatcher(f, stdout, stderr)
	options := aegis.Options{Out: f.out, Force: f.force, Hooks: w.hooks()}
	if !f.summary && !f.plan {
		if err := options.Check(); err != nil {
			return advised(err)
		}
	}
	if err := memory.Check(); err != nil {
		return err
	}
	ds, err := load(ctx, string(f.config.Data), w.reading)
	if err != nil {
		return err
	}
	defer func() { _ = ds.Close() }() // it was read only
	if f.summary || f.plan {
		if f.config, err = f.config.Fit(ctx, ds); err != nil {
			return err
		}
		return describe(f, stdout)
	}
	summary, err := aegis.Train(ctx, f.config, ds, options)
	w.close()
	if err != nil {
		return advised(err)
	}
	w.done(summary)
	return nil
}

// advised adds to an error which flags help.
func advised(err error) error {
	if errors.Is(err, aegis.ErrRunExists) {
		return fmt.Errorf("%w: --out names another one, --force replaces it", err)
	}
	return err
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
func describe(f *flags, stdout io.Writer) error {
	if f.summary {
		return f.config.Summary(stdout)
	}
	text, err := f.config.Plan()
	if err != nil {
		return err
	}
	_, err = io.WriteString(stdout, text)
	return err
}

// load reads the data. A disk or a pipe can keep a read waiting for ever: when
// ctx ends, the read is left to end with the process. Where it takes long, reading
// is called once.
func load(ctx context.Context, dir string, reading func()) (*data.Source, error) {
	type result struct {
		ds  *data.Source
		err error
	}
	loaded := make(chan result, 1)
	go func() {
		ds, err := dataset(dir)
		loaded <- result{ds, err}
	}()
	late := time.After(patience)
	for {
		select {
		case r := <-loaded:
			return r.ds, r.err
		case <-ctx.Done():
			return nil, fmt.Errorf("interrupted while the data was read; nothing was made: %w", ctx.Err())
		case <-late:
			reading()
		}
	}
}

// dataset opens a folder of IDX files, a file of arrays, or the embedded MNIST.
func dataset(dir string) (*data.Source, error) {
	if dir == "" {
		return mnist.Load()
	}
	return data.Open(dir)
}
