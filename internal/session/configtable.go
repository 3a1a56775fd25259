package session

import (
	"strings"

	"aegis/internal/run"
	"aegis/model"
)

// ConfigOption is a value of a configuration that a user can set: in
// config.toml, and where it has a help by a command too.
type ConfigOption struct {
	Key    string // in config.toml, and in a model file's metadata
	Value  string // what stands for a value in the help, such as rows
	Help   string // empty: it is set in a file only
	Resume bool   // may change when a run is resumed

	At func(*Config) any // a pointer to its value, which says how it is parsed

	spec    bool                     // a file has to have it, unless its model is a preset
	program func(*ProgramConfig) any // nil: a program of one's own says it, or has none
}

// ConfigGroup is options that belong together.
type ConfigGroup struct {
	Name    string
	Options []ConfigOption
}

// ConfigGroups is the one table of a configuration's options: config.toml is
// written and read by it, and commands have their flags and help from it.
func ConfigGroups() []ConfigGroup {
	return []ConfigGroup{
		{"Network", networkOptions()},
		{"Training", trainingOptions()},
		{"Data", dataOptions()},
		{"Device", deviceOptions()},
	}
}

// configTable returns the options of all groups.
func configTable() []ConfigOption {
	var all []ConfigOption
	for _, g := range ConfigGroups() {
		all = append(all, g.Options...)
	}
	return all
}

// settings returns what config.toml has of a configuration, in the table's order.
func (c *Config) settings() []run.Setting {
	var all []run.Setting
	for _, o := range configTable() {
		all = append(all, run.Setting{Key: o.Key, Value: o.At(c)})
	}
	return all
}

// programKey is in the config.toml of a program of one's own: its name.
const programKey = "program"

// settings returns what config.toml has of a program's configuration.
func (c *ProgramConfig) settings() []run.Setting {
	var all []run.Setting
	for _, o := range configTable() {
		if o.program != nil {
			all = append(all, run.Setting{Key: o.Key, Value: o.program(c)})
		}
	}
	return all
}

// Presets returns the names of the networks that have one, the default first.
func Presets() []string {
	var names []string
	for _, s := range model.Presets() {
		names = append(names, s.Model)
	}
	return names
}

func networkOptions() []ConfigOption {
	return []ConfigOption{
		{
			Key: "model", Value: "preset", spec: true, At: func(c *Config) any { return &c.Model },
			Help: strings.Join(Presets(), ", "),
		},
		{Key: "family", spec: true, At: func(c *Config) any { return &c.Family }},
		{Key: "image", At: func(c *Config) any { return &c.Image }}, // the data say it too
		{
			Key: "hidden", Value: "widths", spec: true, At: func(c *Config) any { return &c.Hidden },
			Help: "widths of the encoder's hidden layers, such as 512,256 (channels for conv), or none; the decoder mirrors them",
		},
		{
			Key: "latent", Value: "size", spec: true, At: func(c *Config) any { return &c.Latent },
			Help: "size of the code",
		},
		{
			Key: "activation", Value: "function", spec: true, At: func(c *Config) any { return &c.Activation },
			Help: "activation of hidden layers: relu, leakyrelu, tanh, sigmoid, elu, gelu, identity",
		},
		{Key: "activate_code", spec: true, At: func(c *Config) any { return &c.ActivateCode }},
		{
			Key: "output", Value: "function", spec: true, At: func(c *Config) any { return &c.Output },
			Help: "activation of the last layer; with tanh pixels are in [-1,1], else in [0,1]",
		},
		{Key: "init", spec: true, At: func(c *Config) any { return &c.Init }},
	}
}

func trainingOptions() []ConfigOption {
	return []ConfigOption{
		{
			Key: "loss", Value: "loss", spec: true, At: func(c *Config) any { return &c.Loss },
			Help: "mse, mae, huber or bce (bce wants the output sigmoid)",
		},
		{
			Key: "optimizer", Value: "optimizer", spec: true, At: func(c *Config) any { return &c.Optimizer },
			Help: "adam or sgd",
		},
		{
			Key: "lr", Value: "rate", Resume: true, spec: true, At: func(c *Config) any { return &c.LR },
			Help: "learning rate",
		},
		{
			Key: "momentum", Value: "number", spec: true, At: func(c *Config) any { return &c.Momentum },
			Help: "momentum of sgd",
		},
		{
			Key: "batch", Value: "number", spec: true, At: func(c *Config) any { return &c.Batch },
			Help: "images a step",
		},
		{
			Key: "epochs", Value: "number", Resume: true, spec: true, At: func(c *Config) any { return &c.Epochs },
			Help:    "times through the training set",
			program: func(c *ProgramConfig) any { return &c.Epochs },
		},
		{
			Key: "seed", Value: "number", At: func(c *Config) any { return &c.Seed },
			Help:    "seed of every random number",
			program: func(c *ProgramConfig) any { return &c.Seed },
		},
	}
}

func dataOptions() []ConfigOption {
	return []ConfigOption{
		{
			Key: "data", Value: "path", Resume: true, At: func(c *Config) any { return &c.Data },
			Help: "folder of IDX files, plain or .gz, or a .npy or .npz file (default: the embedded MNIST)",
		},
		{
			Key: "scale", Value: "kind", At: func(c *Config) any { return &c.Scale },
			Help: "none, minmax or standard, fitted on the training rows (default: images to the range of pixels, vectors standard)",
		},
		{
			Key: "limit", Value: "rows", At: func(c *Config) any { return &c.Limit },
			Help: "train on the first rows only (0: all)",
		},
		{
			Key: "val", Value: "rows", At: func(c *Config) any { return &c.Val },
			Help:    "hold rows of the training set out, drawn by seed, such as 5000 or 10%, and keep the model that is best on them",
			program: func(c *ProgramConfig) any { return &c.Val },
		},
		{
			Key: "test_limit", Value: "rows", At: func(c *Config) any { return &c.TestLimit },
			Help: "evaluate that many test rows after each epoch, drawn by seed, and all after the last (0: all, or fewer where few are trained on)",
		},
	}
}

func deviceOptions() []ConfigOption {
	return []ConfigOption{
		{
			Key: "device", Value: "device", Resume: true, At: func(c *Config) any { return &c.Device },
			Help:    strings.Join(Devices(), ", "),
			program: func(c *ProgramConfig) any { return &c.Device },
		},
		{
			Key: "gpu", Value: "number", Resume: true, At: func(c *Config) any { return &c.GPU },
			Help:    "number of the GPU",
			program: func(c *ProgramConfig) any { return &c.GPU },
		},
		{
			Key: "threads", Value: "number", Resume: true, At: func(c *Config) any { return &c.Threads },
			Help:    "workers on a CPU (0: as many as pay); changes no result",
			program: func(c *ProgramConfig) any { return &c.Threads },
		},
	}
}
