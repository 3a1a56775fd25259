// Package run keeps the directory of a training run: its configuration,
// checkpoints, metrics and pictures. Every file is replaced atomically, so a
// reader sees the old one or the new one, never a half.
package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/BurntSushi/toml"

	"aegis/internal/program"
)

// The files of a run.
const (
	ConfigFile          = "config.toml"         // all that it takes to repeat the run
	ModelFile           = "model.safetensors"   // the best parameters so far
	LastFile            = "last.safetensors"    // everything needed to go on training
	MetricsFile         = "metrics.jsonl"       // one JSON object an epoch
	SummaryFile         = "summary.json"        // the result
	LossFile            = "loss.png"            // loss over epochs
	ReconstructionsFile = "reconstructions.png" // originals over what is rebuilt
	LatentFile          = "latent.png"          // the codes of the test set
)

func fileNames() []string {
	return []string{
		ConfigFile, ModelFile, LastFile, MetricsFile,
		SummaryFile, LossFile, ReconstructionsFile, LatentFile,
	}
}

// Dir is the directory of one run. Its methods are called from one goroutine
// at a time.
type Dir struct {
	path    string
	metrics bytes.Buffer // all lines so far
}

// Create makes a directory, parents too, for a new run. One that holds any
// file of a run already is refused, unless force is set: then those files are
// removed and everything else in it stays.
func Create(dir string, force bool) (*Dir, error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	old, err := earlier(dir)
	if err != nil {
		return nil, err
	}
	if len(old) > 0 && !force {
		return nil, fmt.Errorf("run: %s holds a run already (%s); choose another --out, or replace it with --force",
			dir, filepath.Base(old[0]))
	}
	if err := probe(dir); err != nil {
		return nil, err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("run: remove the earlier run's file: %w", err)
		}
	}
	return &Dir{path: dir}, nil
}

func makeDir(dir string) error {
	if dir == "" {
		return errors.New("run: no output directory; name one with --out")
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return fmt.Errorf("run: %s is a file, want a directory; choose another --out", dir)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("run: make the output directory: %w; choose another --out", err)
	}
	return nil
}

// earlier returns the paths of a run's files in dir.
func earlier(dir string) ([]string, error) {
	var found []string
	for _, name := range fileNames() {
		path := filepath.Join(dir, name)
		info, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, fmt.Errorf("run: look for an earlier run: %w", err)
		case info.IsDir():
			return nil, fmt.Errorf("run: %s is a directory, want a file or nothing; choose another --out", path)
		default:
			found = append(found, path)
		}
	}
	return found, nil
}

// probe writes and removes a file, so that an hour of training is not lost to
// a directory that takes no files.
func probe(dir string) error {
	f, err := createTemp(filepath.Join(dir, "probe"))
	if err != nil {
		return fmt.Errorf("run: %s takes no files: %w; choose another --out", dir, err)
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return fmt.Errorf("run: try to write in %s: %w", dir, err)
	}
	return nil
}

// Path returns where a file of the run is.
func (d *Dir) Path(name string) string { return filepath.Join(d.path, name) }

// WriteConfig writes v as TOML.
func (d *Dir) WriteConfig(v any) error {
	return WriteFile(d.Path(ConfigFile), func(w io.Writer) error {
		e := toml.NewEncoder(w)
		e.Indent = ""
		return e.Encode(v)
	})
}

// AppendMetrics adds v as one line of JSON. A line whose write failed is kept
// and written with the next one.
func (d *Dir) AppendMetrics(v any) error {
	// A value that does not marshal leaves nothing in the buffer.
	if err := encoder(&d.metrics).Encode(v); err != nil {
		return fmt.Errorf("run: %s: %w", MetricsFile, err)
	}
	return WriteFile(d.Path(MetricsFile), func(w io.Writer) error {
		_, err := w.Write(d.metrics.Bytes())
		return err
	})
}

// WriteSummary writes v as indented JSON.
func (d *Dir) WriteSummary(v any) error {
	return WriteFile(d.Path(SummaryFile), func(w io.Writer) error {
		e := encoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	})
}

// WriteTensors writes a safetensors file; see [EncodeTensors].
func (d *Dir) WriteTensors(name string, tensors map[string]program.Tensor, metadata map[string]string) error {
	return WriteFile(d.Path(name), func(w io.Writer) error { return EncodeTensors(w, tensors, metadata) })
}

func encoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

// Float is a number that JSON may not know: NaN and ±Inf become null.
type Float float64

// MarshalJSON writes the number or null.
func (f Float) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}
