package pytorch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aegis/data"
	"aegis/internal/atomic"
	"aegis/internal/detect"
	"aegis/internal/run"
	"aegis/model"
	"aegis/model/program"
)

// The files of a network that was exported.
const (
	TensorsFile = "model.safetensors" // the parameters
	ModuleFile  = "model.py"          // builds the network and loads them
	RowsFile    = "rows.json"         // what the network reads of rows, and how they are judged
)

// FileNames are those of the files of a network that was exported.
func FileNames() []string { return []string{ModuleFile, TensorsFile, RowsFile} }

// Network is what is exported.
type Network struct {
	Spec     model.Spec
	Tensors  map[string]program.Tensor // each parameter by its name
	Detector *detect.Detector          // nil: there is none
	Version  string                    // of what exports it
}

// about is rows.json: what the network reads of rows.
type about struct {
	Columns  []string     `json:"columns,omitempty"` // names of a row's values
	Classes  []string     `json:"classes,omitempty"` // names of the labels 0, 1, …
	Scaling  data.Scaling `json:"scaling"`
	Detector *judgement   `json:"detector,omitempty"`
}

// judgement is how rows are judged.
type judgement struct {
	Formula   detect.Formula `json:"formula"`
	Words     string         `json:"words"`
	Center    []float64      `json:"center,omitempty"`
	Scale     []float64      `json:"scale,omitempty"`
	Threshold float64        `json:"threshold"`
}

// Export writes a network into a folder as a module of PyTorch's: all files or
// none. Where the folder has one of these files already, that is an error that
// wraps fs.ErrExist, or replaced where replace says so.
func (n Network) Export(dir string, replace bool) (err error) {
	if !replace {
		for _, name := range FileNames() {
			if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
				return fmt.Errorf("pytorch: export: %s: %w", filepath.Join(dir, name), fs.ErrExist)
			}
		}
	}
	files, err := n.files()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("pytorch: export: %w", err)
	}
	var temporary []string
	defer func() {
		for _, path := range temporary { // those that were not renamed
			err = errors.Join(err, os.Remove(path))
		}
	}()
	for _, name := range FileNames() {
		f, err := atomic.CreateTemp(filepath.Join(dir, name))
		if err != nil {
			return fmt.Errorf("pytorch: export: %w", err)
		}
		temporary = append(temporary, f.Name())
		if err := errors.Join(files[name](f), f.Close()); err != nil {
			return fmt.Errorf("pytorch: export %s: %w", name, err)
		}
	}
	for _, name := range FileNames() {
		if err := os.Rename(temporary[0], filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("pytorch: export: %w", err)
		}
		temporary = temporary[1:]
	}
	return nil
}

// files are what writes each of them.
func (n Network) files() (map[string]func(io.Writer) error, error) {
	var module strings.Builder
	if err := n.writeModule(&module); err != nil {
		return nil, err
	}
	counters, err := n.counters()
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(n.about(), "", " ")
	if err != nil {
		return nil, fmt.Errorf("pytorch: export %s: %w", RowsFile, err)
	}
	return map[string]func(io.Writer) error{
		ModuleFile:  func(w io.Writer) error { _, err := io.WriteString(w, module.String()); return err },
		TensorsFile: func(w io.Writer) error { return run.EncodeStateDict(w, n.Tensors, counters) },
		RowsFile:    func(w io.Writer) error { _, err := w.Write(append(text, '\n')); return err },
	}, nil
}

// counters are the tensors in which PyTorch's batch norms count batches. Nothing
// reads them where a momentum is given; a state dict has them at 0.
func (n Network) counters() (names []string, err error) {
	layers, err := n.Spec.Layers()
	for _, l := range layers {
		if l.Norm != "" {
			names = append(names, l.Norm+"."+counter)
		}
	}
	return names, err
}

func (n Network) about() about {
	form := n.Spec.Form
	a := about{Columns: form.Columns, Classes: form.Classes, Scaling: n.Spec.Scaled()}
	if a.Columns == nil && form.Table != nil {
		a.Columns = form.Table.Columns() // of windows those of a line
	}
	if d := n.Detector; d != nil {
		a.Detector = &judgement{Formula: d.Formula, Words: d.Words, Center: d.Center, Scale: d.Scale, Threshold: d.Threshold.Value}
	}
	return a
}
