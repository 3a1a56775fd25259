package aegis

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"aegis/internal/detect"
	"aegis/internal/infer"
	"aegis/internal/pytorch"
)

// TorchFiles are the names of the files that [Run.ExportTorch] writes.
func TorchFiles() []string { return pytorch.FileNames() }

// ExportTorch writes the model into a folder for PyTorch, which is made where it
// is not there: model.safetensors, a state dict by the names of an nn.Module,
// model.py, which builds that module and loads it by load_state_dict with
// strict=True under PyTorch 1.13 or newer, and rows.json, what the network reads
// of rows. The module encodes, decodes, scales rows and undoes it, and has the
// loss of a row and, where a detector lies beside the model, its score, in
// float64 and by the formulas of [Model.Score] and [Detector.Scores].
//
// Where the folder has one of these files that is an error that wraps
// [fs.ErrExist], or replaced where replace says so. The folder of the run's own
// model is refused. Of the state of a program of one's own there is no module to
// write: that is an error.
func (r *Run) ExportTorch(dir string, replace bool) error {
	for _, name := range TorchFiles() {
		for _, own := range r.Files() {
			if sameFile(filepath.Join(dir, name), own) {
				return fmt.Errorf("aegis: export: %s is a file of the run, which would be lost; want another folder", own)
			}
		}
	}
	spec, tensors, err := infer.ReadModel(r.File)
	if err != nil {
		return err
	}
	n := pytorch.Network{Spec: spec, Tensors: tensors, Version: Version}
	if n.Detector, err = r.readDetector(); err != nil {
		return err
	}
	return n.Export(dir, replace)
}

// readDetector reads the detector beside the model, nil where there is none. One
// of another model is an error.
func (r *Run) readDetector() (*detect.Detector, error) {
	path := r.Path(DetectorFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	m, err := r.Load(WithDevice(DeviceCPU), WithThreads(1))
	if err != nil {
		return nil, err
	}
	d, err := m.LoadDetector(path)
	if err := errors.Join(err, m.Close()); err != nil {
		return nil, err
	}
	return d.detector, nil
}

// sameFile says that two paths are one file.
func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}
