// Package aegis trains autoencoders and uses them.
//
// An autoencoder is written once as Gorgonia expression graphs, Gorgonia
// differentiates them, and a VM runs them: this package is the one place that
// chooses a VM and wires it to the trainer. [Train] leaves a run directory
// behind; [Load] makes codes and rows with what it holds.
//
// Shapes: B batch, n rows, C,H,W an image, P values in a row, Z a code.
package aegis

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"slices"

	"aegis/data"
	"aegis/internal/memory"
	"aegis/model"
)

// Version of this module.
const Version = "0.1.0"

// BuildInfo returns version, commit where the build recorded one, and the Go
// version and platform.
func BuildInfo() string {
	commit := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value
			}
		}
	}
	return fmt.Sprintf("aegis %s, commit %s, %s %s/%s", Version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// Config is all that it takes to repeat a run.
type Config struct {
	model.Spec
	Seed   Seed   `toml:"seed" json:"seed"`
	Device string `toml:"device" json:"device"` // auto, cpu, cuda or tape
	GPU    int    `toml:"gpu" json:"gpu"`       // number of the GPU that cuda and auto use
	// Threads is the number of workers on a CPU, 0: as many as pay. It changes
	// no result.
	Threads int  `toml:"threads" json:"threads"`
	Data    Path `toml:"data" json:"data"` // folder of IDX files, .npy or .npz; empty: the embedded MNIST
	// Scale is how rows are scaled: none, minmax or standard. Empty: images to
	// the range of pixels, vectors standard.
	Scale data.Scale `toml:"scale,omitempty" json:"scale,omitempty"`
	Limit int        `toml:"limit" json:"limit"` // take the first rows of the training set, 0: all
	// Val of those are held out, drawn by seed: a number of rows, or a share
	// below 1.
	Val data.Held `toml:"val" json:"val"`
	// TestLimit is how many test rows are evaluated after each epoch, drawn by
	// seed. 0: all, or a quarter as many as are trained on where these are
	// fewer than the test rows. After the last epoch it is all.
	TestLimit int `toml:"test_limit" json:"test_limit"`
}

// NewConfig returns a preset's configuration: seed 1, device auto.
func NewConfig(preset string) (Config, error) {
	spec, err := model.Preset(preset)
	if err != nil {
		return Config{}, &ConfigError{err}
	}
	return Config{Spec: spec, Seed: 1, Device: DeviceAuto}, nil
}

// ConfigError says that a configuration holds an impossible value; it was
// found before anything was read or written.
type ConfigError struct{ Err error }

func (e *ConfigError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *ConfigError) Unwrap() error { return e.Err }

func configErrorf(format string, args ...any) error {
	return &ConfigError{fmt.Errorf(format, args...)}
}

// Validate says what is wrong with a configuration, as a *[ConfigError].
func (c Config) Validate() error {
	if err := c.Spec.Validate(); err != nil {
		return &ConfigError{err}
	}
	if err := checkDevice(c.Device); err != nil {
		return err
	}
	const mostThreads = 1024
	if c.Threads < 0 || c.Threads > mostThreads {
		return configErrorf("aegis: %d threads; want 1 to %d, or 0 for as many as pay", c.Threads, mostThreads)
	}
	if c.GPU < 0 {
		return configErrorf("aegis: GPU %d; want a number of at least 0", c.GPU)
	}
	if c.Limit < 0 || c.TestLimit < 0 {
		return configErrorf("aegis: limit %d, test limit %d; want numbers of at least 0", c.Limit, c.TestLimit)
	}
	if c.Scale != "" && !slices.Contains(data.Scales(), c.Scale) {
		return configErrorf("aegis: unknown scale %q; want one of %q, or none at all for what suits the data", c.Scale, data.Scales())
	}
	if err := c.Val.Validate(); err != nil {
		return &ConfigError{err}
	}
	if c.Limit > 0 && c.Val.Of(c.Limit) >= c.Limit {
		return configErrorf("aegis: val %v of limit %d rows leaves none to train on; want val below limit", c.Val, c.Limit)
	}
	return nil
}

// fit sets the size of a row and checks that the network fits into memory.
func (c *Config) fit(rows data.Shape) error {
	c.Image, c.Scaling = [3]int{rows.C, rows.H, rows.W}, nil
	cost, err := c.Cost()
	if err != nil {
		return err
	}
	need := c.need(cost)
	if have := memory.Left(); have.Bytes > 0 && need > float64(have.Bytes) {
		return fmt.Errorf("aegis: %s with hidden %v, latent %d, batch %d on %v needs %.2f GiB; %s %.2f GiB beside what is loaded: "+
			"lower --hidden, --latent or --batch", c.Model, c.Hidden, c.Latent, c.Batch, rows,
			need/(1<<30), have.By, float64(have.Bytes)/(1<<30))
	}
	if cost.Params > math.MaxInt32 {
		return fmt.Errorf("aegis: %s has %d parameters; want at most %d: lower --hidden or --latent", c.Model, cost.Params, math.MaxInt32)
	}
	return nil
}

// need returns the bytes that a run takes at most beside its data set.
func (c *Config) need(cost model.Cost) float64 {
	const (
		inference = 512       // rows that a forward plan takes at once
		rest      = 128 << 20 // Go's runtime, threads, pictures
	)
	// Of the VM: parameters and the optimizer's state, and what of gradients
	// and transposed copies of weights there is at once.
	machine := cost.ParamBytes
	// A checkpoint's copy of parameters and state, and the best parameters;
	// Go's heap doubles before it is swept.
	checkpoint := 2 * cost.ParamBytes
	row := cost.ActivationBytes / float64(c.Batch)
	return machine + checkpoint + cost.ActivationBytes + row/2*inference + rest
}
