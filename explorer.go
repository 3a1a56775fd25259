package aegis

import (
	"context"
	"fmt"
	"io"

	"aegis/data"
	"aegis/internal/explorer"
	"aegis/internal/infer"
	"aegis/model/program"
)

// How many rows the page of [Run.WriteExplorer] has.
const (
	DefaultExplorerPoints = explorer.DefaultPoints
	MaxExplorerPoints     = explorer.MaxPoints
)

// ExplorerOptions are those of [Run.WriteExplorer]; each may be zero.
type ExplorerOptions struct {
	// Detector scores rows; nil: the page has the model's loss alone. One of lines
	// is an error.
	Detector *Detector
	Points   int    // how many rows are drawn by Seed where there are more; 0: DefaultExplorerPoints
	Seed     uint64 // by which they are drawn
	Title    string // what stands above; "": the model's name
}

// WriteExplorer writes one HTML page in which the model and rows can be explored,
// without any other file and without a network: a map of the codes, whose every
// place is decoded as the mouse goes there, sliders, ways between codes, a pad to
// draw on and noise. The model is the run's own, loaded; it reads rows to their
// end. The bytes are the same of the same model and rows on one machine.
func (r *Run) WriteExplorer(ctx context.Context, w io.Writer, m *Model, rows data.Reader, o ExplorerOptions) error {
	if err := haveWriter("write an explorer", w); err != nil {
		return err
	}
	if err := haveRows("write an explorer", rows); err != nil {
		return err
	}
	spec, params, err := infer.ReadModel(r.File)
	if err != nil {
		return err
	}
	p, err := spec.Forward()
	if err != nil {
		return err
	}
	fingerprint, err := infer.Fingerprint(p, (&program.State{Tensors: params}).Tensor)
	if err != nil {
		return err
	}
	if fingerprint != m.loaded().Fingerprint() {
		return fmt.Errorf("aegis: write an explorer: the model is %w, which lies in %s now; load it again", ErrOtherModel, r.File)
	}
	g := explorer.Given{
		Spec: spec, Params: params, Model: m.loaded(), Rows: rows, Points: o.Points, Seed: o.Seed, Title: o.Title,
	}
	if o.Detector != nil {
		g.Detector = o.Detector.fitted()
	}
	return explorer.Write(ctx, w, g)
}
