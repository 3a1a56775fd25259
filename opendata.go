package aegis

import (
	"context"

	"aegis/data"
	"aegis/internal/opendata"
)

// How data are opened.
type (
	// DataOptions says how [OpenData] opens data beside what a configuration says.
	DataOptions = opendata.Options
	// RowOptions says how [Model.OpenRows] and [Model.OpenCodes] read rows beside
	// what the model knows of those that it was trained on.
	RowOptions = opendata.RowOptions
)

// OpenData opens what a configuration's Data names, as its Reading says: the
// embedded MNIST where it is empty; else mnist, fashion-mnist, "-" for standard
// input, or a path, as [aegis/data/dataset.Open] takes it.
func OpenData(ctx context.Context, c Config, o DataOptions) (*data.Source, error) {
	return opendata.Open(ctx, c, o)
}

// OpenRows reads rows for the model out of what a user names: they are made as
// those that it was trained on were.
func (m *Model) OpenRows(ctx context.Context, what string, o RowOptions) (data.Reader, error) {
	if err := m.loaded().Ready(ctx); err != nil {
		return nil, err
	}
	return opendata.Rows(ctx, m.Spec(), what, o)
}

// OpenCodes reads codes for the model, rows of as many values as a code has:
// the columns z1, z2, … of a table, or all columns of a .npy.
func (m *Model) OpenCodes(ctx context.Context, what string, o RowOptions) (data.Reader, error) {
	if err := m.loaded().Ready(ctx); err != nil {
		return nil, err
	}
	return opendata.Codes(ctx, m.Spec(), what, o)
}
