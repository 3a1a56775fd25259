package session

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"aegis/data"
	"aegis/internal/pytorch"
	"aegis/internal/run"
	"aegis/model/program"
)

// ImportOptions says where an imported model goes, and what a state dict does not
// say.
type ImportOptions struct {
	Out   string // the run directory; empty: runs/<model>-<time>
	Force bool   // replace a run that is there

	// Rows is the shape of a row: an image, or a vector of W values. Zero: 28×28.
	Rows data.Shape
	// Classes is how many classes a conditional network reads, 0: 10.
	Classes int
	// Means and Deviations say what the network was given of rows: (x−mean)/deviation,
	// one for each value of a vector, for each channel of an image, or one for
	// all. Of images x is a pixel in [0,1]. Without them images are pixels in the
	// range that goes with the output, and vectors are read as they are.
	Means, Deviations []float64
	// Names says of tensors or modules of the file, by their names, which of the
	// network's they are, where that cannot be found: fc21 is mu.
	Names map[string]string
}

// Import makes a run's directory of a state dict that PyTorch saved as safetensors:
// of the network that a configuration describes. It returns the directory.
func Import(path string, cfg Config, o ImportOptions) (out string, err error) {
	if cfg, err = cfg.imported(o); err != nil {
		return "", err
	}
	p, err := cfg.Forward()
	if err != nil {
		return "", &ConfigError{err}
	}
	tensors, err := readStateDict(path, p.Params, o.Names)
	if err != nil {
		return "", err
	}
	if o.Out != "" {
		if err := (Options{Out: o.Out, Force: o.Force}).Check(); err != nil {
			return "", err
		}
	}
	return cfg.writeImported(tensors, o)
}

func readStateDict(path string, params []program.Param, names map[string]string) (map[string]program.Tensor, error) {
	file, err := run.OpenTensors(path)
	var broken *run.FormatError
	if errors.As(err, &broken) {
		err = fmt.Errorf("%w; want a state dict as PyTorch's safetensors.torch.save_file writes it", err)
	}
	if err != nil {
		return nil, fmt.Errorf("aegis: import: %w", err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	tensors, err := pytorch.Read(file, params, names)
	if err != nil {
		return nil, fmt.Errorf("aegis: import %s: %w", path, err)
	}
	return tensors, nil
}

// imported is the configuration with what a state dict does not say.
func (c Config) imported(o ImportOptions) (Config, error) {
	rows := o.Rows
	if rows == (data.Shape{}) {
		rows = data.Shape{C: 1, H: 28, W: 28}
	}
	c.InitFrom = "" // its parameters are the file's
	c.Data = data.NoData
	c.Output = c.LastActivation()
	if c.Condition != "" {
		const digits = 10
		if c.Classes = o.Classes; c.Classes == 0 {
			c.Classes = digits
		}
	} else if o.Classes != 0 {
		return c, configErrorf("aegis: import: %d classes of a network that reads none; want a condition, or no classes", o.Classes)
	}
	if err := c.Validate(); err != nil {
		return c, err
	}
	if err := c.fit(rows); err != nil {
		return c, err
	}
	if err := c.scaleAs(rows, o.Means, o.Deviations); err != nil {
		return c, err
	}
	return c, c.Validate()
}

// scaleAs sets the scaling of means and deviations, or that of no such ones.
func (c *Config) scaleAs(rows data.Shape, means, deviations []float64) error {
	if means == nil && deviations == nil {
		if c.Scale = ""; rows.IsVector() {
			c.Scale, c.Scaling = data.ScaleNone, &data.Scaling{Kind: data.ScaleNone}
		}
		return nil
	}
	parts, unit := rows.W, 1.0
	if !rows.IsVector() {
		parts, unit = rows.C, math.MaxUint8
	}
	n := max(len(means), len(deviations))
	if n != 1 && n != parts || means != nil && len(means) != n || deviations != nil && len(deviations) != n {
		return configErrorf("aegis: import: %d means and %d deviations for rows of %v; want one each, or %d", len(means), len(deviations), rows, parts)
	}
	s := &data.Scaling{Kind: data.ScaleStandard}
	for i := range n {
		mean, deviation := 0.0, 1.0
		if means != nil {
			mean = means[i]
		}
		if deviations != nil {
			deviation = deviations[i]
		}
		if !(deviation > 0) || math.IsInf(deviation, 0) || math.IsNaN(mean) || math.IsInf(mean, 0) {
			return configErrorf("aegis: import: mean %v, deviation %v; want finite numbers, the deviation above 0", mean, deviation)
		}
		each := 1
		if n > 1 {
			each = rows.Size() / n
		}
		s.Shift = append(s.Shift, slices.Repeat([]float32{float32(mean * unit)}, each)...)
		s.Factor = append(s.Factor, slices.Repeat([]float32{float32(1 / (deviation * unit))}, each)...)
	}
	c.Scale, c.Scaling = s.Kind, s
	return nil
}

// writeImported writes the run's directory.
func (c Config) writeImported(tensors map[string]program.Tensor, o ImportOptions) (out string, err error) {
	var dir *run.Dir
	if o.Out == "" {
		dir, err = run.CreateNew(c.NewOut())
	} else {
		dir, err = run.Create(o.Out, o.Force)
	}
	if err != nil {
		return "", elsewhere(err)
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	file, err := c.forFile()
	if err != nil {
		return "", err
	}
	if err := dir.WriteConfig(file.settings()); err != nil {
		return "", err
	}
	w := checkpoints{dir: dir, kind: run.ConfigKey, config: modelConfig{c}}
	if err := w.file(run.ModelFile, checkpoint{tensors: tensors}, nil); err != nil {
		return "", err
	}
	return dir.Out(), dir.Commit()
}
