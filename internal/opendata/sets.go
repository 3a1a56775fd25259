package opendata

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"aegis/data"
	"aegis/data/table"
	"aegis/internal/session"
	"aegis/model"
)

// Set reads a set of the data that a run was trained on, divided as then; an
// empty name is the test set or, without one, all rows.
func Set(c session.Config, src *data.Source, set string) (data.Reader, error) {
	if err := knownSet(set); err != nil {
		return nil, err
	}
	from, rows, err := session.Pick(c, src, set)
	if err != nil {
		return nil, session.OfRun(err)
	}
	return data.NewPickReader(from, rows), nil
}

// knownSet refuses a set that no data have.
func knownSet(name string) error {
	if name != "" && !slices.Contains(session.Sets(), name) {
		return &session.ConfigError{Err: fmt.Errorf("aegis: unknown set %q; want one of %q", name, session.Sets())}
	}
	return nil
}

// Lines reads the lines of the table that a run's windows were made of, those that
// the windows of a set cover: each a row, in order. first is the number of the
// first one, from 0. An empty name is the test set or, without one, all lines; so
// is [session.SetAll].
func Lines(ctx context.Context, c session.Config, spec model.Spec, set string) (lines data.Reader, first int, err error) {
	if err := knownSet(set); err != nil {
		return nil, 0, err
	}
	lines, err = Rows(ctx, spec, string(c.Data), RowOptions{Lines: true, Header: c.Header, Delimiter: c.Delimiter, Decimal: c.Decimal})
	if err != nil || set == session.SetAll || set == "" && c.TestSplit == 0 {
		return lines, 0, err
	}
	all, _, err := data.ReadAll(lines)
	if err = errors.Join(err, lines.Close()); err != nil {
		return nil, 0, err
	}
	form := spec.Form
	windows, err := table.Windows(all, form.Table.Window, form.Table.Step)
	if err != nil {
		return nil, 0, err
	}
	first, end, err := session.PickLines(c, &data.Source{Name: string(c.Data), Train: windows, Form: form}, set)
	if err != nil {
		return nil, 0, session.OfRun(err)
	}
	picked := make([]int32, end-first)
	for i := range picked {
		picked[i] = int32(first + i)
	}
	return data.NewPickReader(all, picked), first, nil
}

// Sample returns up to a number of rows of a set of the data that a run was
// trained on, drawn by seed 1, in memory.
func Sample(c session.Config, src *data.Source, set string, most int) (data.Set, error) {
	from, rows, err := session.Pick(c, src, set)
	if err != nil {
		return data.Set{}, err
	}
	picked := data.Sample(len(rows), most, 1, "sample")
	for i, at := range picked {
		picked[i] = rows[at]
	}
	sample, _, err := data.ReadAll(data.NewPickReader(from, picked))
	return sample, err
}
