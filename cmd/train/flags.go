package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"aegis"
	"aegis/data"
	"aegis/model"
)

// usageError is a command line that cannot be meant.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() + "; see --help" }

// flags is a parsed command line.
type flags struct {
	config                                             aegis.Config
	out                                                string
	force, quiet, json, summary, plan, doctor, version bool
}

// widths is a list of layer widths, such as 512,256; "none" has no layer.
type widths []int

func (w *widths) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(*w), " ", ","), "[]")
}

func (w *widths) Set(text string) error {
	*w = widths{}
	if text == "none" {
		return nil
	}
	for _, field := range strings.Split(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil {
			return fmt.Errorf("want widths such as 512,256, or none, got %q", text)
		}
		*w = append(*w, n)
	}
	return nil
}

// parse reads a command line; nil without an error means that help was asked
// for and given.
func parse(args []string, stdout io.Writer) (*flags, error) {
	f := &flags{}
	set := flag.NewFlagSet("train", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	preset := set.String("model", model.Presets()[0].Model, "`preset`: "+strings.Join(presetNames(), ", "))
	file := set.String("config", "", "start from a run's `config.toml` in place of a preset")
	var bent model.Spec
	var hidden widths
	set.Var(&hidden, "hidden", "`widths` of the encoder's hidden layers, such as 512,256 (channels for conv), or none; the decoder mirrors them")
	set.IntVar(&bent.Latent, "latent", 0, "size of the code")
	set.StringVar(&bent.Activation, "activation", "", "`function` of hidden layers: relu, leakyrelu, tanh, sigmoid, elu, gelu, identity")
	set.StringVar(&bent.Output, "output", "", "`function` of the last layer; with tanh pixels are in [-1,1], else in [0,1]")
	loss := set.String("loss", "", "`loss`: mse, mae, huber or bce (bce wants --output sigmoid)")
	optimizer := set.String("optimizer", "", "`optimizer`: adam or sgd")
	set.Float64Var(&bent.LR, "lr", 0, "learning `rate`")
	set.Float64Var(&bent.Momentum, "momentum", 0, "momentum of sgd")
	set.IntVar(&bent.Batch, "batch", 0, "images a step")
	set.IntVar(&bent.Epochs, "epochs", 0, "times through the training set")
	seed := set.Uint64("seed", 1, "of every random number")
	device := set.String("device", aegis.DeviceAuto, "`device`: "+strings.Join(aegis.Devices(), ", "))
	gpu := set.Int("gpu", 0, "`number` of the GPU")
	threads := set.Int("threads", 0, "workers on a CPU (0: as many as pay); changes no result")
	dataDir := set.String("data", "", "`folder` of IDX files, plain or .gz, or a .npy or .npz file (default: the embedded MNIST)")
	scale := set.String("scale", "", "`kind` of scaling, fitted on the training rows: none, minmax or standard (default: images to the range of pixels, vectors standard)")
	limit := set.Int("limit", 0, "train on the first `rows` only (0: all)")
	var val data.Held
	set.Var(&val, "val", "hold `rows` of the training set out, drawn by seed, such as 5000 or 10%, and keep the model that is best on them")
	testLimit := set.Int("test-limit", 0, "evaluate that many test `rows` after each epoch, drawn by seed, and all after the last (0: all, or fewer where few are trained on)")
	set.StringVar(&f.out, "out", "", "run `directory` (default runs/<model>-<time>)")
	set.BoolVar(&f.force, "force", false, "replace the run that --out holds")
	set.BoolVar(&f.quiet, "quiet", false, "print errors only")
	set.BoolVar(&f.json, "json", false, "print the lines of metrics.jsonl on stdout; with --doctor, print what it says as JSON")
	set.BoolVar(&f.summary, "summary", false, "print layers, shapes, parameters, FLOPs and memory, and exit")
	set.BoolVar(&f.plan, "plan", false, "print the plan that the CPU VM trains by, and exit")
	set.BoolVar(&f.doctor, "doctor", false, "print what this machine has, where CUDA was looked for and what auto takes, and exit")
	set.BoolVar(&f.version, "version", false, "print version, commit and Go version, and exit")

	switch err := set.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(stdout, "usage: train [flags]\n\nTrains an autoencoder and writes a run directory. A preset has the hyper-parameters\nof its source; any flag bends it.\n\n")
		set.SetOutput(stdout)
		set.PrintDefaults()
		return nil, nil
	case err != nil:
		return nil, &usageError{err}
	case set.NArg() > 0:
		return nil, &usageError{fmt.Errorf("unexpected argument %q", set.Arg(0))}
	}
	if err := noneEmpty(set); err != nil {
		return nil, err
	}
	config, err := base(set, *file, *preset)
	if err != nil {
		return nil, err
	}
	set.Visit(func(given *flag.Flag) {
		switch given.Name {
		case "hidden":
			config.Hidden = hidden
		case "latent":
			config.Latent = bent.Latent
		case "activation":
			config.Activation = bent.Activation
		case "output":
			config.Output = bent.Output
		case "loss":
			config.Loss = model.Loss(*loss)
		case "optimizer":
			config.Optimizer = *optimizer
		case "lr":
			config.LR = bent.LR
		case "momentum":
			config.Momentum = bent.Momentum
		case "batch":
			config.Batch = bent.Batch
		case "epochs":
			config.Epochs = bent.Epochs
		case "seed":
			config.Seed = aegis.Seed(*seed)
		case "device":
			config.Device = *device
		case "gpu":
			config.GPU = *gpu
		case "threads":
			config.Threads = *threads
		case "data":
			config.Data = aegis.Path(*dataDir)
		case "scale":
			config.Scale = data.Scale(*scale)
		case "limit":
			config.Limit = *limit
		case "val":
			config.Val = val
		case "test-limit":
			config.TestLimit = *testLimit
		}
	})
	f.config = config
	return f, nil
}

// base returns the configuration that flags bend: that of a file, or a
// preset's.
func base(set *flag.FlagSet, file, preset string) (aegis.Config, error) {
	if file == "" {
		return aegis.NewConfig(preset)
	}
	var both bool
	set.Visit(func(given *flag.Flag) { both = both || given.Name == "model" })
	if both {
		return aegis.Config{}, &usageError{errors.New("--config has a model already; leave --model out")}
	}
	return aegis.LoadConfig(file)
}

// noneEmpty refuses an empty string: it is what a shell makes of a variable
// that is not set, and never meant as the default.
func noneEmpty(set *flag.FlagSet) (err error) {
	set.Visit(func(given *flag.Flag) {
		value, ok := given.Value.(flag.Getter)
		if !ok || err != nil {
			return
		}
		if text, ok := value.Get().(string); ok && text == "" {
			err = &usageError{fmt.Errorf("--%s is empty; give it a value or leave it out", given.Name)}
		}
	})
	return err
}

func presetNames() []string {
	var names []string
	for _, s := range model.Presets() {
		names = append(names, s.Model)
	}
	return names
}
