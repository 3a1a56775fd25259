// Package explorer writes a model and rows as one HTML page that needs nothing
// else: a map of the codes, what the decoder makes of any place on it, sliders,
// ways between codes, drawing and noise. The page computes with a small network
// of its own, written in TypeScript in web, which `go generate` bundles.
//
// Shapes: n rows, P values in a row, Z values in a code.
package explorer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"aegis/data"
	"aegis/internal/detect"
	"aegis/internal/infer"
	"aegis/model"
	"aegis/model/program"
)

//go:generate go run ./gen

// How many rows a page has.
const (
	DefaultPoints = 10_000
	MaxPoints     = 100_000
)

// maxRowBytes bounds the rows of a page, which a browser holds as one text.
const maxRowBytes = 1 << 28

// Given is what a page is made of.
type Given struct {
	Spec   model.Spec
	Params map[string]program.Tensor // of the model, by name
	Model  *infer.Model              // the same, which encodes and scores the rows

	// Detector scores rows; nil: the page has the model's loss alone. One of
	// lines is an error, since rows of the page are windows.
	Detector *detect.Detector

	Rows    data.Reader
	Classes []string // names of the labels; nil: those of the rows or of the model
	Points  int      // how many rows are drawn by Seed where there are more; 0: DefaultPoints
	Seed    uint64
	Title   string // what stands above; "": the model's name
}

// Write writes the page: the same bytes of the same model and rows on one
// machine. A network with an operation that the page does not know is an error.
func Write(ctx context.Context, w io.Writer, g Given) error {
	if err := g.write(ctx, w); err != nil {
		return fmt.Errorf("explorer: %w", err)
	}
	return nil
}

func (g Given) write(ctx context.Context, w io.Writer) error {
	if g.Points < 0 || g.Points > MaxPoints {
		return fmt.Errorf("%d points; want 1 to %d, or 0 for %d", g.Points, MaxPoints, DefaultPoints)
	}
	if g.Points == 0 {
		g.Points = DefaultPoints
	}
	if err := g.Model.Ready(ctx); err != nil {
		return err
	}
	if g.Detector != nil && g.Detector.OfLines {
		return errors.New("the detector scores lines of a table, and the page has rows of several lines; want a detector that was fitted on windows, or none")
	}
	p := pageOf(g.Spec, g.Title)
	if err := p.addNetwork(g.Spec); err != nil {
		return err
	}
	weights, err := p.weightsOf(g.Params)
	if err != nil {
		return err
	}
	p.add("weights", floatBytes(weights), 4)
	p.addLoss(g.Spec, g.Params)
	if d := g.Detector; d != nil {
		p.Detector = &detector{d.Formula, d.Words, d.Center, d.Scale, d.Threshold.Value}
	}
	if err := p.addRows(ctx, g); err != nil {
		return err
	}
	p.addScaling(g.Spec)
	return p.write(w)
}

// pageOf begins a page about a network.
func pageOf(spec model.Spec, title string) *page {
	return &page{Title: cmp.Or(title, spec.Model), Model: spec.Model, Shape: spec.Image, Latent: spec.Latent, Corrupt: spec.Corrupt}
}
