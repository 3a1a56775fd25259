package aegis

import (
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"

	"aegis/data"
	"aegis/internal/report"
)

// PictureFormat is how a plot is written.
type PictureFormat string

// The formats.
const (
	PNG PictureFormat = "png"
	SVG PictureFormat = "svg" // with what is an image in it pixel by pixel
)

// PictureFormatOf returns the format that a file's name ends in.
func PictureFormatOf(path string) (PictureFormat, error) {
	switch f := PictureFormat(strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))); f {
	case PNG, SVG:
		return f, nil
	}
	return "", fmt.Errorf("aegis: %s: want a name that ends in .png or .svg", path)
}

// PlotOptions are those of every plot.
type PlotOptions struct {
	Title  string        // empty: one that says what is to be seen
	Format PictureFormat // empty: PNG
}

func (o PlotOptions) format() report.Format { return report.Format(o.Format) }

// title is what a user chose, or what says what is to be seen.
func (o PlotOptions) title(format string, args ...any) string {
	if o.Title != "" {
		return o.Title
	}
	return fmt.Sprintf(format, args...)
}

// MaxPlotRuns is the most runs whose losses one picture shows.
const MaxPlotRuns = report.MaxRuns

// PlotLoss draws the losses of runs over their epochs, at most [MaxPlotRuns]: thin
// over the rows that they trained on, thick over those to validate on, dashed over
// those to test with. The axis is logarithmic where losses span more than a factor
// of ten. Runs are called by their directories.
func PlotLoss(w io.Writer, runs []*Run, o PlotOptions) error {
	c := report.RunCurves{Title: o.title(""), Format: o.format()}
	names := runNames(runs)
	labels := make([]string, len(runs))
	for i, r := range runs {
		metrics, err := r.Metrics()
		if err != nil {
			return err
		}
		if len(metrics) == 0 {
			return fmt.Errorf("aegis: plot the loss of %s: it has not finished an epoch; want a run of at least one", r.Dir)
		}
		c.Runs = append(c.Runs, runCurve(names[i], metrics))
		labels[i] = r.lossLabel()
	}
	c.Label = labelOf(c.Runs, labels)
	return plotted("the loss of runs", report.Runs(w, c))
}

// runCurve makes lines of what a run wrote; of what was not measured NaN.
func runCurve(name string, metrics []Metrics) report.RunCurve {
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
func runNames(runs []*Run) []string {
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
func (r *Run) lossLabel() string {
	c, ok := r.Config()
	switch {
	case !ok:
		return ""
	case c.Variational():
		return fmt.Sprintf("%s and divergence, nats", c.Likelihood)
	}
	return fmt.Sprintf("%s, mean over values", c.Loss)
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

// plotted says of which picture an error is.
func plotted(what string, err error) error {
	if err != nil {
		return fmt.Errorf("aegis: plot %s: %w", what, err)
	}
	return nil
}

// pixels is how an image of the model lies in the values that it returns; of
// standardised ones black and white are three deviations below and above the
// mean, and they are drawn as [Model.Bytes] has them.
func (m *Model) drawn(values []float32) ([][]float32, error) {
	pixels, err := m.Bytes(values)
	if err != nil {
		return nil, err
	}
	images, size := [][]float32(nil), m.Size()
	for ; len(pixels) > 0; pixels = pixels[size:] {
		image := make([]float32, size)
		for i, v := range pixels[:size] {
			image[i] = float32(v)
		}
		images = append(images, image)
	}
	return images, nil
}

// drawnAs is the form of those.
func (m *Model) drawnAs() report.Pixels {
	image := m.Spec().Image
	return report.Pixels{C: image[0], H: image[1], W: image[2], Lo: 0, Hi: 255}
}

// isVector says that the model's rows are no images.
func (m *Model) isVector() bool { return m.Spec().Image[0] == 0 }

// values returns rows in the units in which the model returns them.
func (m *Model) values(rows data.Rows) []float32 {
	if !rows.IsBytes() {
		return rows.Floats[:rows.N*rows.Size()]
	}
	lo, hi := m.Pixels()
	out := make([]float32, rows.N*rows.Size())
	data.Range{Lo: lo, Hi: hi}.Decode(out, rows.Bytes[:len(out)])
	return out
}

// readSome reads at most n rows from the beginning of a reader into memory; none
// at all are an error.
func readSome(rows data.Reader, n int) (data.Set, error) {
	s := data.Set{Rows: data.Rows{Shape: rows.Shape()}}
	for s.N < n {
		c, err := rows.Next(n - s.N)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s, err
		}
		s.N += c.N
		s.Bytes, s.Floats, s.Labels = append(s.Bytes, c.Bytes...), append(s.Floats, c.Floats...), append(s.Labels, c.Labels...)
	}
	if s.N == 0 {
		return s, errors.New("aegis: plot: no rows; want at least one")
	}
	return s, nil
}
