package session

import (
	"strings"

	"aegis/model/optim"
)

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
			Help: "activation of hidden layers: relu, leakyrelu (or with its slope: leakyrelu:0.2), tanh, sigmoid, elu, gelu, identity",
		},
		{
			Key: "activate_code", spec: true, At: func(c *Config) any { return &c.ActivateCode },
			Help: "activation on the code too, not on hidden layers alone",
		},
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
			Help: strings.Join(optim.Kinds(), ", "),
		},
		{
			Key: "lr", Value: "rate", Resume: true, spec: true, At: func(c *Config) any { return &c.LR },
			Help: "learning rate",
		},
		{
			Key: scheduleKey, Value: "schedule", Resume: true, At: func(c *Config) any { return &c.Schedule },
			Help: "what the learning rate becomes from step to step: constant; step:EPOCHS:FACTOR (times FACTOR after every so many epochs; step alone: a third of all, 0.1); " +
				"cosine or linear (to zero over all epochs, or to a share: cosine:0.1); plateau[:PATIENCE[:FACTOR]] (times FACTOR, 0.1, where the loss of rows held out has not fallen for more than PATIENCE, 10, epochs)",
		},
		{
			Key: "warmup", Value: "steps", Resume: true, At: func(c *Config) any { return &c.Warmup },
			Help: "steps in which the learning rate grows from nothing; the schedule begins after them (0: none)",
		},
		{
			Key: "schedule_epochs", Value: "epochs", Resume: true, At: func(c *Config) any { return &c.ScheduleEpochs },
			Help: "epochs that a schedule over all training goes by (0: those that are trained)",
		},
		{
			Key: "weight_decay", Value: "number", At: func(c *Config) any { return &c.WeightDecay },
			Help: "takes all parameters towards zero, biases too: adamw multiplies them by 1-lr*number in each step, the others add number*parameter to the gradient",
		},
		{
			Key: "momentum", Value: "number", spec: true, At: func(c *Config) any { return &c.Momentum },
			Help: "momentum of sgd or rmsprop",
		},
		{
			Key: "nesterov", At: func(c *Config) any { return &c.Nesterov },
			Help: "of sgd's momentum: step to where it leads",
		},
		{
			Key: "beta1", Value: "number", At: func(c *Config) any { return &c.Beta1 },
			Help: "of adam and adamw: how much of the mean of gradients is kept from step to step (0: 0.9)",
		},
		{
			Key: "beta2", Value: "number", At: func(c *Config) any { return &c.Beta2 },
			Help: "of adam and adamw: how much of the mean of their squares is kept (0: 0.999)",
		},
		{
			Key: "epsilon", Value: "number", At: func(c *Config) any { return &c.Epsilon },
			Help: "of adam, adamw and rmsprop: what is added to the root that a step is divided by (0: 1e-8)",
		},
		{
			Key: "rmsprop_alpha", Value: "number", At: func(c *Config) any { return &c.RMSpropAlpha },
			Help: "of rmsprop: how much of the mean of squares is kept from step to step (0: 0.99)",
		},
		{
			Key: "clip_norm", Value: "number", Resume: true, At: func(c *Config) any { return &c.ClipNorm },
			Help: "scale gradients down to this norm of all together where theirs is larger, such as 1 (0: as they are)",
		},
		{
			Key: "clip_value", Value: "number", Resume: true, At: func(c *Config) any { return &c.ClipValue },
			Help: "bound each value of a gradient, before the norm, such as 0.5 (0: as it is)",
		},
		{
			Key: initFromKey, Flag: "init", Value: "run", Local: true, At: func(c *Config) any { return &c.InitFrom },
			Help: "start from the parameters of a run or a model's file, of the same network, as its config.toml has it; how rows are read and scaled is that model's",
		},
		{
			Key: "batch", Value: "number", spec: true, At: func(c *Config) any { return &c.Batch },
			Help: "images a step",
		},
		{
			Key: epochsKey, Value: "number", Resume: true, spec: true, At: func(c *Config) any { return &c.Epochs },
			Help:    "times through the training set",
			program: func(c *ProgramConfig) any { return &c.Epochs },
		},
		{
			Key: "ema", Value: "decay", At: func(c *Config) any { return &c.EMA },
			Help: "evaluate and keep averages of the parameters that follow them by a decay, such as 0.999, less in early steps (0: none)",
		},
		{
			Key: "patience", Value: "epochs", Resume: true, At: func(c *Config) any { return &c.Patience },
			Help:    "end after so many epochs in which the validation loss gets no lower (0: never)",
			program: func(c *ProgramConfig) any { return &c.Patience },
		},
		{
			Key: "save_every", Value: "steps|time", Resume: true, Local: true, At: func(c *Config) any { return &c.SaveEvery },
			Help:    "write a checkpoint after so many steps or so long, such as 500 or 30s (default: at epochs' ends)",
			program: func(c *ProgramConfig) any { return &c.SaveEvery },
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
			Key: "data", Value: "what", Resume: true, Local: true, At: func(c *Config) any { return &c.Data },
			Help: "mnist (default), fashion-mnist, or a path: a folder of images or of IDX files, a .npy or .npz file, CSV, TSV or Parquet; - reads standard input",
		},
		{
			Key: "scale", Value: "kind", At: func(c *Config) any { return &c.Scale },
			Help: "none, minmax or standard, fitted on the training rows (default: images to the range of pixels, vectors standard)",
		},
		{
			Key: "normal_class", Value: "class", At: func(c *Config) any { return &c.NormalClass },
			Help: "train on the rows of one class alone, by name or number, to find what is unlike them",
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
			Key: "test_split", Value: "rows", At: func(c *Config) any { return &c.TestSplit },
			Help: "hold rows of the training set out to test with, as val does, where there is no test set",
		},
		{
			Key: "test_limit", Value: "rows", Resume: true, At: func(c *Config) any { return &c.TestLimit },
			Help: "evaluate that many test rows after each epoch, drawn by seed, and all after the last (0: all, or fewer where few are trained on)",
		},
	}
}

func readingOptions() []ConfigOption {
	return []ConfigOption{
		{
			Key: "size", Value: "HxW", At: func(c *Config) any { return &c.Size },
			Help: "height and width that images of a folder get, such as 64x64 (default: their own, where all have one)",
		},
		{
			Key: "fit", Value: "how", At: func(c *Config) any { return &c.ImageFit },
			Help: "how an image becomes one of that size: crop (default), pad or stretch",
		},
		{Key: "gray", At: func(c *Config) any { return &c.Gray }, Help: "make images grey"},
		{
			Key: "strict", At: func(c *Config) any { return &c.Strict },
			Help: "end at an image that cannot be read (default: it is named and left out)",
		},
		{
			Key: "columns", Value: "names", At: func(c *Config) any { return &c.Columns },
			Help: "columns of a table to read, such as a,b, by name or from 1 (default: all)",
		},
		{Key: "drop", Value: "names", At: func(c *Config) any { return &c.Drop }, Help: "columns of a table to leave out"},
		{Key: "label", Value: "name", At: func(c *Config) any { return &c.Label }, Help: "the column of a table with each row's class"},
		{
			Key: "impute", Value: "how", At: func(c *Config) any { return &c.Impute },
			Help: "fill in values that are missing: mean or median of their column (default: such a value is an error)",
		},
		{
			Key: "window", Value: "W[:STEP]", At: func(c *Config) any { return &c.Window },
			Help: "make a row of W lines of a table that follow each other, the next one STEP lines on (default 1)",
		},
		{Key: "header", Value: "yes|no", At: func(c *Config) any { return &c.Header }, Help: "whether a table begins with names (default: as it looks)"},
		{
			Key: "delimiter", Value: "mark", At: func(c *Config) any { return &c.Delimiter },
			Help: "what stands between the values of a table, or tab (default: as it looks)",
		},
		{
			Key: "decimal", Value: "mark", At: func(c *Config) any { return &c.Decimal },
			Help: "the mark within a number, . or , (default: as the table looks)",
		},
		{
			Key: "keys", Value: "names", At: func(c *Config) any { return &c.Keys },
			Help: "arrays of an .npz, such as train=a,train_labels=b,test=c (default: by their usual names)",
		},
	}
}

func deviceOptions() []ConfigOption {
	return []ConfigOption{
		{
			Key: "device", Value: "device", Resume: true, Local: true, At: func(c *Config) any { return &c.Device },
			Help:    strings.Join(Devices(), ", "),
			program: func(c *ProgramConfig) any { return &c.Device },
		},
		{
			Key: "gpu", Value: "number", Resume: true, Local: true, At: func(c *Config) any { return &c.GPU },
			Help:    "number of the GPU",
			program: func(c *ProgramConfig) any { return &c.GPU },
		},
		{
			Key: "threads", Value: "number", Resume: true, Local: true, At: func(c *Config) any { return &c.Threads },
			Help:    "workers on a CPU (0: as many as pay); changes no result",
			program: func(c *ProgramConfig) any { return &c.Threads },
		},
	}
}

func variationalOptions() []ConfigOption {
	return []ConfigOption{
		{
			Key: "likelihood", Value: "likelihood", None: true, At: func(c *Config) any { return &c.Likelihood },
			Help: "bernoulli, gaussian:SIGMA or gaussian:learned, in place of a loss",
		},
		{
			Key: "beta", Value: "number", At: func(c *Config) any { return &c.Beta },
			Help: "what the divergence of the code weighs",
		},
		{
			Key: "kl_warmup", Value: "epochs", At: func(c *Config) any { return &c.KLWarmup },
			Help: "epochs in which beta grows from 0",
		},
		{
			Key: "free_bits", Value: "nats", At: func(c *Config) any { return &c.FreeBits },
			Help: "divergence that each dimension of the code has free",
		},
		{
			Key: "condition", Value: "labels", None: true, At: func(c *Config) any { return &c.Condition },
			Help: "labels: encoder and decoder read each row's class too",
		},
		{
			Key: "binarize", Value: "how", None: true, At: func(c *Config) any { return &c.Binarize },
			Help: "draw each pixel as 0 or 1 by its chance: static (once) or dynamic (anew in each step); the test set is drawn once",
		},
	}
}

func adversarialOptions() []ConfigOption {
	return []ConfigOption{
		{
			Key: "prior", Value: "prior", None: true, At: func(c *Config) any { return &c.Prior },
			Help: "what a discriminator holds codes to: normal or, of 2 values, mixture:K",
		},
		{
			Key: "discriminator", Value: "widths", At: func(c *Config) any { return &c.Discriminator },
			Help: "widths of the discriminator's hidden layers",
		},
	}
}

func regularOptions() []ConfigOption {
	return []ConfigOption{
		{
			Key: "batch_norm", At: func(c *Config) any { return &c.BatchNorm },
			Help: "normalise each hidden layer by its batch, before the activation",
		},
		{
			Key: "dropout", Value: "chance", At: func(c *Config) any { return &c.Dropout },
			Help: "drop values of hidden layers with a chance while training, such as 0.2",
		},
		{
			Key: "corrupt", Value: "kind:number", None: true, At: func(c *Config) any { return &c.Corrupt },
			Help: "learn to restore rows from gaussian:0.5, mask:0.3 or saltpepper:0.1",
		},
		{
			Key: "sparse", Value: "kind:number", None: true, At: func(c *Config) any { return &c.Sparse },
			Help: "sparse codes: l1:1e-4, kl:0.05:1e-3 (rate, weight; of a sigmoid code, see activate-code) or topk:8",
		},
		{
			Key: "code_l2", Value: "weight", At: func(c *Config) any { return &c.CodeL2 },
			Help: "weight of half the squared norm of codes",
		},
		{
			Key: "l1", Value: "weight", At: func(c *Config) any { return &c.L1 },
			Help: "weight of the absolute values of weights",
		},
		{
			Key: "l2", Value: "weight", At: func(c *Config) any { return &c.L2 },
			Help: "weight of the squares of weights",
		},
	}
}
