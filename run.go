package aegis

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"aegis/data"
	"aegis/internal/opendata"
	"aegis/internal/run"
	"aegis/internal/session"
)

// The sets of a run's data.
const (
	SetTrain = session.SetTrain // rows that were trained on
	SetVal   = session.SetVal   // rows to validate on
	SetTest  = session.SetTest  // rows to test with, of all classes
	SetAll   = session.SetAll   // the training set as it is, in its order
)

// Sets returns the names of all.
func Sets() []string { return session.Sets() }

// Run is what a run left: its model, and beside it the configuration.
type Run struct {
	Dir  string // the directory that the model lies in
	File string // the model's

	config *Config // nil where none lies beside the model
}

// OpenRun finds a model in a run's directory, or by its file. The model is read
// by [Run.Load].
func OpenRun(path string) (*Run, error) {
	file := run.FindModel(path)
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && file != path:
		return nil, fmt.Errorf("aegis: %s is no run: it has no %s; want a run's directory or a model's file", path, run.ModelFile)
	case err != nil:
		return nil, fmt.Errorf("aegis: open run: %w; want a run's directory or a model's file", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("aegis: %s is a pipe or a device; want a run's directory or a model's file", path)
	}
	r := &Run{Dir: filepath.Dir(file), File: file}
	config := r.Path(run.ConfigFile)
	if _, err := os.Stat(config); errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	c, err := session.LoadRunConfig(config)
	if err != nil {
		return nil, err
	}
	r.config = &c
	return r, nil
}

// Path returns where a file beside the model is.
func (r *Run) Path(name string) string { return filepath.Join(r.Dir, name) }

// Files returns where the files are that a run and a detector leave beside a model,
// and the model's own: those that should not be written over.
func (r *Run) Files() []string {
	files := []string{r.File, r.Path(DetectorFile)}
	if r.config != nil {
		for _, name := range run.FileNames() {
			files = append(files, r.Path(name))
		}
	}
	return files
}

// Config returns the configuration that lies beside the model, false where
// there is none.
func (r *Run) Config() (Config, bool) {
	if r.config == nil {
		return Config{}, false
	}
	return *r.config, true
}

// Load opens the model.
func (r *Run) Load(options ...LoadOption) (*Model, error) { return Load(r.File, options...) }

// Rows reads a set of the data that the run was trained on, divided as then; an
// empty name is the test set or, without one, all rows. Source lives as long as
// the rows are read.
func (r *Run) Rows(src *data.Source, set string) (data.Reader, error) {
	c, ok := r.Config()
	if !ok {
		return nil, fmt.Errorf("aegis: no %s lies beside %s, which would say how its data were divided", run.ConfigFile, r.File)
	}
	return opendata.Set(c, src, set)
}

// Lines reads the lines of the table that the run's windows were made of, those
// that the windows of a set cover: each a row, in order. first is the number of
// the first one, from 0. An empty name is the test set or, without one, all
// lines; so is [SetAll].
func (r *Run) Lines(ctx context.Context, m *Model, set string) (lines data.Reader, first int, err error) {
	c, ok := r.Config()
	form := m.Spec().Form
	switch {
	case !ok:
		return nil, 0, fmt.Errorf("aegis: no %s lies beside %s, which would say what it was trained on; name the data", run.ConfigFile, r.File)
	case form.Table == nil || form.Table.Window == 0:
		return nil, 0, fmt.Errorf("aegis: lines of %s, whose model does not read windows of a table; want its rows", r.File)
	}
	if err := m.loaded().Ready(ctx); err != nil {
		return nil, 0, err
	}
	return opendata.Lines(ctx, c, m.Spec(), set)
}

// OpenData opens the data that the run was trained on.
func (r *Run) OpenData(ctx context.Context) (*data.Source, error) {
	c, ok := r.Config()
	if !ok {
		return nil, fmt.Errorf("aegis: no %s lies beside %s, which would say what it was trained on; name the data", run.ConfigFile, r.File)
	}
	src, err := OpenData(ctx, c, DataOptions{})
	return src, session.OfRun(err)
}

// Sample returns up to a number of rows of a set of the data that the run was
// trained on, drawn by seed 1, in memory.
func (r *Run) Sample(ctx context.Context, set string, most int) (_ data.Set, err error) {
	c, _ := r.Config()
	src, err := r.OpenData(ctx)
	if err != nil {
		return data.Set{}, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	return opendata.Sample(c, src, set, most)
}
