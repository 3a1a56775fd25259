package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// ReadSummary reads a run's summary into what v points to.
func ReadSummary(dir string, v any) error {
	path := filepath.Join(dir, SummaryFile)
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		return readError(path, err)
	}
	return nil
}

// ReadMetrics hands each line of a run's metrics to next. What stands behind the
// last end of a line was cut off, and is left out.
func ReadMetrics(dir string, next func(line []byte) error) error {
	path := filepath.Join(dir, MetricsFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return readError(path, err)
	}
	for number := 1; ; number++ {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole {
			return nil
		}
		if err := next(line); err != nil {
			return readError(path, fmt.Errorf("line %d: %w", number, err))
		}
		text = rest
	}
}

// readError says which file could not be read, once.
func readError(path string, err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("run: read %s: %w", path, err)
}

// HasCheckpoint says whether a directory holds a run that can go on, also where
// it was killed while it put its files in an earlier run's place.
func HasCheckpoint(dir string) bool {
	info, err := os.Stat(Now(dir, LastFile))
	return err == nil && info.Mode().IsRegular()
}

// LostCheckpoint says that the run in a directory had a checkpoint which somebody
// took away: it is known there, and not on its way to its place either.
func LostCheckpoint(dir string) bool {
	if HasCheckpoint(dir) || exists(filepath.Join(dir, newDir)) {
		return false
	}
	if m, there, err := readMark(dir); err != nil || there && m.Files[LastFile] == nil {
		return err != nil
	}
	entries, err := os.ReadDir(dir)
	return err != nil || !slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		m := temporary.FindStringSubmatch(e.Name())
		return m != nil && m[1] == LastFile
	})
}

// Now is where a file of a run is, also where the run was killed while it put its
// files in an earlier run's place.
func Now(dir, name string) string {
	if path := filepath.Join(dir, readyDir, name); exists(path) {
		return path
	}
	return filepath.Join(dir, name)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
