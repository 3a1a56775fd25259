package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"

	"aegis/internal/atomic"
)

// Names that a run uses in its directory beside its files.
const (
	markFile  = ".aegis"       // says that the directory is a run's, and knows its files
	lockFile  = ".aegis-lock"  // is locked as long as a run lives
	newDir    = ".aegis-new"   // files of a run that replaces an earlier one, until it has a model
	readyDir  = ".aegis-ready" // the same, on their way to their places
	mostTries = 1000           // of names for a new directory
)

// ErrExists is wrapped by Create's error where a directory holds an earlier
// run that force would replace.
var ErrExists = errors.New("a run already")

// Dir is the directory of one run, locked until Close. Files are written, and put
// in an earlier run's place, from one goroutine at a time; metrics may grow beside
// that, from another one. Before a method writes, it makes sure that the directory
// is still this run's: else its error wraps [ErrLost], and nothing is touched.
type Dir struct {
	out  string // the directory
	lock lock

	mu   sync.Mutex // of what follows, and of the metrics
	path string     // where files are written now: out, or newDir in it
	lost error      // an ErrLost, once it was found
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
	if err := refused(dir); err != nil {
		return nil, err
	}
	lock, err := takeLock(dir)
	if err != nil {
		return nil, err
	}
	d := &Dir{out: dir, path: dir, lock: lock}
	if err := d.begin(force); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Reopen locks the directory of a run that goes on, and tidies up after a killed
// one. Its files stay as they are, and are the run's from then on, whoever wrote
// them: who goes on with a run means its directory. So one that was copied without
// its mark goes on, and one whose configuration somebody changed.
func Reopen(dir string) (*Dir, error) {
	if err := CheckReopen(dir); err != nil {
		return nil, err
	}
	lock, err := takeLock(dir)
	if err != nil {
		return nil, err
	}
	d := &Dir{out: dir, path: dir, lock: lock}
	if err := d.goOn(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// goOn takes over what an earlier run left.
func (d *Dir) goOn() error {
	if err := d.tidy(); err != nil {
		return err
	}
	found, err := adopted(d.out)
	if err != nil {
		return err
	}
	d.mark = mark{Files: make(map[string][]string)}
	for name, id := range found {
		d.mark.Files[name] = []string{id}
	}
	return probe(d.out)
}

// CreateNew makes a directory of its own for a new run: base, or where that is
// there already base-2, base-3 and so on.
func CreateNew(base string) (*Dir, error) {
	dir, err := makeNew(base)
	if err != nil {
		return nil, err
	}
	return Create(dir, false)
}

// makeNew makes a directory that was not there, under a name as CreateNew says.
func makeNew(base string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(base), 0o777); err != nil {
		return "", takesNone(base, err)
	}
	name := base
	for try := 2; ; try++ {
		err := os.Mkdir(name, 0o777)
		if err == nil {
			return name, nil
		}
		if !errors.Is(err, fs.ErrExist) || try == mostTries {
			return "", takesNone(name, err)
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
		return takesNone(dir, err)
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
		return errors.Join(d.forget(MetricsFile), d.forget(ConfigFile))
	}
	d.path = filepath.Join(d.out, newDir)
	if err := os.Mkdir(d.path, 0o777); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	return nil
}

// forget removes a file of a run that left no model.
func (d *Dir) forget(name string) error {
	delete(d.mark.Files, name)
	if err := os.Remove(filepath.Join(d.out, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("run: remove a file of a run without a model: %w", err)
	}
	return nil
}

// temporary matches the names that atomic.CreateTemp makes for a run's files.
var temporary = regexp.MustCompile(`^\.(.+)\.[0-9a-f]{8}\.tmp$`)

// tidy finishes what a killed run had begun to put in place, and removes what
// it had not.
func (d *Dir) tidy() error {
	if err := d.move(); err != nil {
		return err
	}
	left := filepath.Join(d.out, newDir)
	if _, err := os.Lstat(left); err == nil { // a read-only disk refuses to remove what is not there
		if err := os.RemoveAll(left); err != nil {
			return fmt.Errorf("run: remove a killed run's files: %w", err)
		}
	}
	entries, err := os.ReadDir(d.out)
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	for _, e := range entries {
		m := temporary.FindStringSubmatch(e.Name())
		if m == nil || !slices.Contains(append(FileNames(), markFile, probeFile), m[1]) {
			continue
		}
		if err := os.Remove(filepath.Join(d.out, e.Name())); err != nil {
			return fmt.Errorf("run: remove a killed run's file: %w", err)
		}
	}
	return nil
}

// probeFile is what probe writes.
const probeFile = "probe"

// probe writes and removes a file, so that an hour of training is not lost to
// a directory that takes no files.
func probe(dir string) error {
	f, err := atomic.CreateTemp(filepath.Join(dir, probeFile))
	if err != nil {
		return takesNone(dir, err)
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return fmt.Errorf("run: try to write in %s: %w", dir, err)
	}
	return nil
}

// Out returns the directory.
func (d *Dir) Out() string { return d.out }

// Path returns where a file of the run is.
func (d *Dir) Path(name string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return filepath.Join(d.path, name)
}

// Replacing says whether the files of an earlier run are still in their
// places, since [Dir.Commit] was not called.
func (d *Dir) Replacing() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.path != d.out
}

// Commit puts the run's files in the place of an earlier run's, all of which
// go; it is called once there is a model to show for it. From then on files
// are written to their places. Where there was no earlier run, or with the
// second call, it does nothing.
func (d *Dir) Commit() error {
	if !d.Replacing() {
		return nil
	}
	return d.held(d.commit)
}

func (d *Dir) commit() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, _, err := known(d.out); err != nil { // put there since
		return err
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
		for _, name := range FileNames() {
			if name != ModelFile {
				steps = append(steps, func() error { return os.Remove(filepath.Join(d.out, name)) })
			}
		}
	}
	for _, name := range append([]string{ModelFile}, FileNames()...) {
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

// Close removes what was not committed and unlocks the directory. In one that
// is another run's by now there is nothing of this run to remove.
func (d *Dir) Close() error {
	var err error
	if d.Replacing() && d.check() == nil {
		err = os.RemoveAll(d.path)
	}
	return errors.Join(err, d.lock.file.Close())
}
