package verb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/data"
	"aegis/internal/cli"
)

// importing is the flags of the verb import.
type importing struct {
	process     *cli.Process
	network     cli.Network
	out         string
	image       string
	mean, std   []float64
	names       []string
	classes     int
	force, json bool
}

func importVerb(p *cli.Process) *cobra.Command {
	i := &importing{process: p}
	c := &cobra.Command{
		Use:   "import FILE.safetensors",
		Short: "Make a run of a PyTorch network's parameters",
		Long: "Makes a run's directory of a state dict that PyTorch saved as safetensors, of the network\n" +
			"that --model and other flags describe: every verb works with it. Parameters are found by\n" +
			"their names, else in the order of the layers by their shapes. Activations are in no such\n" +
			"file: they have to be those of the network. Images are read as pixels in [-1,1] where the\n" +
			"output is tanh, else in [0,1], and vectors as they are, unless --mean or --std are given.",
		Example: "  go run ./cmd/aegis import testdata/pytorch/vae.safetensors --model vae --hidden 9 --latent 3 --image 6x5 --out runs/imported",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return cli.Usage(fmt.Errorf("want one file of a state dict, got %q", args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return i.run(c.Context(), args[0]) },
	}
	f := c.Flags()
	f.StringVar(&i.out, "out", "", "run directory (default runs/<model>-<time>)")
	f.BoolVar(&i.force, "force", false, "replace the run that --out holds")
	f.BoolVar(&i.json, "json", false, "print what was made as JSON")
	f.StringVar(&i.image, "image", "28x28", "`shape` of a row: HxW, CxHxW or, of a vector, how many values")
	f.Float64SliceVar(&i.mean, "mean", nil, "`numbers` that were subtracted from values, of images from pixels in [0,1]: one number, or one for each channel or value")
	f.Float64SliceVar(&i.std, "std", nil, "`numbers` by which they were then divided")
	f.StringArrayVar(&i.names, "map", nil, "`theirs=ours`: a tensor or a module by its name in the file, and which of the network's it is")
	f.IntVar(&i.classes, "classes", 0, "`number` of classes that a conditional network reads (default 10)")
	for _, flag := range i.network.Flags() {
		added := f.VarPF(flag, flag.Name, "", flag.Help)
		if flag.Switch {
			added.NoOptDefVal = "true"
		}
	}
	return c
}

func (i *importing) run(_ context.Context, path string) error {
	config, err := i.network.Config()
	if err != nil {
		return err
	}
	o := aegis.ImportOptions{Out: i.out, Force: i.force, Classes: i.classes, Means: i.mean, Deviations: i.std}
	if o.Rows, err = shapeOf(i.image); err != nil {
		return cli.Usage(err)
	}
	if o.Names, err = renamed(i.names); err != nil {
		return cli.Usage(err)
	}
	if i.force && i.out == "" {
		return cli.Usage(errors.New("--force replaces the run in the directory that --out names; name one"))
	}
	r, err := aegis.Import(path, config, o)
	if err != nil {
		return err
	}
	if i.json {
		made, _ := r.Config() // it was written just now
		return json.NewEncoder(i.process.Stdout).Encode(map[string]any{"run": r.Dir, "model": made.Model, "image": made.Image, "hidden": made.Hidden, "latent": made.Latent})
	}
	i.process.Say("%s: model and configuration; give verbs --data", r.Dir)
	return nil
}

// shapeOf reads the shape of a row: 28x28, 3x64x64 or 30.
func shapeOf(text string) (data.Shape, error) {
	var sizes []int
	for _, word := range strings.Split(text, "x") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return data.Shape{}, fmt.Errorf("--image %q: want height and width such as 28x28, channels before them as in 3x64x64, or the number of a vector's values", text)
		}
		sizes = append(sizes, n)
	}
	switch len(sizes) {
	case 1:
		return data.Shape{W: sizes[0]}, nil
	case 2:
		return data.Shape{C: 1, H: sizes[0], W: sizes[1]}, nil
	case 3:
		return data.Shape{C: sizes[0], H: sizes[1], W: sizes[2]}, nil
	}
	return data.Shape{}, fmt.Errorf("--image %q: want one to three sizes", text)
}

// renamed reads theirs=ours.
func renamed(pairs []string) (map[string]string, error) {
	all := make(map[string]string)
	for _, pair := range pairs {
		theirs, ours, ok := strings.Cut(pair, "=")
		if !ok || theirs == "" || ours == "" || all[theirs] != "" {
			return nil, fmt.Errorf("--map %q: want theirs=ours, each of theirs once", pair)
		}
		all[theirs] = ours
	}
	return all, nil
}
