package session

import (
	"context"
	"fmt"

	"aegis/data"
	"aegis/model/op"
)

// Fit returns the configuration as [Train] takes it on a source: with the shape
// of its rows, their scaling, and the output that goes with it.
func (c Config) Fit(ctx context.Context, src *data.Source) (Config, error) {
	t := &trainer{cfg: c, dataset: src}
	if err := t.split(); err != nil {
		return c, err
	}
	err := t.cfg.fit(t.train.Shape)
	if err != nil {
		return c, err
	}
	if t.initial, err = openInitial(t.cfg.InitFrom); err != nil {
		return c, err
	}
	err = t.scale(ctx)
	return t.cfg, err
}

// scale fits what the network reads of rows on those that are trained on.
// Images of bytes become pixels unless a scaling was asked for.
func (t *trainer) scale(ctx context.Context) (err error) {
	cfg, rows := &t.cfg, t.train.Rows
	cfg.Rows = t.rows.split.Trained()
	if t.initial != nil {
		return t.adopt(ctx)
	}
	kind := cfg.Scale
	if kind == "" {
		kind = suits(rows, cfg.Probabilities())
	}
	if kind == data.ScaleRange {
		cfg.Output = cfg.LastActivation()
		return nil
	}
	if t.measured, err = t.dataset.Measure(ctx, t.rows.split, t.hooks.Measure); err != nil {
		return err
	}
	if err := cfg.chooseOutput(kind, t.measured); err != nil {
		return err
	}
	fitted, err := kind.Fit(t.measured, rows.Shape, cfg.Pixels())
	if err != nil {
		return err
	}
	cfg.Scale, cfg.Scaling = kind, &fitted
	return cfg.Validate()
}

// suits is the scaling of rows for which none was asked.
func suits(rows data.Rows, probabilities bool) data.Scale {
	switch {
	case !rows.IsVector() && rows.IsBytes():
		return data.ScaleRange
	case !rows.IsVector(), probabilities: // pixels, or chances
		return data.ScaleMinMax
	}
	return data.ScaleStandard
}

// chooseOutput chooses an output where none was: the preset's, or the identity
// where that cannot rebuild what the network reads. One that the user chose
// stays.
func (c *Config) chooseOutput(kind data.Scale, m *data.Measured) error {
	chosen := c.Output != ""
	c.Output = c.LastActivation()
	switch {
	case c.inside(kind, m):
	case c.Probabilities():
		what, all := "loss bce", m.All()
		if c.Variational() {
			what = "likelihood bernoulli"
		}
		return configErrorf("aegis: %s with scale %s and values from %g to %g; it needs values in [0,1]: want scale minmax, or another", what, kind, all.Min, all.Max)
	case !chosen:
		c.Output = string(op.Identity)
	}
	return nil
}

// inside says that what the network reads lies in the range of pixels.
func (c Config) inside(kind data.Scale, m *data.Measured) bool {
	pixels, all := c.Pixels(), m.All()
	return kind == data.ScaleMinMax || kind == data.ScaleNone && all.Min >= float64(pixels.Lo) && all.Max <= float64(pixels.Hi)
}

// scaleNotes say how rows are scaled and what follows from it.
func (t *trainer) scaleNotes() (notes []string) {
	if t.measured != nil {
		fitted := fmt.Sprintf("fitted on %d rows", t.rows.split.Trained())
		if t.initial != nil {
			fitted = "as " + t.initial.path + " has it"
		}
		notes = append(notes, fmt.Sprintf("%v, %s; the network's output is %s", t.program.Scaling, fitted, t.cfg.Output))
		bounded := t.cfg.Output == string(op.Sigmoid) || t.cfg.Output == string(op.Tanh)
		if bounded && !t.cfg.inside(t.program.Scaling.Kind, t.measured) {
			notes = append(notes, fmt.Sprintf("output %s stays within %v, and scaled values do not: scale minmax or output identity rebuilds them", t.cfg.Output, t.cfg.Pixels()))
		}
	}
	if t.train.IsVector() {
		notes = append(notes, "rows are vectors: there is no picture of reconstructions")
	}
	return notes
}
