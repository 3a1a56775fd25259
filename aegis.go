// Package aegis trains autoencoders and uses them.
//
// An autoencoder is written once as Gorgonia expression graphs, Gorgonia
// differentiates them, and a VM runs them: this package is the one place that
// chooses a VM. [Train] leaves a run directory behind; [Load] makes codes and
// rows with what it holds.
//
// Shapes: B batch, n rows, C,H,W an image, P values in a row, Z a code.
package aegis

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"

	"aegis/data"
	"aegis/internal/run"
	"aegis/internal/session"
	"aegis/internal/train"
	"aegis/model/program"
)

// Version of this module.
const Version = session.Version

// BuildInfo returns version, commit where the build recorded one, and the Go
// version and platform.
func BuildInfo() string {
	commit := cmp.Or(session.Commit(), "unknown")
	return fmt.Sprintf("aegis %s, commit %s, %s %s/%s", Version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// A run's configuration, and the types of its values.
type (
	Config = session.Config
	Seed   = session.Seed
	Path   = session.Path

	Reading = session.Reading
	Size    = session.Size
	Window  = session.Window

	SaveEvery = session.SaveEvery
)

// What a run is given and what it tells.
type (
	Options  = session.Options
	Hooks    = session.Hooks
	Start    = session.Start
	Progress = session.Progress
	Metrics  = session.Metrics
	Summary  = session.Summary
	Verdict  = session.Verdict
	Status   = session.Status
)

// What training a program of one's own is given, and what it comes to.
type (
	ProgramConfig = session.ProgramConfig
	ProgramResult = session.ProgramResult
)

// The ways that a run ends.
const (
	Finished    = session.Finished
	Interrupted = session.Interrupted
	Diverged    = session.Diverged
	Failed      = session.Failed
)

// The errors of a run.
type (
	ConfigError      = session.ConfigError
	InterruptedError = session.InterruptedError
	DivergedError    = train.DivergedError // a loss stopped being a finite number
)

// ErrRunExists is wrapped by Train's error where Options.Out holds an earlier
// run and Options.Force is not set.
var ErrRunExists = run.ErrExists

// HasCheckpoint says whether a directory holds a run that can go on: see
// Options.Resume and Options.Auto.
func HasCheckpoint(dir string) bool { return run.HasCheckpoint(dir) }

// Presets returns the names of the networks that have one. The first is the
// default.
func Presets() []string { return session.Presets() }

// NewConfig returns a preset's configuration: seed 1, device auto, and an empty
// Output, which becomes what suits the data, the preset's for images.
func NewConfig(preset string) (Config, error) { return session.NewConfig(preset) }

// LoadConfig reads the config.toml that a run left, or one of your own: what it
// does not set is as in the preset that its key model names. A key that only the
// command train knows, such as out, is an error.
func LoadConfig(path string) (Config, error) { return session.LoadConfig(path) }

// WriteConfig writes a configuration as the config.toml of a run has it, which
// [LoadConfig] reads: every key, in the order of the options.
func WriteConfig(w io.Writer, c Config) error {
	if err := haveWriter("write a configuration", w); err != nil {
		return err
	}
	return session.WriteConfig(w, c)
}

// Train trains an autoencoder on a dataset and writes a run directory. When
// ctx ends it saves what there is and returns an error that wraps ctx's. A
// loss that is not finite ends the run with a *[DivergedError], and the model
// of the best finished epoch stays.
func Train(ctx context.Context, cfg Config, ds *data.Source, opt Options) (*Summary, error) {
	return session.Train(ctx, cfg, ds, opt, openVM)
}

// TrainProgram trains a program of one's own on a dataset, on any device: its
// graphs are Gorgonia's, of ops of package model/op. An op that is none of
// these is an error that names its node, on the tape machine too, so that a
// program trains on every device or on none. What its rows become, the program's
// Scaling says. It writes a run directory where
// cfg names one. When ctx ends the result holds what there is, and the error
// wraps ctx's; a loss that is not finite is a *[DivergedError].
func TrainProgram(ctx context.Context, p *program.Program, ds *data.Source, cfg ProgramConfig, hooks ...Hooks) (*ProgramResult, error) {
	return session.TrainProgram(ctx, p, ds, cfg, hooks, openProgramVM)
}
