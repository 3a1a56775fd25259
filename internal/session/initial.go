package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"aegis/internal/infer"
	"aegis/internal/vm"
	"aegis/model"
	"aegis/model/program"
)

// initial is the model whose parameters training starts from.
type initial struct {
	path    string
	spec    model.Spec
	tensors map[string]program.Tensor
}

// openInitial reads it, nil of no path.
func openInitial(path Path) (*initial, error) {
	if path == "" {
		return nil, nil
	}
	spec, tensors, err := infer.ReadModel(string(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; want a run's directory or a model's file to start from", err)
	}
	if err != nil {
		return nil, err
	}
	return &initial{string(path), spec, tensors}, nil
}

// adopt takes over what the initial model reads of rows, and its output, and says
// why the network is not the same.
func (t *trainer) adopt(ctx context.Context) (err error) {
	cfg, from := &t.cfg, t.initial.spec
	if cfg.Scale != "" && cfg.Scale != from.Scaled().Kind {
		return configErrorf("aegis: scale %s, but %s was trained with %v, which its parameters are for; leave scale out", cfg.Scale, t.initial.path, from.Scaled())
	}
	if cfg.Output == "" {
		cfg.Output = from.LastActivation()
	}
	if cfg.Condition != "" { // classes that these rows have not are known all the same
		cfg.Classes = max(cfg.Classes, from.Classes)
	}
	if err := cfg.SameNetwork(from); err != nil {
		return &ConfigError{fmt.Errorf("aegis: not the network of %s: %w; take over its configuration", t.initial.path, err)}
	}
	if err := t.adoptForm(); err != nil {
		return err
	}
	if cfg.Scaling = from.Scaling; cfg.Scaling != nil {
		cfg.Scale = from.Scaling.Kind
	}
	if t.train.Rows.IsBytes() && from.Scaling == nil {
		return cfg.Validate()
	}
	if err := from.Scaled().Check(t.train.Rows, t.train.Size()); err != nil {
		return fmt.Errorf("aegis: rows that %s does not read: %w", t.initial.path, err)
	}
	if t.measured, err = t.dataset.Measure(ctx, t.rows.split, t.hooks.Measure); err != nil {
		return err
	}
	return cfg.Validate()
}

// adoptForm takes over how rows are made of files: columns, and classes where
// the network reads them, are to be the same.
func (t *trainer) adoptForm() error {
	own, from := &t.cfg.Form, t.initial.spec.Form
	if from.Columns != nil && !slices.Equal(own.Columns, from.Columns) {
		return fmt.Errorf("aegis: columns %.200q; %s reads %.200q: want these, in this order", own.Columns, t.initial.path, from.Columns)
	}
	if t.cfg.Condition != "" && from.Classes != nil && !slices.Equal(own.Classes, from.Classes) {
		return fmt.Errorf("aegis: classes %.200q; %s reads %.200q: want these, in this order", own.Classes, t.initial.path, from.Classes)
	}
	if classes := own.Classes; from.Columns != nil || from.Images != nil || from.Table != nil {
		*own = from
		own.Classes = classes
	}
	return nil
}

// start gives a machine the parameters of its program; the state of its optimizers
// is that of no step.
func (i *initial) start(m vm.Trainer, params []program.Param) error {
	if i == nil {
		return nil
	}
	state, err := m.State()
	if err != nil {
		return err
	}
	maps.Copy(state.Tensors, fromModel(params, i.tensors))
	if err := m.SetState(state); err != nil {
		return fmt.Errorf("aegis: start from %s: %w", i.path, err)
	}
	return nil
}

// InitialModel returns what the model is that a configuration starts from: its
// rows are to be read by its form and shape. It is nil where there is none.
func (c Config) InitialModel() (*model.Spec, error) {
	if c.InitFrom == "" {
		return nil, nil
	}
	spec, err := infer.ReadSpec(string(c.InitFrom))
	if err != nil {
		return nil, err
	}
	return &spec, nil
}
