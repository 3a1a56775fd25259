package run

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"aegis/internal/atomic"
)

// mark is what markFile holds: by what each file that a run wrote is known,
// the one that is there and the one that is about to take its place. A file
// that is known by nothing is a user's own.
type mark struct {
	Files map[string][]string `json:"files"`

	replaces bool // there is an earlier run
}

// readMark returns a directory's mark, and whether there is one.
func readMark(dir string) (m mark, there bool, err error) {
	m.Files = make(map[string][]string)
	text, err := os.ReadFile(filepath.Join(dir, markFile))
	if errors.Is(err, fs.ErrNotExist) {
		return m, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return m, false, fmt.Errorf("run: %s: %w; choose another directory", filepath.Join(dir, markFile), err)
	}
	return m, true, nil
}

// noFile is what something is known by that is no file, which no run makes.
const noFile = "no file"

// identify returns by what each of a run's files in a directory is known.
func identify(dir string) (map[string]string, error) {
	found := make(map[string]string)
	for _, name := range FileNames() {
		path := filepath.Join(dir, name)
		info, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, fmt.Errorf("run: look for an earlier run: %w", err)
		case info.IsDir():
			return nil, fmt.Errorf("run: %s is a directory, want a file or nothing; choose another directory", path)
		case !info.Mode().IsRegular():
			found[name] = noFile
			continue
		}
		if found[name], err = identity(path, name); err != nil {
			return nil, fmt.Errorf("run: look for an earlier run: %w", err)
		}
	}
	return found, nil
}

// identity returns by what a file is known: a hash of its size and of parts
// from its beginning to its end, of all of it where it is small. Metrics grow,
// and are known by their first line.
func identity(path, name string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // nothing was written
	if name == MetricsFile {
		line, err := bufio.NewReader(f).ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return digest(line), nil
	}
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	const parts, part = 16, 1 << 16
	size, sum := info.Size(), sha256.New()
	fmt.Fprintln(sum, size)
	for i := range int64(parts) {
		from := i * part
		if size > parts*part {
			from = i * (size - part) / (parts - 1)
		}
		if _, err := io.Copy(sum, io.NewSectionReader(f, from, part)); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// strangers returns which of the files in a directory no run wrote, or were
// changed since. Nothing is lost of metrics without a line.
func (m mark) strangers(found map[string]string) (names []string) {
	for _, name := range FileNames() {
		id, there := found[name]
		if there && !slices.Contains(m.Files[name], id) && (name != MetricsFile || id != digest(nil)) {
			names = append(names, name)
		}
	}
	return names
}

// known returns the mark of a directory and what is in it, and refuses files
// that no run wrote.
func known(dir string) (mark, map[string]string, error) {
	found, err := identify(dir) // first: a run that lives writes its mark before its files
	if err != nil {
		return mark{}, nil, err
	}
	m, marked, err := readMark(dir)
	if err != nil {
		return mark{}, nil, err
	}
	names := m.strangers(found)
	if !marked {
		names = unmarked(dir, found)
	}
	if len(names) > 0 {
		return mark{}, nil, fmt.Errorf("run: %s has %s, which no run wrote, or which changed since; that would be replaced: move it or choose another directory",
			dir, strings.Join(names, ", "))
	}
	return m, found, nil
}

// unmarked is strangers in a directory without a mark. Runs of version 0.1.0
// left none: their summary or checkpoints show them, and their checkpoints
// which configuration is theirs.
func unmarked(dir string, found map[string]string) (names []string) {
	ours, configs := ofOurs(filepath.Join(dir, SummaryFile)), []string(nil)
	for _, name := range []string{ModelFile, LastFile} {
		t, err := OpenTensors(filepath.Join(dir, name))
		if err == nil {
			_ = t.Close() // nothing was written
		}
		if err == nil && t.Metadata["aegis"] != "" {
			ours, configs = ours || name == LastFile, append(configs, t.Metadata["config"])
		} else if found[name] != "" {
			names = append(names, name)
		}
	}
	if _, there := found[ConfigFile]; there && !isConfig(filepath.Join(dir, ConfigFile), configs) {
		names = append(names, ConfigFile)
	}
	if ours {
		return names
	}
	for _, name := range FileNames() {
		if _, there := found[name]; there && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// ofOurs says whether a file is the summary of a run.
func ofOurs(path string) bool {
	var summary struct {
		VM      string    `json:"vm"`
		Version string    `json:"version"`
		Pixels  []float64 `json:"pixel_range"`
	}
	text, err := os.ReadFile(path)
	return err == nil && json.Unmarshal(text, &summary) == nil && summary.VM != "" && summary.Version != "" && len(summary.Pixels) == 2
}

// isConfig says whether a config.toml has the values of one of the
// configurations, which are JSON, a line each and nothing else.
func isConfig(path string, configs []string) bool {
	var values map[string]any
	text, err := os.ReadFile(path)
	if err != nil || toml.Unmarshal(text, &values) != nil || bytes.Count(text, []byte{'\n'}) != len(values) {
		return false
	}
	text, err = json.Marshal(values)
	if err != nil {
		return false
	}
	same := func(config string) bool {
		var a, b any
		return json.Unmarshal(text, &a) == nil && json.Unmarshal([]byte(config), &b) == nil && reflect.DeepEqual(a, b)
	}
	return slices.ContainsFunc(configs, same)
}

// note remembers a file that is about to be in its place, beside the one that
// is there until then.
func (d *Dir) note(name, id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.noted(name, id)
}

func (d *Dir) noted(name, id string) error {
	ids := []string{id}
	there, err := identity(filepath.Join(d.out, name), name)
	switch {
	case err == nil && there != id && slices.Contains(d.mark.Files[name], there):
		ids = append(ids, there)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	d.mark.Files[name] = ids
	return atomic.Replace(filepath.Join(d.out, markFile), func(w io.Writer) error {
		return json.NewEncoder(w).Encode(d.mark)
	}, func(string) error { return d.checked() })
}
