package cli

import (
	"strings"

	"aegis"
)

// Group is a part of the help.
type Group string

// The groups, in the order of the help.
const (
	Network     Group = "Network"
	Training    Group = "Training"
	Data        Group = "Data"
	Device      Group = "Device"
	Run         Group = "Run"
	Information Group = "Information"
)

// Option is something that a user can set, by a flag, in a file or both.
type Option struct {
	Name   string // of the flag; "": in a file only
	Key    string // in config.toml; "": the command's own
	Group  Group
	Value  string // what stands for a value in the help, such as rows; "": a switch has none
	Help   string
	Resume bool // may change when a run is resumed

	at func(*call) any // a pointer to its value, which says how it is parsed
}

// call is a command line, parsed.
type call struct {
	config aegis.Config

	file                                               string // --config
	out                                                string
	force, quiet, json, summary, plan, doctor, version bool
}

// options is the one table of options: flags, config.toml and the help are
// read by it.
func options() []Option {
	presets, devices := strings.Join(aegis.Presets(), ", "), strings.Join(aegis.Devices(), ", ")
	return []Option{
		{
			Name: "model", Key: "model", Group: Network, Value: "preset", at: func(c *call) any { return &c.config.Model },
			Help: presets,
		},
		{
			Name: "config", Group: Network, Value: "config.toml", at: func(c *call) any { return &c.file },
			Help: "start from a run's file in place of a preset",
		},
		{Key: "family", Group: Network, at: func(c *call) any { return &c.config.Family }},
		{Key: "image", Group: Network, at: func(c *call) any { return &c.config.Image }},
		{
			Name: "hidden", Key: "hidden", Group: Network, Value: "widths", at: func(c *call) any { return &c.config.Hidden },
			Help: "of the encoder's hidden layers, such as 512,256 (channels for conv), or none; the decoder mirrors them",
		},
		{
			Name: "latent", Key: "latent", Group: Network, Value: "size", at: func(c *call) any { return &c.config.Latent },
			Help: "of the code",
		},
		{
			Name: "activation", Key: "activation", Group: Network, Value: "function", at: func(c *call) any { return &c.config.Activation },
			Help: "of hidden layers: relu, leakyrelu, tanh, sigmoid, elu, gelu, identity",
		},
		{Key: "activate_code", Group: Network, at: func(c *call) any { return &c.config.ActivateCode }},
		{
			Name: "output", Key: "output", Group: Network, Value: "function", at: func(c *call) any { return &c.config.Output },
			Help: "of the last layer; with tanh pixels are in [-1,1], else in [0,1]",
		},
		{Key: "init", Group: Network, at: func(c *call) any { return &c.config.Init }},
		{
			Name: "loss", Key: "loss", Group: Training, Value: "loss", at: func(c *call) any { return &c.config.Loss },
			Help: "mse, mae, huber or bce (bce wants --output sigmoid)",
		},
		{
			Name: "optimizer", Key: "optimizer", Group: Training, Value: "optimizer", at: func(c *call) any { return &c.config.Optimizer },
			Help: "adam or sgd",
		},
		{
			Name: "lr", Key: "lr", Group: Training, Value: "rate", Resume: true, at: func(c *call) any { return &c.config.LR },
			Help: "learning rate",
		},
		{
			Name: "momentum", Key: "momentum", Group: Training, Value: "number", at: func(c *call) any { return &c.config.Momentum },
			Help: "of sgd",
		},
		{
			Name: "batch", Key: "batch", Group: Training, Value: "images", at: func(c *call) any { return &c.config.Batch },
			Help: "a step",
		},
		{
			Name: "epochs", Key: "epochs", Group: Training, Value: "number", Resume: true, at: func(c *call) any { return &c.config.Epochs },
			Help: "times through the training set",
		},
		{
			Name: "seed", Key: "seed", Group: Training, Value: "number", at: func(c *call) any { return &c.config.Seed },
			Help: "of every random number",
		},
		{
			Name: "data", Key: "data", Group: Data, Value: "folder", Resume: true, at: func(c *call) any { return &c.config.Data },
			Help: "of IDX files, plain or .gz (default: the embedded MNIST)",
		},
		{
			Name: "limit", Key: "limit", Group: Data, Value: "rows", at: func(c *call) any { return &c.config.Limit },
			Help: "train on the first ones only (0: all)",
		},
		{
			Name: "val", Key: "val", Group: Data, Value: "rows", at: func(c *call) any { return &c.config.Val },
			Help: "hold them out of the training set, drawn by seed, such as 5000 or 10%, and keep the model that is best on them",
		},
		{
			Name: "test-limit", Key: "test_limit", Group: Data, Value: "rows", at: func(c *call) any { return &c.config.TestLimit },
			Help: "evaluate that many test rows after each epoch, drawn by seed, and all after the last (0: all, or fewer where few are trained on)",
		},
		{
			Name: "device", Key: "device", Group: Device, Value: "device", Resume: true, at: func(c *call) any { return &c.config.Device },
			Help: devices,
		},
		{
			Name: "gpu", Key: "gpu", Group: Device, Value: "number", Resume: true, at: func(c *call) any { return &c.config.GPU },
			Help: "of the GPU",
		},
		{
			Name: "threads", Key: "threads", Group: Device, Value: "number", Resume: true, at: func(c *call) any { return &c.config.Threads },
			Help: "workers on a CPU (0: as many as pay); changes no result",
		},
		{
			Name: "out", Group: Run, Value: "directory", at: func(c *call) any { return &c.out },
			Help: "of the run (default runs/<model>-<time>)",
		},
		{Name: "force", Group: Run, at: func(c *call) any { return &c.force }, Help: "replace the run that --out holds"},
		{Name: "quiet", Group: Run, at: func(c *call) any { return &c.quiet }, Help: "print errors only"},
		{
			Name: "json", Group: Run, at: func(c *call) any { return &c.json },
			Help: "print the lines of metrics.jsonl on stdout; with --doctor, print what it says as JSON",
		},
		{
			Name: "summary", Group: Information, at: func(c *call) any { return &c.summary },
			Help: "print layers, shapes, parameters, FLOPs and memory, and exit",
		},
		{
			Name: "plan", Group: Information, at: func(c *call) any { return &c.plan },
			Help: "print the plan that the CPU VM trains by, and exit",
		},
		{
			Name: "doctor", Group: Information, at: func(c *call) any { return &c.doctor },
			Help: "print what this machine has, where CUDA was looked for and what auto takes, and exit",
		},
		{
			Name: "version", Group: Information, at: func(c *call) any { return &c.version },
			Help: "print version, commit and Go version, and exit",
		},
	}
}
