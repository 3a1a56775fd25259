// Package inspect says what a file holds: a run, a model, tensors of others, a
// configuration, arrays, or rows to train on. What something is, its content
// says and not its name. Files may be damaged or hostile: that is an error.
package inspect

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"aegis/data"
	"aegis/internal/run"
	"aegis/internal/session"
)

// The kinds of what a report is of.
const (
	KindRun        = "run"           // a run's directory
	KindModel      = "model"         // a network's parameters
	KindCheckpoint = "checkpoint"    // parameters and the state of their optimizers
	KindProgram    = "program"       // the state of a program of one's own
	KindTensors    = "tensors"       // a safetensors file of others
	KindConfig     = "configuration" // a config.toml
	KindSummary    = "summary"       // a summary.json
	KindArrays     = "arrays"        // a .npz archive none of whose arrays are rows
	KindData       = "data"          // rows to train on
	KindDetector   = "detector"      // a detector.json
	KindCodes      = "codes"         // rows that were compressed
)

// Report is what was found; what does not go with the kind is empty.
type Report struct {
	Path   string `json:"path"`
	Kind   string `json:"kind"`
	Bytes  int64  `json:"bytes,omitempty"`
	SHA256 string `json:"sha256,omitempty"` // of a file of tensors

	Config   *session.Config  `json:"config,omitempty"`
	Summary  *session.Summary `json:"summary,omitempty"`
	Last     *session.Metrics `json:"last_epoch,omitempty"` // of a run without a summary
	Network  *Network         `json:"network,omitempty"`
	Tensors  *Tensors         `json:"tensors,omitempty"`
	Arrays   []data.Array     `json:"arrays,omitempty"`
	Data     *Data            `json:"data,omitempty"`
	Detector *Detector        `json:"detector,omitempty"`
	Codes    *Codes           `json:"codes,omitempty"`
	Files    []File           `json:"files,omitempty"` // in a run's directory
	Notes    []string         `json:"notes,omitempty"`
}

// File is a file in a run's directory.
type File struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// Open reads the data that a name or a path stands for. Where fill is true,
// missing values get one instead of being an error.
type Open func(ctx context.Context, what string, fill bool) (*data.Source, error)

// inspection is a report in the making.
type inspection struct {
	Report
	ctx  context.Context
	open Open
}

// Inspect says what a file, a directory or a data set that is known by name
// holds.
func Inspect(ctx context.Context, what string, open Open) (*Report, error) {
	if err := session.CheckContext(ctx); err != nil {
		return nil, err
	}
	i := &inspection{Report: Report{Path: what}, ctx: ctx, open: open}
	read, err := i.reader()
	if err != nil {
		return nil, fmt.Errorf("aegis: inspect: %w", err)
	}
	if err := read(i); err != nil {
		return nil, err
	}
	return &i.Report, nil
}

// reader chooses how it is read.
func (i *inspection) reader() (func(*inspection) error, error) {
	if i.Path == "" {
		return nil, errors.New("no path; want a file, a directory or the name of a data set")
	}
	info, err := os.Stat(i.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return (*inspection).source, nil // by name, or it says that nothing is there
	case err != nil:
		return nil, err
	case info.IsDir() && isRun(i.Path):
		return (*inspection).run, nil
	case !info.Mode().IsRegular():
		return (*inspection).source, nil
	}
	i.Bytes = info.Size()
	start, err := startOf(i.Path)
	if err != nil {
		return nil, err
	}
	for _, k := range kinds {
		if k.looks(start) {
			return k.read, nil
		}
	}
	return (*inspection).source, nil
}

// kinds are the files that are no rows: how each begins, and what reads it. The
// first that fits is taken.
var kinds = []struct {
	looks func(start []byte) bool
	read  func(*inspection) error
}{
	{isTensors, (*inspection).tensors},
	{begins("PK\x03\x04", "PK\x05\x06"), (*inspection).archive},
	{begins("\x93NUMPY"), (*inspection).array},
	{isSummary, (*inspection).summary},
	{isDetector, (*inspection).detector},
	{begins("AEGISCOD"), (*inspection).codes},
	{isConfig, (*inspection).config},
}

// isRun says that a directory holds one of the files that make it a run.
func isRun(dir string) bool {
	for _, name := range []string{run.ModelFile, run.LastFile, run.ConfigFile, run.SummaryFile, run.MetricsFile} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// startOf returns the first bytes of a file.
func startOf(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was read only
	const enough = 4096
	start, err := io.ReadAll(io.LimitReader(f, enough))
	if err != nil {
		return nil, err
	}
	return start, nil
}

func begins(with ...string) func([]byte) bool {
	return func(start []byte) bool {
		for _, w := range with {
			if bytes.HasPrefix(start, []byte(w)) {
				return true
			}
		}
		return false
	}
}

// isTensors knows safetensors by the length of a header and its brace.
func isTensors(start []byte) bool {
	const longest = 100_000_000
	return len(start) > 8 && start[8] == '{' && binary.LittleEndian.Uint64(start) <= longest
}

var (
	setting = regexp.MustCompile(`^(\s*(#[^\n]*)?\n)*\s*[A-Za-z_][A-Za-z0-9_]*\s*=`)
	status  = regexp.MustCompile(`^\s*\{\s*"status"\s*:`)
)

func isConfig(start []byte) bool  { return setting.Match(start) }
func isSummary(start []byte) bool { return status.Match(start) }

// sum is the file's SHA-256.
func (i *inspection) sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("aegis: inspect: %w", err)
	}
	defer func() { _ = f.Close() }() // it was read only
	h := sha256.New()
	for {
		const block = 16 << 20
		if err := i.ctx.Err(); err != nil {
			return "", err
		}
		if _, err := io.CopyN(h, f, block); errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), nil
		} else if err != nil {
			return "", fmt.Errorf("aegis: inspect %s: %w", path, err)
		}
	}
}
