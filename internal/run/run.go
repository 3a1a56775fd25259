// Package run keeps the directory of a training run: its configuration,
// checkpoints, metrics and pictures. Every file but the metrics is replaced
// atomically, so a reader sees the old one or the new one, never a half; the
// metrics grow by whole lines. A directory belongs to one run at a time.
package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"aegis/internal/atomic"
	"aegis/model/program"
)

// The files of a run.
const (
	ConfigFile          = "config.toml"         // the configuration, by which the run can be repeated
	ModelFile           = "model.safetensors"   // the best parameters so far
	LastFile            = "last.safetensors"    // the newest parameters and the state of their optimizer
	MetricsFile         = "metrics.jsonl"       // one JSON object an epoch
	SummaryFile         = "summary.json"        // the result
	LossFile            = "loss.png"            // loss over epochs
	ReconstructionsFile = "reconstructions.png" // originals over what is rebuilt
	LatentFile          = "latent.png"          // the codes of the test set
	TermsFile           = "terms.png"           // the terms of a loss that has several
	SamplesFile         = "samples.png"         // what codes drawn from the prior decode to
	GridFile            = "grid.png"            // what a grid of codes of two values decodes to
)

// The keys of a model file's metadata under which there is what it is a model
// of, as JSON: the configuration of a network, or that of a program.
const (
	ConfigKey  = "config"
	ProgramKey = "program"
)

// FileNames are those of a run's files.
func FileNames() []string {
	return []string{
		ConfigFile, ModelFile, LastFile, MetricsFile,
		SummaryFile, LossFile, ReconstructionsFile, LatentFile, TermsFile, SamplesFile, GridFile,
	}
}

// FindModel returns the path of the model in a run's directory, and the path of
// anything else as it is.
func FindModel(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return filepath.Join(path, ModelFile)
	}
	return path
}

// WriteConfig writes settings as TOML, a line each, in their order.
func (d *Dir) WriteConfig(settings []Setting) error {
	text, err := EncodeConfig(settings)
	if err != nil {
		return err
	}
	return d.WriteFile(ConfigFile, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// WriteFile replaces a file of the run, as the function of the same name does.
// The mark knows the file before it is in its place, which it is only where the
// directory still is this run's.
func (d *Dir) WriteFile(name string, write func(io.Writer) error) error {
	return d.held(func() error {
		path := d.Path(name)
		err := atomic.Replace(path, write, func(temporary string) error {
			id, err := identity(temporary, name)
			if err != nil {
				return err
			}
			return d.note(name, id)
		})
		if err != nil {
			return fmt.Errorf("run: write %s: %w", path, err)
		}
		return nil
	})
}

// AppendMetrics adds v as one line of JSON.
func (d *Dir) AppendMetrics(v any) error {
	var line bytes.Buffer
	if err := encoder(&line).Encode(v); err != nil {
		return fmt.Errorf("run: %s: %w", MetricsFile, err)
	}
	return d.held(func() error {
		d.mu.Lock() // else they could be put in an earlier run's place meanwhile
		defer d.mu.Unlock()
		path := filepath.Join(d.path, MetricsFile)
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			if err := d.noted(MetricsFile, digest(line.Bytes())); err != nil {
				return fmt.Errorf("run: %s: %w", MetricsFile, err)
			}
		}
		return appendLine(path, line.Bytes())
	})
}

// CutMetrics keeps the first lines of the metrics, so many; where there are no
// others, it leaves the file alone.
func (d *Dir) CutMetrics(lines int) error {
	text, err := os.ReadFile(d.Path(MetricsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	end := 0
	for range lines {
		end += bytes.IndexByte(text[end:], '\n') + 1
	}
	if !bytes.Contains(text[end:], []byte("\n")) { // what stands there is cut off with the next line
		return nil
	}
	return d.WriteFile(MetricsFile, func(w io.Writer) error {
		_, err := w.Write(text[:end])
		return err
	})
}

// SyncMetrics sees to it that the metrics are on the disk before what is written
// from now on.
func (d *Dir) SyncMetrics() error {
	f, err := os.OpenFile(d.Path(MetricsFile), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("run: write %s: %w", f.Name(), err)
	}
	return nil
}

// WriteSummary writes v as indented JSON.
func (d *Dir) WriteSummary(v any) error {
	return d.WriteFile(SummaryFile, func(w io.Writer) error {
		e := encoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	})
}

// WriteTensors writes a safetensors file; see [EncodeTensors].
func (d *Dir) WriteTensors(name string, tensors map[string]program.Tensor, metadata map[string]string) error {
	return d.WriteFile(name, func(w io.Writer) error { return EncodeTensors(w, tensors, metadata) })
}

func encoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}
