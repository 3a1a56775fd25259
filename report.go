package aegis

import (
	"context"
	"io"

	"aegis/data"
	"aegis/internal/infer"
	"aegis/internal/reportpage"
)

// ReportOptions says what [WriteReport] judges a model by.
type ReportOptions struct {
	// Rows opens the rows that the model is judged by; nil: the run's own test set,
	// else rows that were held out to validate, else all that it has. RowsOf says
	// in words what they are.
	Rows   func(ctx context.Context, m *Model) (data.Reader, error)
	RowsOf string
	// Most is how many rows at most are looked at, and half of how many of those
	// that it was trained on; 0: 10,000. Where there are more, they are drawn by a
	// seed, and the page says so.
	Most int
	// Evaluation is what [Model.Evaluate] found before; nil: it is done now.
	Evaluation *Evaluation
	// Load says where the model runs.
	Load []LoadOption
	// Progress hears what is done; it may be nil.
	Progress func(what string, done, of int)
}

// WriteReport writes one HTML file about a run in a directory, or about a model's
// file: how training went, with curves that zoom and pan; how good the model is,
// in all and by class; the strangest rows and the best; the detector beside it;
// network, plan, speed and data; its configuration, and how it is repeated. Of
// what a program of one's own left it has what is known without the program, and
// of a directory of tries their table and losses. A run that is unfinished, was
// interrupted or diverged says so. The file has all in it and asks no network for
// anything. The same run and rows give the same bytes on one machine.
func WriteReport(ctx context.Context, w io.Writer, path string, o ReportOptions) error {
	if err := haveWriter("write a report", w); err != nil {
		return err
	}
	p := reportpage.Options{
		Open: runnerOn(o.Load), Plan: Plan, RowsOf: o.RowsOf, Most: o.Most, Evaluation: o.Evaluation, Progress: o.Progress,
	}
	if o.Rows != nil {
		p.Rows = func(ctx context.Context, m *infer.Model) (data.Reader, error) { return o.Rows(ctx, &Model{m}) }
	}
	return reportpage.Write(ctx, w, path, p)
}
