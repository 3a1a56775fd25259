package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/gofrs/flock"
)

// Names that a run uses in its directory beside its files.
const (
	markFile  = ".aegis"       // says that the directory is a run's, and knows its config.toml
	lockFile  = ".aegis-lock"  // is locked as long as a run lives
	newDir    = ".aegis-new"   // files of a run that replaces an earlier one, until it has a model
	readyDir  = ".aegis-ready" // the same, on their way to their places
	mostTries = 1000           // of names for a new directory
)

// ErrExists is wrapped by Create's error where a directory holds an earlier
// run that force would replace.
var ErrExists = errors.New("a run already")

// Dir is the directory of one run, locked until Close. Its methods are called
// from one goroutine at a time; Path and WriteFile from any number.
type Dir struct {
	out  string // the directory
	path string // where files are written now: out, or newDir in it
	lock *flock.Flock
	mark mark
}

// Create makes a directory, parents too, for a new run and locks it. One that
// another run has locked is refused. One that holds a run already is refused,
// unless force is set: then the earlier run's files stay as they are until
// [Dir.Commit]. Files that no run wrote are never touched: where one has the
// name of a file of a run, the directory is refused.
func Create(dir string, force bool) (*Dir, error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	if err := foreign(dir); err != nil {
		return nil, err
	}
	d := &Dir{out: dir, path: dir}
	if err := d.takeLock(); err != nil {
		return nil, err
	}
	if err := d.begin(force); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// CreateNew makes a directory of its own for a new run: base, or where that is
// there already base-2, base-3 and so on.
func CreateNew(base string) (*Dir, error) {
	if err := os.MkdirAll(filepath.Dir(base), 0o777); err != nil {
		return nil, fmt.Errorf("run: make the output directory: %w", err)
	}
	name := base
	for try := 2; ; try++ {
		err := os.Mkdir(name, 0o777)
		if err == nil {
			return Create(name, false)
		}
		if !errors.Is(err, fs.ErrExist) || try == mostTries {
			return nil, fmt.Errorf("run: make the output directory: %w", err)
		}
		name = fmt.Sprintf("%s-%d", base, try)
	}
}

// makeDir makes a directory where there is none.
func makeDir(dir string) error {
	if dir == "" {
		return errors.New("run: no output directory; name one")
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return notDir(dir)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("run: make the output directory: %w; choose another one", err)
	}
	return nil
}

// takeLock locks the directory, or says that another run has.
func (d *Dir) takeLock() error {
	const patience, pause = 100 * time.Millisecond, 5 * time.Millisecond // beside one that only asks
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	d.lock = flock.New(filepath.Join(d.out, lockFile))
	switch _, err := d.lock.TryLockContext(ctx, pause); {
	case errors.Is(err, context.DeadlineExceeded):
		return errBusy(d.out)
	case errors.Is(err, errors.ErrUnsupported): // a network's file system that knows no locks
		return nil
	case err != nil:
		return fmt.Errorf("run: %s takes no files: %w; choose another directory", d.out, err)
	}
	return nil
}

// begin looks at what is there, tidies up after runs that were killed, and
// decides where files are written.
func (d *Dir) begin(force bool) error {
	if err := d.tidy(); err != nil {
		return err
	}
	var err error
	if d.mark, err = admitted(d.out, force); err != nil {
		return err
	}
	if err := probe(d.out); err != nil {
		return err
	}
	if !d.mark.replaces {
		return nil
	}
	d.path = filepath.Join(d.out, newDir)
	if err := os.Mkdir(d.path, 0o777); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	return nil
}

// temporary matches the names that createTemp makes for a run's files.
var temporary = regexp.MustCompile(`^\.(.+)\.[0-9a-f]{8}\.tmp$`)

// tidy finishes what a killed run had begun to put in place, and removes what
// it had not.
func (d *Dir) tidy() error {
	if err := d.move(); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(d.out, newDir)); err != nil {
		return fmt.Errorf("run: remove a killed run's files: %w", err)
	}
	entries, err := os.ReadDir(d.out)
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	for _, e := range entries {
		m := temporary.FindStringSubmatch(e.Name())
		if m == nil || !slices.Contains(append(fileNames(), markFile, probeFile), m[1]) {
			continue
		}
		if err := os.Remove(filepath.Join(d.out, e.Name())); err != nil {
			return fmt.Errorf("run: remove a killed run's file: %w", err)
		}
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
			return nil, fmt.Errorf("run: %s is a directory, want a file or nothing; choose another directory", path)
		default:
			found = append(found, path)
		}
	}
	return found, nil
}

// foreign refuses a directory without a mark that has files with the names of
// a run's. Runs of version 0.1.0 left no mark: their summary shows them.
func foreign(dir string) error {
	if _, err := os.Lstat(filepath.Join(dir, markFile)); err == nil {
		return nil
	}
	old, err := earlier(dir)
	if err != nil || len(old) == 0 {
		return err
	}
	var summary struct {
		VM      string    `json:"vm"`
		Version string    `json:"version"`
		Pixels  []float64 `json:"pixel_range"`
	}
	text, err := os.ReadFile(filepath.Join(dir, SummaryFile))
	if err == nil && json.Unmarshal(text, &summary) == nil && summary.VM != "" && summary.Version != "" && len(summary.Pixels) == 2 {
		return nil
	}
	if t, err := OpenTensors(filepath.Join(dir, LastFile)); err == nil {
		ours := t.Metadata["aegis"] != ""
		if err := t.Close(); err != nil || ours {
			return err
		}
	}
	return fmt.Errorf("run: %s has a %s that no run wrote, and it would be replaced; choose another directory", dir, filepath.Base(old[0]))
}

// probeFile is what probe writes.
const probeFile = "probe"

// probe writes and removes a file, so that an hour of training is not lost to
// a directory that takes no files.
func probe(dir string) error {
	f, err := createTemp(filepath.Join(dir, probeFile))
	if err != nil {
		return fmt.Errorf("run: %s takes no files: %w; choose another directory", dir, err)
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return fmt.Errorf("run: try to write in %s: %w", dir, err)
	}
	return nil
}

// Out returns the directory.
func (d *Dir) Out() string { return d.out }

// Path returns where a file of the run is.
func (d *Dir) Path(name string) string { return filepath.Join(d.path, name) }

// Replacing says whether the files of an earlier run are still in their
// places, since [Dir.Commit] was not called.
func (d *Dir) Replacing() bool { return d.path != d.out }

// Commit puts the run's files in the place of an earlier run's, all of which
// go; it is called once there is a model to show for it. From then on files
// are written to their places. Where there was no earlier run, or with the
// second call, it does nothing.
func (d *Dir) Commit() error {
	if !d.Replacing() {
		return nil
	}
	if err := os.Rename(d.path, filepath.Join(d.out, readyDir)); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	d.path = d.out
	return d.move()
}

// move puts what is in readyDir in its place. The model changes by one rename;
// the earlier run's other files go before it and the new ones come after it, so
// that at any moment the files in the directory are of one run. A run that is
// killed meanwhile leaves the rest to the next one.
func (d *Dir) move() error { return d.moveBy(func(step func() error) error { return step() }) }

// moveBy is move with each step handed to do.
func (d *Dir) moveBy(do func(step func() error) error) error {
	from := filepath.Join(d.out, readyDir)
	if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var steps []func() error
	if _, err := os.Lstat(filepath.Join(from, ModelFile)); err == nil { // else they are gone already
		for _, name := range fileNames() {
			if name != ModelFile {
				steps = append(steps, func() error { return os.Remove(filepath.Join(d.out, name)) })
			}
		}
	}
	for _, name := range append([]string{ModelFile}, fileNames()...) {
		steps = append(steps, func() error { return os.Rename(filepath.Join(from, name), filepath.Join(d.out, name)) })
	}
	steps = append(steps, func() error { return os.RemoveAll(from) })
	for _, step := range steps {
		if err := do(step); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("run: put a file in the earlier run's place: %w", err)
		}
	}
	return nil
}

// Close removes what was not committed and unlocks the directory.
func (d *Dir) Close() error {
	var err error
	if d.Replacing() {
		err = os.RemoveAll(d.path)
	}
	return errors.Join(err, d.lock.Close())
}
