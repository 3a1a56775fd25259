package inspect

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aegis/internal/run"
	"aegis/internal/session"
)

// mostJSON bounds what is read of a file of JSON, and of a line of one.
const mostJSON = 16 << 20

// run reads what a run's directory holds.
func (i *inspection) run() error {
	if err := i.listFiles(); err != nil {
		return err
	}
	if path := i.file(run.ModelFile); path != "" {
		if err := i.readTensors(path); err != nil {
			return err
		}
		sum, err := i.sum(path)
		if err != nil {
			return err
		}
		i.SHA256 = sum
	}
	program := i.Kind == KindProgram
	i.Kind = KindRun
	if path := i.file(run.ConfigFile); path != "" && !program {
		c, err := session.LoadRunConfig(path)
		if err != nil {
			return err
		}
		i.Config = &c
	}
	if path := i.file(run.SummaryFile); path != "" {
		return i.readSummary(path)
	}
	if path := i.file(run.MetricsFile); path != "" {
		return i.readLast(path)
	}
	return nil
}

// listFiles lists the files that a user sees.
func (i *inspection) listFiles() error {
	entries, err := os.ReadDir(i.Path)
	if err != nil {
		return fmt.Errorf("aegis: inspect: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) { // it was replaced meanwhile
			continue
		}
		if err != nil {
			return fmt.Errorf("aegis: inspect: %w", err)
		}
		if info.Mode().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			i.Files = append(i.Files, File{Name: e.Name(), Bytes: info.Size()})
		}
	}
	return nil
}

// file is the path of one of them, empty where it is not there.
func (i *inspection) file(name string) string {
	for _, f := range i.Files {
		if f.Name == name {
			return filepath.Join(i.Path, name)
		}
	}
	return ""
}

// config reads a config.toml.
func (i *inspection) config() error {
	c, err := session.LoadRunConfig(i.Path)
	if err != nil {
		return err
	}
	i.Kind, i.Config = KindConfig, &c
	return nil
}

// summary reads a summary.json.
func (i *inspection) summary() error {
	i.Kind = KindSummary
	return i.readSummary(i.Path)
}

func (i *inspection) readSummary(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("aegis: inspect: %w", err)
	}
	defer func() { _ = f.Close() }() // it was read only
	text, err := io.ReadAll(io.LimitReader(f, mostJSON+1))
	if err == nil && len(text) > mostJSON {
		err = fmt.Errorf("more than %d bytes", mostJSON)
	}
	if err == nil {
		err = json.Unmarshal(text, &i.Summary)
	}
	if err == nil && i.Summary == nil {
		err = errors.New("null")
	}
	if err != nil {
		return fmt.Errorf("aegis: inspect %s: %w; want the summary of a run", path, err)
	}
	return nil
}

// readLast reads the last whole line of the metrics. What stands behind it was
// cut off, by a crash or since it is being written.
func (i *inspection) readLast(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("aegis: inspect: %w", err)
	}
	defer func() { _ = f.Close() }() // it was read only
	lines, last := bufio.NewReader(f), []byte(nil)
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("aegis: inspect %s: %w; want a line of JSON an epoch", path, err)
		}
		last = append(last[:0], line...)
	}
	if last == nil {
		return nil
	}
	if err := json.Unmarshal(last, &i.Last); err != nil {
		return fmt.Errorf("aegis: inspect %s: %w; want a line of JSON an epoch", path, err)
	}
	return nil
}
