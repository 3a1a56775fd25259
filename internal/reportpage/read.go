package reportpage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aegis/internal/detect"
	"aegis/internal/run"
	"aegis/internal/session"
)

// left is what a run left.
type left struct {
	dir, file string // file is the model's
	name      string
	program   bool // of one's own
	tensors   int  // values of a program's state

	config     *session.Config // nil: there is none
	configText string
	summary    *session.Summary // nil: the run is unfinished, or the model was imported
	metrics    []session.Metrics
	detector   string // its file, "": none
	rows       int    // of the training data
	print      string // their fingerprint
	resumable  bool
}

// read reads what a run left, but for its model.
func read(path string) (*left, error) {
	r := &left{file: run.FindModel(path)}
	r.dir = filepath.Dir(r.file)
	if r.name = nameOf(r.dir); filepath.Base(r.file) != run.ModelFile {
		r.name = nameOf(r.file)
	}
	if err := r.readModel(path); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(r.path(run.ConfigFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reportpage: %w", err)
	}
	r.configText = strings.ToValidUTF8(string(text), "?")
	if err == nil && !r.program {
		c, err := session.LoadRunConfig(r.path(run.ConfigFile))
		if err != nil {
			return nil, err
		}
		r.config = &c
	}
	if err := r.readResults(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(r.path(run.LastFile)); err == nil {
		r.resumable = true
	}
	r.rows, r.print, err = session.Trained(r.dir)
	return r, err
}

func (r *left) path(name string) string { return filepath.Join(r.dir, name) }

// readModel says what the model's file is of.
func (r *left) readModel(path string) error {
	file, err := run.OpenTensors(r.file)
	if errors.Is(err, fs.ErrNotExist) && r.file != path {
		return fmt.Errorf("reportpage: %s is no run that has a model yet: it has no %s; want a run's directory of at least one epoch, or a model's file", path, run.ModelFile)
	}
	if err != nil {
		return fmt.Errorf("reportpage: %w; want a run's directory or a model's file", err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	if _, r.program = file.Metadata[run.ProgramKey]; r.program {
		r.tensors = int(file.Size() / 4)
	}
	return nil
}

// readResults reads summary, metrics and whether there is a detector.
func (r *left) readResults() error {
	var s session.Summary
	switch err := run.ReadSummary(r.dir, &s); {
	case err == nil:
		r.summary = &s
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("reportpage: %w", err)
	}
	err := run.ReadMetrics(r.dir, func(line []byte) error {
		var m session.Metrics
		if err := json.Unmarshal(line, &m); err != nil {
			return err
		}
		r.metrics = append(r.metrics, m)
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reportpage: %w", err)
	}
	if _, err := os.Stat(r.path("detector.json")); err == nil {
		r.detector = r.path("detector.json")
	}
	return nil
}

// readDetector reads the detector, nil where there is none.
func (r *left) readDetector() (*detect.Detector, error) {
	if r.detector == "" {
		return nil, nil
	}
	f, err := os.Open(r.detector)
	if err != nil {
		return nil, fmt.Errorf("reportpage: %w", err)
	}
	defer func() { _ = f.Close() }() // it was read only
	d, err := detect.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("reportpage: %s: %w", r.detector, err)
	}
	return d, nil
}
