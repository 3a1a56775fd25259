package aegis

import (
	"context"

	"aegis/data"
	"aegis/internal/generate"
)

// How rows are generated.
type (
	// GenerateOptions says which rows [Model.Generate] makes.
	GenerateOptions = generate.Options
	// FitOptions says how [Model.FitCodes] fits codes.
	FitOptions = generate.FitOptions
	// Codes is a mixture of normal distributions fitted on the codes of rows,
	// from [Model.FitCodes]: it takes the place of the prior that a plain model
	// has not. It may be used any number of times, from any number of goroutines.
	Codes = generate.Codes
	// Grid is rows over the plane of codes of two values, from [Model.Grid].
	Grid = generate.Grid
)

// MaxGrid is the most codes a side that [Model.Grid] decodes.
const MaxGrid = generate.MaxGrid

// FitCodes encodes rows, such as those that the model was trained on, to their
// end and fits a mixture of normal distributions on their codes. [Model.Generate]
// draws from it.
func (m *Model) FitCodes(ctx context.Context, rows data.Reader, o FitOptions) (*Codes, error) {
	if err := haveRows("fit codes", rows); err != nil {
		return nil, err
	}
	return generate.Fit(ctx, m.loaded(), rows, o)
}

// Generate returns n rows (n,P) in the units of [Model.Reconstruct], and the
// codes (n,Z) that they were decoded from: draws of the prior of a variational or
// an adversarial model, else of o.Codes. Row i is the same however many there
// are. A conditional model makes rows of o.Class, or of all classes by turns.
func (m *Model) Generate(ctx context.Context, n int, o GenerateOptions) (rows, codes []float32, err error) {
	return generate.Rows(ctx, m.loaded(), n, o)
}

// DrawCodes returns the codes (n,Z) that [Model.Generate] decodes, and their
// labels (n), nil where the model reads none: for more rows than memory holds.
func (m *Model) DrawCodes(n int, o GenerateOptions) (codes []float32, labels []byte, err error) {
	return generate.Draw(m.loaded(), n, o)
}

// Interpolate returns rows (n,steps,P) on the way from each of n rows of a to
// the one of b at its place, and their codes (n,steps,Z). The first and the last
// of each way are what the model rebuilds of the two rows. Where codes are held
// to a normal distribution the way is spherical, which keeps their length, else
// it is a straight line. A conditional model reads the labels of both, and
// decodes the first half of a way as a's class and the rest as b's.
func (m *Model) Interpolate(ctx context.Context, a, b data.Set, steps int) (rows, codes []float32, err error) {
	return generate.Interpolate(ctx, m.loaded(), a, b, steps)
}

// Grid decodes n×n codes over the plane of a model's codes of two values: at the
// quantiles of a normal prior, in equal steps over a mixture or, of a plain model,
// over the range of o.Codes.
func (m *Model) Grid(ctx context.Context, n int, o GenerateOptions) (*Grid, error) {
	return generate.NewGrid(ctx, m.loaded(), n, o)
}
