package aegis

import (
	"context"
	"io"

	"aegis/data"
	"aegis/internal/picture"
)

// How plots are drawn.
type (
	// PictureFormat is how a plot is written.
	PictureFormat = picture.Format
	// PlotOptions are those of every plot.
	PlotOptions = picture.PlotOptions
	// CodesPlot says how [Model.PlotCodes] draws codes.
	CodesPlot = picture.CodesPlot
	// ReconstructionsPlot says how [Model.PlotReconstructions] draws rows and what
	// is rebuilt of them.
	ReconstructionsPlot = picture.ReconstructionsPlot
	// TraversalsPlot says how [Model.PlotTraversals] walks through the dimensions
	// of a code.
	TraversalsPlot = picture.TraversalsPlot
	// Sheet says how images lie on the picture of [Model.WriteSheet].
	Sheet = picture.Sheet
)

// The formats.
const (
	PNG = picture.PNG
	SVG = picture.SVG // with what is an image in it pixel by pixel
)

// The ways to bring codes onto a plane.
const (
	PCA  = picture.PCA  // on their first two principal components
	TSNE = picture.TSNE // so that neighbours stay neighbours: van der Maaten and Hinton (2008)
)

const (
	// MaxPlotRuns is the most runs whose losses one picture shows.
	MaxPlotRuns = picture.MaxRuns
	// MaxPlotCodes is the most codes that a plot shows.
	MaxPlotCodes = picture.MaxCodes
)

// PictureFormatOf returns the format that a file's name ends in.
func PictureFormatOf(path string) (PictureFormat, error) { return picture.FormatOf(path) }

// PlotLoss draws the losses of runs over their epochs, at most [MaxPlotRuns]: thin
// over the rows that they trained on, thick over those to validate on, dashed over
// those to test with. The axis is logarithmic where losses span more than a factor
// of ten. Runs are called by their directories.
func PlotLoss(w io.Writer, runs []*Run, o PlotOptions) error {
	if err := haveWriter("plot the loss of runs", w); err != nil {
		return err
	}
	drawn := make([]picture.Run, len(runs))
	for i, r := range runs {
		metrics, err := r.Metrics()
		if err != nil {
			return err
		}
		drawn[i] = picture.Run{Dir: r.Dir, Config: r.config, Metrics: metrics}
	}
	return picture.Loss(w, drawn, o)
}

// PlotFilters draws the weights of the first layer, which say what it looks for:
// of a network that reads images fully connected an image for each unit, of a
// convolution its kernels, of vectors a matrix of columns and units; above 0 is
// orange, below blue, all on one scale. It shows a hundred images at most, those of
// an image's channels beside one another, or 512 columns and units.
func (r *Run) PlotFilters(w io.Writer, o PlotOptions) error {
	if err := haveWriter("plot filters", w); err != nil {
		return err
	}
	m, err := r.Load(WithDevice(DeviceCPU), WithThreads(1))
	if err != nil {
		return err
	}
	spec := m.Spec()
	if err := m.Close(); err != nil {
		return err
	}
	return picture.Filters(w, r.File, spec, o)
}

// PlotCodes draws the codes of rows, coloured by class where rows have labels.
func (m *Model) PlotCodes(ctx context.Context, w io.Writer, rows data.Reader, o CodesPlot) error {
	if err := haveWriter("plot codes", w); err != nil {
		return err
	}
	if err := haveRows("plot codes", rows); err != nil {
		return err
	}
	return picture.Codes(ctx, w, m.loaded(), rows, o)
}

// PlotReconstructions draws rows and what the model rebuilds of them. Of images
// originals stand above what is rebuilt, the first of each class, with what the
// network read between them where it was trained to restore rows. Of a table each
// column has a chart of rebuilt over original values of the first 512 rows, of
// windows lines over time, and rows of other vectors a chart each.
func (m *Model) PlotReconstructions(ctx context.Context, w io.Writer, rows data.Reader, o ReconstructionsPlot) error {
	if err := haveWriter("plot reconstructions", w); err != nil {
		return err
	}
	if err := haveRows("plot reconstructions", rows); err != nil {
		return err
	}
	return picture.Reconstructions(ctx, w, m.loaded(), rows, o)
}

// NeedsRows tells whether [Model.PlotTraversals] reads rows: a model whose codes
// are held to N(0, 1) needs none but for a row's code.
func (m *Model) NeedsRows(o TraversalsPlot) bool { return picture.NeedsRows(m.Spec(), o) }

// PlotTraversals draws what the decoder makes of codes of which one dimension
// changes, a line each: over −3 to 3 deviations of the prior where codes are held
// to N(0, 1), else over the quantiles of the codes of rows that lie there in a
// normal distribution. Of vectors each dimension has a chart of lines, in the
// scaled values that the network writes. Rows may be nil where [Model.NeedsRows]
// says so; at most 5,000 are read, and 64 dimensions are drawn, those in which
// codes differ most.
func (m *Model) PlotTraversals(ctx context.Context, w io.Writer, rows data.Reader, o TraversalsPlot) error {
	if err := haveWriter("plot traversals", w); err != nil {
		return err
	}
	return picture.Traversals(ctx, w, m.loaded(), rows, o)
}
