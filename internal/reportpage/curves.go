package reportpage

import (
	"math"
	"slices"

	"aegis/internal/session"
)

// Chart is lines over epochs, which the page's script draws.
type Chart struct {
	Title string    `json:"title"`
	Label string    `json:"label"`
	X     []float64 `json:"x"`
	Lines []Line    `json:"lines"`
	Log   bool      `json:"log"` // it begins on a logarithmic axis
}

// Line is one line: a value for each of the chart's epochs, nil where there is
// none.
type Line struct {
	Name   string     `json:"name"`
	Values []*float64 `json:"values"`
}

// charts are those of the losses, of the terms of a loss that has several, and of
// the learning rate.
func (r *left) charts() (all []Chart) {
	if len(r.metrics) == 0 {
		return nil
	}
	x := make([]float64, len(r.metrics))
	for i, m := range r.metrics {
		x[i] = float64(m.Epoch)
	}
	label := "loss"
	if r.config != nil {
		label = lossWords(r.config.Spec)
	}
	line := func(name string, of func(m session.Metrics) *float64) Line { return r.line(name, of) }
	all = append(all, chart("Loss", label, x,
		line("training", func(m session.Metrics) *float64 { return &m.TrainLoss }),
		line("validation", func(m session.Metrics) *float64 { return m.ValLoss }),
		line("test", func(m session.Metrics) *float64 { return m.TestLoss }),
		line("test, clean rows", func(m session.Metrics) *float64 { return m.CleanLoss }),
	))
	for _, name := range r.terms() {
		term := func(of func(m session.Metrics) map[string]float64) func(m session.Metrics) *float64 {
			return func(m session.Metrics) *float64 {
				if v, ok := of(m)[name]; ok {
					return &v
				}
				return nil
			}
		}
		all = append(all, chart("Term: "+name, name, x,
			line("training", term(func(m session.Metrics) map[string]float64 { return m.Terms })),
			line("validation", term(func(m session.Metrics) map[string]float64 { return m.ValTerms })),
			line("test", term(func(m session.Metrics) map[string]float64 { return m.TestTerms })),
		))
	}
	rate := chart("Learning rate", "learning rate of each epoch's last step", x, line("learning rate", func(m session.Metrics) *float64 { return &m.LR }))
	if rate.changes() {
		all = append(all, rate)
	}
	return all
}

// terms are the names of a loss's terms but the loss itself, in their order.
func (r *left) terms() (names []string) {
	for _, m := range r.metrics {
		for name := range m.Terms {
			if name != "loss" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

func (r *left) line(name string, of func(m session.Metrics) *float64) Line {
	l := Line{Name: name}
	for _, m := range r.metrics {
		v := of(m)
		if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
			v = nil
		}
		l.Values = append(l.Values, v)
	}
	return l
}

// chart has the lines that have a value. Its axis is logarithmic where values span
// more than a factor of ten.
func chart(title, label string, x []float64, lines ...Line) Chart {
	c := Chart{Title: title, Label: label, X: x}
	low, high := math.Inf(1), math.Inf(-1)
	for _, l := range lines {
		some := false
		for _, v := range l.Values {
			if v != nil {
				some, low, high = true, min(low, *v), max(high, *v)
			}
		}
		if some {
			c.Lines = append(c.Lines, l)
		}
	}
	c.Log = low > 0 && high > 10*low
	return c
}

// changes says that a line is not level.
func (c Chart) changes() bool {
	for _, l := range c.Lines {
		for _, v := range l.Values {
			if v != nil && l.Values[0] != nil && *v != *l.Values[0] {
				return true
			}
		}
	}
	return false
}
