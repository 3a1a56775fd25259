package cli

import (
	"strings"

	"aegis"
)

// option is something that a user can set, by a flag, in a file or both.
type option struct {
	name   string // of the flag; "": in a file only
	key    string // in config.toml; "": the command's own
	value  string // what stands for a value in the help, such as rows; "": a switch has none
	help   string
	resume bool // may change when a run is resumed

	at func(*call) any // a pointer to its value, which says how it is parsed
}

// call is a command line, parsed.
type call struct {
	config aegis.Config

	file                                               string // --config
	out                                                string
	force, quiet, json, summary, plan, doctor, version bool
}

// group is a part of the help.
type group struct {
	name    string
	options []option
}

// groups is the one table of options: flags and help are read by it, and a
// test holds it to config.toml.
func groups() []group {
	return []group{
		{"Network", networkOptions()},
		{"Training", trainingOptions()},
		{"Regularisation", regularOptions()},
		{"Data", dataOptions()},
		{"Device", deviceOptions()},
		{"Run", runOptions()},
		{"Information", informationOptions()},
	}
}

// options returns those of all groups.
func options() []option {
	var all []option
	for _, g := range groups() {
		all = append(all, g.options...)
	}
	return all
}

func networkOptions() []option {
	return []option{
		{
			name: "model", key: "model", value: "preset", at: func(c *call) any { return &c.config.Model },
			help: strings.Join(aegis.Presets(), ", "),
		},
		{
			name: "config", value: "config.toml", at: func(c *call) any { return &c.file },
			help: "start from a run's file in place of a preset",
		},
		{key: "family", at: func(c *call) any { return &c.config.Family }},
		{key: "image", at: func(c *call) any { return &c.config.Image }},
		{
			name: "hidden", key: "hidden", value: "widths", at: func(c *call) any { return &c.config.Hidden },
			help: "widths of the encoder's hidden layers, such as 512,256 (channels for conv), or none; the decoder mirrors them",
		},
		{
			name: "latent", key: "latent", value: "size", at: func(c *call) any { return &c.config.Latent },
			help: "size of the code",
		},
		{
			name: "activation", key: "activation", value: "function", at: func(c *call) any { return &c.config.Activation },
			help: "activation of hidden layers: relu, leakyrelu, tanh, sigmoid, elu, gelu, identity",
		},
		{
			name: "activate-code", key: "activate_code", at: func(c *call) any { return &c.config.ActivateCode },
			help: "activation on the code too, not on hidden layers alone",
		},
		{
			name: "output", key: "output", value: "function", at: func(c *call) any { return &c.config.Output },
			help: "activation of the last layer; with tanh pixels are in [-1,1], else in [0,1]",
		},
		{key: "init", at: func(c *call) any { return &c.config.Init }},
	}
}

func trainingOptions() []option {
	return []option{
		{
			name: "loss", key: "loss", value: "loss", at: func(c *call) any { return &c.config.Loss },
			help: "mse, mae, huber or bce (bce wants --output sigmoid)",
		},
		{
			name: "likelihood", key: "likelihood", value: "likelihood", at: func(c *call) any { return &c.config.Likelihood },
			help: "of a variational network: bernoulli, gaussian:SIGMA or gaussian:learned, in place of --loss",
		},
		{
			name: "beta", key: "beta", value: "number", at: func(c *call) any { return &c.config.Beta },
			help: "what the divergence of a variational network's code weighs",
		},
		{
			name: "kl-warmup", key: "kl_warmup", value: "epochs", at: func(c *call) any { return &c.config.KLWarmup },
			help: "epochs in which --beta grows from 0",
		},
		{
			name: "free-bits", key: "free_bits", value: "nats", at: func(c *call) any { return &c.config.FreeBits },
			help: "divergence that each dimension of a variational network's code has free",
		},
		{
			name: "optimizer", key: "optimizer", value: "optimizer", at: func(c *call) any { return &c.config.Optimizer },
			help: "adam or sgd",
		},
		{
			name: "lr", key: "lr", value: "rate", resume: true, at: func(c *call) any { return &c.config.LR },
			help: "learning rate",
		},
		{
			name: "schedule", key: "schedule", value: "schedule", resume: true, at: func(c *call) any { return &c.config.Schedule },
			help: "what --lr becomes from step to step: constant, or cosine (to zero over all epochs)",
		},
		{
			name: "momentum", key: "momentum", value: "number", at: func(c *call) any { return &c.config.Momentum },
			help: "momentum of sgd",
		},
		{
			name: "batch", key: "batch", value: "number", at: func(c *call) any { return &c.config.Batch },
			help: "images a step",
		},
		{
			name: "epochs", key: "epochs", value: "number", resume: true, at: func(c *call) any { return &c.config.Epochs },
			help: "times through the training set",
		},
		{
			name: "seed", key: "seed", value: "number", at: func(c *call) any { return &c.config.Seed },
			help: "seed of every random number",
		},
	}
}

func dataOptions() []option {
	return []option{
		{
			name: "data", key: "data", value: "path", resume: true, at: func(c *call) any { return &c.config.Data },
			help: "folder of IDX files, plain or .gz, or a .npy or .npz file (default: the embedded MNIST)",
		},
		{
			name: "scale", key: "scale", value: "kind", at: func(c *call) any { return &c.config.Scale },
			help: "none, minmax or standard, fitted on the training rows (default: images to the range of pixels, vectors standard)",
		},
		{
			name: "limit", key: "limit", value: "rows", at: func(c *call) any { return &c.config.Limit },
			help: "train on the first rows only (0: all)",
		},
		{
			name: "val", key: "val", value: "rows", at: func(c *call) any { return &c.config.Val },
			help: "hold rows of the training set out, drawn by seed, such as 5000 or 10%, and keep the model that is best on them",
		},
		{
			name: "test-limit", key: "test_limit", value: "rows", at: func(c *call) any { return &c.config.TestLimit },
			help: "evaluate that many test rows after each epoch, drawn by seed, and all after the last (0: all, or fewer where few are trained on)",
		},
	}
}

func deviceOptions() []option {
	return []option{
		{
			name: "device", key: "device", value: "device", resume: true, at: func(c *call) any { return &c.config.Device },
			help: strings.Join(aegis.Devices(), ", "),
		},
		{
			name: "gpu", key: "gpu", value: "number", resume: true, at: func(c *call) any { return &c.config.GPU },
			help: "number of the GPU",
		},
		{
			name: "threads", key: "threads", value: "number", resume: true, at: func(c *call) any { return &c.config.Threads },
			help: "workers on a CPU (0: as many as pay); changes no result",
		},
	}
}

func runOptions() []option {
	return []option{
		{
			name: "out", value: "directory", at: func(c *call) any { return &c.out },
			help: "run directory (default runs/<model>-<time>)",
		},
		{name: "force", at: func(c *call) any { return &c.force }, help: "replace the run that --out holds"},
		{name: "quiet", at: func(c *call) any { return &c.quiet }, help: "print errors only"},
		{
			name: "json", at: func(c *call) any { return &c.json },
			help: "print the lines of metrics.jsonl on stdout; with --doctor, print what it says as JSON",
		},
	}
}

func informationOptions() []option {
	return []option{
		{
			name: "summary", at: func(c *call) any { return &c.summary },
			help: "print layers, shapes, parameters, FLOPs and memory, and exit",
		},
		{
			name: "plan", at: func(c *call) any { return &c.plan },
			help: "print the plan that the CPU VM trains by, and exit",
		},
		{
			name: "doctor", at: func(c *call) any { return &c.doctor },
			help: "print what this machine has, where CUDA was looked for and what auto takes, and exit",
		},
		{
			name: "version", at: func(c *call) any { return &c.version },
			help: "print version, commit and Go version, and exit",
		},
	}
}
