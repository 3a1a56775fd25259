package picture

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"

	"aegis/internal/report"
	"aegis/internal/session"
)

// MaxRuns is the most runs whose losses one picture shows.
const MaxRuns = report.MaxRuns

// Run is what a run left of its losses.
type Run struct {
	Dir     string
	Config  *session.Config // nil where there is none
	Metrics []session.Metrics
}

// Loss draws the losses of runs over their epochs, at most [MaxRuns]: thin
// over the rows that they trained on, thick over those to validate on, dashed over
// those to test with. The axis is logarithmic where losses span more than a factor
// of ten. Runs are called by their directories.
func Loss(w io.Writer, runs []Run, o PlotOptions) error {
	c := report.RunCurves{Title: o.title(""), Format: o.format()}
	names := runNames(runs)
	labels := make([]string, len(runs))
	for i, r := range runs {
		if len(r.Metrics) == 0 {
			return fmt.Errorf("aegis: plot the loss of %s: it has not finished an epoch; want a run of at least one", r.Dir)
		}
		c.Runs = append(c.Runs, runCurve(names[i], r.Metrics))
		labels[i] = r.lossLabel()
	}
	c.Label = labelOf(c.Runs, labels)
	return plotted("the loss of runs", report.Runs(w, c))
}

// runCurve makes lines of what a run wrote; of what was not measured NaN.
func runCurve(name string, metrics []session.Metrics) report.RunCurve {
	c := report.RunCurve{Name: name}
	value := func(v *float64) float64 {
		if v == nil {
			return math.NaN()
		}
		return *v
	}
	for _, m := range metrics {
		c.Epoch, c.Train = append(c.Epoch, float64(m.Epoch)), append(c.Train, m.TrainLoss)
		c.Val, c.Test = append(c.Val, value(m.ValLoss)), append(c.Test, value(m.TestLoss))
	}
	return c
}

// runNames are the last elements of the runs' directories, and as many before
// them as tell them apart.
func runNames(runs []Run) []string {
	names := make([]string, len(runs))
	for i, r := range runs {
		dir, err := filepath.Abs(r.Dir)
		if err != nil {
			dir = r.Dir
		}
		names[i] = filepath.ToSlash(dir)
	}
	for n := 1; ; n++ {
		short, seen, longer := make([]string, len(names)), make(map[string]bool), false
		for i, name := range names {
			parts := strings.Split(name, "/")
			longer = longer || n < len(parts)
			short[i] = strings.Join(parts[max(0, len(parts)-n):], "/")
			seen[short[i]] = true
		}
		if len(seen) == len(names) || !longer {
			return short
		}
	}
}

// lossLabel says what the run's loss is; "" where no configuration says it.
func (r Run) lossLabel() string {
	switch c := r.Config; {
	case c == nil:
		return ""
	case c.Variational():
		return fmt.Sprintf("%s and divergence, nats", c.Likelihood)
	}
	return fmt.Sprintf("%s, mean over values", r.Config.Loss)
}

// labelOf is what the loss of all runs is; where runs have different ones, their
// names say which.
func labelOf(runs []report.RunCurve, labels []string) string {
	for _, label := range labels {
		if label != labels[0] {
			for i := range runs {
				if kind, _, _ := strings.Cut(labels[i], ","); kind != "" {
					runs[i].Name += " (" + kind + ")"
				}
			}
			return "loss, of different kinds"
		}
	}
	if len(labels) == 0 {
		return ""
	}
	return labels[0]
}
