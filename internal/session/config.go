package session

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"aegis/data"
	"aegis/internal/advice"
	"aegis/model"
	"aegis/model/optim"
)

// Version of this module.
const Version = "0.2.0"

// Config is all that it takes to repeat a run.
type Config struct {
	model.Spec
	Seed   Seed   `json:"seed"`
	Device string `json:"device"` // auto, cpu, cuda or tape
	GPU    int    `json:"gpu"`    // number of the GPU that cuda and auto use
	// Threads is the number of workers on a CPU, 0: as many as pay. It changes
	// no result.
	Threads int  `json:"threads"`
	Data    Path `json:"data"` // what package dataset opens; empty: the embedded MNIST
	Reading      // how rows are made of it
	// NormalClass is the class whose rows alone are trained on, by name or number:
	// what is unlike them is to be found. Empty: rows of all classes.
	NormalClass string `json:"normal_class,omitempty"`
	// Scale is how rows are scaled: none, minmax or standard. Empty: images to
	// the range of pixels, vectors standard.
	Scale data.Scale `json:"scale,omitempty"`
	// InitFrom is a run or a model's file whose parameters training starts from,
	// by optimizers that start anew; empty: from what Init draws. The network is
	// to be the same, and keeps the scaling and the form of rows of that model.
	InitFrom Path `json:"init_from,omitempty"`
	Limit    int  `json:"limit"` // take the first rows of the training set, 0: all
	// Val of those are held out, drawn by seed: a number of rows, or a share
	// below 1.
	Val data.Held `json:"val"`
	// TestSplit of those are held out to test with, where the data have no test
	// set.
	TestSplit data.Held `json:"test_split,omitempty"`
	// TestLimit is how many test rows are evaluated after each epoch, drawn by
	// seed. 0: all, or a quarter as many as are trained on where these are
	// fewer than the test rows. After the last epoch it is all.
	TestLimit int `json:"test_limit"`
	// Patience ends a run after so many epochs without a lower validation loss,
	// which it wants rows for; 0: none.
	Patience  int       `json:"patience,omitempty"`
	SaveEvery SaveEvery `json:"save_every,omitzero"` // empty: at epochs' ends
}

// NewConfig returns a preset's configuration: seed 1, device auto, and an empty
// Output, which becomes what suits the data, the preset's for images.
func NewConfig(preset string) (Config, error) {
	spec, err := model.Preset(preset)
	if err != nil {
		return Config{}, &ConfigError{err}
	}
	spec.Output = ""
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
	if err := CheckDevice(c.Device, c.GPU, c.Threads); err != nil {
		return err
	}
	if c.Limit < 0 || c.TestLimit < 0 {
		return configErrorf("aegis: limit %d, test limit %d; want numbers of at least 0", c.Limit, c.TestLimit)
	}
	if err := checkPatience(c.Patience); err != nil {
		return err
	}
	if err := c.SaveEvery.check(); err != nil {
		return err
	}
	if c.Scale != "" && !slices.Contains(data.Scales(), c.Scale) {
		return configErrorf("aegis: unknown scale %q; want one of %q, or none at all for what suits the data", c.Scale, data.Scales())
	}
	for _, held := range []data.Held{c.Val, c.TestSplit} {
		if err := held.Validate(); err != nil {
			return &ConfigError{err}
		}
	}
	if c.Limit > 0 && c.Val.Of(c.Limit)+c.TestSplit.Of(c.Limit) >= c.Limit && c.Val+c.TestSplit > 0 {
		what := fmt.Sprintf("val %v", c.Val)
		if c.TestSplit > 0 {
			what += fmt.Sprintf(" and test split %v", c.TestSplit)
		}
		return configErrorf("aegis: %s of limit %d rows leaves none to train on; want less", what, c.Limit)
	}
	return c.Reading.validate()
}

// checkPatience says what is wrong with a number of epochs on any data.
func checkPatience(epochs int) error {
	if epochs < 0 {
		return configErrorf("aegis: patience of %d epochs; want at least 1, or 0 for none", epochs)
	}
	return nil
}

// patient says that there is nothing to be patient for.
func patient(epochs, validated int) error {
	if epochs > 0 && validated == 0 {
		return advice.With(configErrorf("aegis: patience of %d epochs, but no rows validate; hold some out, or leave patience out", epochs), "val")
	}
	return nil
}

// endingSchedule says that the learning rate goes by all steps of a run, which its
// epochs decide.
func (c Config) endingSchedule() bool {
	s, err := optim.ParseSchedule(c.Schedule)
	return err == nil && s.BySteps()
}

// scheduleEpochs is how long such a schedule is.
func (c Config) scheduleEpochs() int { return cmp.Or(c.ScheduleEpochs, c.Epochs) }

// The devices that a Config names.
const (
	DeviceAuto = "auto" // the fastest VM that can run here
	DeviceCPU  = "cpu"  // the fastest VM on the CPU
	DeviceCUDA = "cuda" // an NVIDIA GPU
	DeviceTape = "tape" // Gorgonia's tape machine, the reference
)

// Devices returns all names.
func Devices() []string { return []string{DeviceAuto, DeviceCPU, DeviceCUDA, DeviceTape} }

// MostThreads is how many threads a run may have, and how many runs may train
// side by side.
const MostThreads = 1024

// CheckDevice says what is wrong with the choice of a device, as a
// *[ConfigError].
func CheckDevice(name string, gpu, threads int) error {
	if !slices.Contains(Devices(), name) {
		return configErrorf("aegis: unknown device %q; want one of %s", name, strings.Join(Devices(), ", "))
	}
	if threads < 0 || threads > MostThreads {
		return configErrorf("aegis: %d threads; want 1 to %d, or 0 for as many as pay", threads, MostThreads)
	}
	if gpu < 0 {
		return configErrorf("aegis: GPU %d; want a number of at least 0", gpu)
	}
	return nil
}

// Settle drops what settings leave without a sense of what a preset had: the
// loss beside a likelihood, whose divergence then weighs 1; the activation of a
// code that a likelihood or a prior shapes; numbers of another optimizer, as
// adam's beta1 beside sgd; and the length of a schedule that has none. given
// tells by key what was set; that stays.
func (c *Config) Settle(given func(key string) bool) {
	if (given("likelihood") || given("prior")) && c.generates() && !given("activate_code") {
		c.ActivateCode = false
	}
	if given("likelihood") && c.Variational() && !given("loss") && c.Loss != "" {
		if c.Loss = ""; !given("beta") {
			c.Beta = 1
		}
	}
	if given("optimizer") {
		c.settleOptimizer(given)
	}
	if s, err := optim.ParseSchedule(c.Schedule); given("schedule") && err == nil && !s.BySteps() && !given("schedule_epochs") {
		c.ScheduleEpochs = 0
	}
}

// settleOptimizer drops numbers that the optimizer does not have.
func (c *Config) settleOptimizer(given func(key string) bool) {
	for _, n := range []struct {
		key, name string
		at        *float64
	}{
		{"beta1", "beta1", &c.Beta1},
		{"beta2", "beta2", &c.Beta2},
		{"epsilon", "epsilon", &c.Epsilon},
		{"rmsprop_alpha", "smoothing", &c.RMSpropAlpha},
		{"momentum", "momentum", &c.Momentum},
	} {
		if !optim.Takes(c.Optimizer, n.name) && !given(n.key) {
			*n.at = 0
		}
	}
	if !optim.Takes(c.Optimizer, "nesterov") && !given("nesterov") {
		c.Nesterov = false
	}
}
