package run

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// mark is what markFile holds. A user may have a config.toml of their own: the
// mark knows those that runs wrote.
type mark struct {
	Config []string `json:"config_sha256"`
	none   bool     // there is no mark: a run of version 0.1.0

	replaces bool // there is an earlier run
}

func readMark(dir string) (mark, error) {
	var m mark
	text, err := os.ReadFile(filepath.Join(dir, markFile))
	if errors.Is(err, fs.ErrNotExist) {
		return mark{none: true}, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return m, fmt.Errorf("run: %s: %w; choose another directory", filepath.Join(dir, markFile), err)
	}
	return m, nil
}

// check refuses a config.toml that was changed since a run wrote it.
func (m mark) check(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || m.none {
		return nil
	}
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	if !slices.Contains(m.Config, digest(text)) {
		return fmt.Errorf("run: %s was changed since a run wrote it, and it would be replaced; move it or choose another directory", path)
	}
	return nil
}

// note remembers a config.toml that is about to be written, and the one that
// is there until it is replaced, which check has seen.
func (d *Dir) note(config []byte) error {
	d.mark = mark{Config: []string{digest(config)}}
	switch old, err := os.ReadFile(filepath.Join(d.out, ConfigFile)); {
	case err == nil:
		d.mark.Config = append(d.mark.Config, digest(old))
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("run: %w", err)
	}
	return WriteFile(filepath.Join(d.out, markFile), func(w io.Writer) error {
		return json.NewEncoder(w).Encode(d.mark)
	})
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
