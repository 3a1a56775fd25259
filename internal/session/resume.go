package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"aegis/data"
	"aegis/internal/run"
	"aegis/internal/train"
	"aegis/model/program"
)

// earlier is a run that goes on, as its files have it.
type earlier struct {
	from   string // its directory
	config string // JSON of its configuration
	course course
	known  bool       // course is; else the file is of a version that kept none
	lost   *bestEpoch // the best so far, whose model is in no file; nil: it is in one
	state  *program.State
	model  checkpoint                   // the best one, nil tensors where there is none yet
	epochs []Metrics                    // up to the state
	files  map[string]map[string]string // metadata, by the name of the file
}

// ResumeConfig is the configuration that a run which goes on has: that of its
// config.toml or, where there is none, that of its checkpoint, which knows neither
// the data, embedded MNIST then, nor the device.
func ResumeConfig(path string) (Config, error) {
	dir := RunOf(path)
	if !run.HasCheckpoint(dir) {
		return Config{}, noCheckpoint(dir)
	}
	c, err := LoadRunConfig(run.Now(dir, run.ConfigFile))
	if errors.Is(err, fs.ErrNotExist) {
		return checkpointConfig(run.Now(dir, run.LastFile))
	}
	return c, err
}

// checkpointConfig is what config.toml would have, as far as a checkpoint says it.
func checkpointConfig(path string) (c Config, err error) {
	file, err := run.OpenTensors(path)
	if err != nil {
		return c, fmt.Errorf("aegis: resume: %w", err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	text, ok := file.Metadata[run.ConfigKey]
	var kept Config
	if !ok {
		err = errors.New("it has no configuration of a network")
	} else {
		err = json.Unmarshal([]byte(text), &kept)
	}
	if err != nil {
		return c, fmt.Errorf("aegis: resume: the configuration in %s: %w; want the %s that the run left", path, err, run.ConfigFile)
	}
	for _, o := range configTable() { // what else there is of it follows from the data
		if !o.Local {
			reflect.ValueOf(o.At(&c)).Elem().Set(reflect.ValueOf(o.At(&kept)).Elem())
		}
	}
	c.Device = DeviceAuto
	return c, OfRun(c.Validate())
}

// RunOf is the directory of a run, which a file of it may name.
func RunOf(path string) string {
	if info, err := os.Stat(path); err == nil && !info.IsDir() && slices.Contains(run.FileNames(), filepath.Base(path)) {
		return filepath.Dir(path)
	}
	return path
}

func noCheckpoint(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return configErrorf("aegis: resume %s: there is no such directory; want that of a run that left a checkpoint", dir)
	}
	return configErrorf("aegis: resume %s: there is no %s in it; want the directory of a run that left one", dir, run.LastFile)
}

// resumes returns the directory of the run that goes on, "" where one starts.
func (o Options) resumes() (string, error) {
	switch {
	case o.Resume != "" && o.Auto:
		return "", configErrorf("aegis: a run to go on with, and one that goes on if it is there; want one of them")
	case o.Auto && o.Out == "":
		return "", elsewhere(configErrorf("aegis: a run that goes on if it is there needs a directory; name one"))
	case o.Auto && run.HasCheckpoint(o.Out):
		return o.Out, nil
	case o.Auto, o.Resume == "":
		return "", nil
	}
	from := RunOf(o.Resume)
	if !run.HasCheckpoint(from) {
		return "", noCheckpoint(from)
	}
	return from, nil
}

// inPlace says that a run goes on in its own directory.
func (o Options) inPlace(from string) bool {
	if o.Out == "" {
		return true
	}
	same, err := sameFile(from, o.Out)
	return err == nil && same
}

// fresh says that a directory holds nothing but what a run left that was killed
// before its first checkpoint was whole: one that starts there may take its place.
// Its model may be there, which is written before the state: that of an unfinished
// first epoch, or another where no state ever was.
func fresh(dir string) bool {
	for _, name := range run.FileNames() {
		if name == run.ConfigFile || name == run.MetricsFile {
			continue
		}
		if _, err := os.Lstat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if name != run.ModelFile {
			return false
		}
		switch at, err := trainedModel(filepath.Join(dir, name)); {
		case err != nil, at.step == 0: // an imported model is of no step
			return false
		case at.epoch > 0 && run.LostCheckpoint(dir):
			return false
		}
	}
	return true
}

// trainedModel says what a model's file is of.
func trainedModel(path string) (at moment, err error) {
	file, err := run.OpenTensors(path)
	if err != nil {
		return at, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	return readMoment(file.Metadata)
}

// readMoment is when a file is of, by its metadata.
func readMoment(metadata map[string]string) (moment, error) {
	epoch, errEpoch := strconv.Atoi(metadata["epoch"])
	step, errStep := strconv.ParseInt(metadata["step"], 10, 64)
	if errEpoch != nil || errStep != nil {
		return moment{}, fmt.Errorf("it is of epoch %q and step %q; want numbers", metadata["epoch"], metadata["step"])
	}
	return moment{epoch, step}, nil
}

// openEarlier reads what a run left: kind is its configuration's key. Nobody
// writes there meanwhile.
func openEarlier(dir, kind string) (*earlier, error) {
	e := &earlier{from: dir, files: make(map[string]map[string]string)}
	tensors, metadata, err := run.ReadTensors(filepath.Join(dir, run.LastFile))
	if err == nil {
		err = e.read(metadata, kind)
	}
	if err != nil {
		return nil, fmt.Errorf("aegis: resume %s: %w", dir, err)
	}
	e.state = &program.State{Step: e.course.Step, Tensors: tensors}
	e.files[run.LastFile] = metadata
	err = run.ReadMetrics(dir, func(line []byte) error {
		var m Metrics
		if err := json.Unmarshal(line, &m); err != nil {
			return err
		}
		if m.Step <= e.course.Step && m.Epoch <= e.course.Epoch {
			e.epochs = append(e.epochs, m)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("aegis: resume %s: %w", dir, err)
	}
	if len(e.epochs) != e.course.Epoch {
		return nil, fmt.Errorf("aegis: resume %s: %s has %d of the %d epochs that finished; want the file as the run left it", dir, run.MetricsFile, len(e.epochs), e.course.Epoch)
	}
	if !e.known {
		e.course.Best = bestOf(e.epochs)
	}
	return e, e.openModel(dir)
}

// read takes in the metadata of a state.
func (e *earlier) read(metadata map[string]string, kind string) error {
	config, ok := metadata[kind]
	if !ok {
		return fmt.Errorf("%s has no key %s; want a run of this kind, of a network or a program of one's own", run.LastFile, kind)
	}
	e.config = config
	text, ok := metadata[trainingKey]
	if e.known = ok; ok {
		if err := json.Unmarshal([]byte(text), &e.course); err != nil {
			return fmt.Errorf("%s: %s: %w", run.LastFile, trainingKey, err)
		}
		if p := e.course.Position; p.Epoch < 0 || p.Step < 0 || p.Rows < 0 {
			return fmt.Errorf("%s: it stands at step %d, %d rows behind epoch %d; want numbers of at least 0", run.LastFile, p.Step, p.Rows, p.Epoch)
		}
		return nil
	}
	at, err := readMoment(metadata)
	if err != nil {
		return fmt.Errorf("%s: %w", run.LastFile, err)
	}
	e.course.Position = train.Position{Epoch: at.epoch, Step: at.step}
	return nil
}

// bestOf is the best epoch as its lines have it.
func bestOf(epochs []Metrics) (best *bestEpoch) {
	for _, m := range epochs {
		if m.Best {
			best = &bestEpoch{m.Epoch, m.Step, m.ValLoss}
		}
	}
	return best
}

// openModel reads the best model. A run that was killed between model and state
// left that of an epoch to which the state has not come, and which training may not
// come to again under other settings: it is no model of this state. Then the best
// one is that of the state, where it stands behind the best epoch; else it is lost,
// and the best is counted anew from the next epoch on. Where nothing changed,
// training comes to the epoch of the file, which is better than all before it, and
// so to the same model.
func (e *earlier) openModel(dir string) error {
	best := e.course.Best
	if best == nil {
		return nil // the next epoch makes it
	}
	tensors, metadata, err := run.ReadTensors(filepath.Join(dir, run.ModelFile))
	if err != nil {
		return fmt.Errorf("aegis: resume %s: the model of epoch %d: %w", dir, best.Epoch, err)
	}
	at, err := readMoment(metadata)
	switch ofNone := at.epoch == 0 && at.step >= e.course.Step; { // in the place of one that was lost
	case err != nil:
		return fmt.Errorf("aegis: resume %s: %s: %w", dir, run.ModelFile, err)
	case at.epoch == best.Epoch:
		e.model, e.files[run.ModelFile] = checkpoint{tensors, nil, at}, metadata
	case at.epoch < best.Epoch && !ofNone:
		return fmt.Errorf("aegis: resume %s: %s is of epoch %d; want that of epoch %d", dir, run.ModelFile, at.epoch, best.Epoch)
	case best.Step != e.course.Step:
		e.lost, e.course.Best = best, nil
	}
	return nil
}

// fits says why a run cannot go on as it is configured now, by what is other; rows
// are those of an epoch.
func (e *earlier) fits(now course, rows int, d differences) error {
	was := e.course
	if len(d.refused) > 0 {
		return configErrorf("aegis: resume %s: it would be another run: %s; leave these as they are%s", e.from, strings.Join(d.refused, "; "), e.unnamed())
	}
	switch {
	case e.known && was.Data != now.Data:
		return fmt.Errorf("aegis: resume %s: the data are others: %d training rows of fingerprint %s, the run has %d of %s; want the same rows in the same order%s",
			e.from, now.DataRows, now.Data, was.DataRows, was.Data, e.unnamed())
	case !d.scaled:
		return fmt.Errorf("aegis: resume %s: rows are scaled in another way than the run has it, as where it started from a model; want the %s that the run left, which says from which", e.from, run.ConfigFile)
	case e.known && was.Rows > rows:
		return fmt.Errorf("aegis: resume %s: the state is %d rows into an epoch, which has %d", e.from, was.Rows, rows)
	case !e.known && was.Step != int64(was.Epoch)*int64(stepsOf(rows, now.Batch)):
		return fmt.Errorf("aegis: resume %s: the state of step %d is not at an epoch's end, and the version that wrote it did not keep where it is; want one at an epoch's end", e.from, was.Step)
	}
	return nil
}

// unnamed adds to what is other that the run does not say what its data are.
func (e *earlier) unnamed() string {
	if _, err := os.Stat(filepath.Join(e.from, run.ConfigFile)); !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return fmt.Sprintf("; there is no %s in it, which says what the data are: name them", run.ConfigFile)
}

// best is the state of the best model, as far as it is in a file: its parameters.
func (e *earlier) best() *program.State {
	switch {
	case e.model.tensors == nil && e.course.Best != nil:
		return e.state
	case e.model.tensors == nil:
		return nil
	}
	return &program.State{Step: e.model.step, Tensors: e.model.tensors}
}

func sameFile(a, b string) (bool, error) {
	first, errA := os.Stat(a)
	second, errB := os.Stat(b)
	return os.SameFile(first, second), errors.Join(errA, errB)
}

// initial is the model that the run started from, as far as it is needed: what it
// reads of rows.
func (e *earlier) initial(path Path) (*initial, error) {
	if path == "" {
		return nil, nil
	}
	var was Config
	if err := json.Unmarshal([]byte(e.config), &was); err != nil {
		return nil, fmt.Errorf("aegis: resume %s: the configuration in %s: %w", e.from, run.LastFile, err)
	}
	return &initial{path: e.from, spec: was.Spec}, nil
}

// copyTo writes what a run left into the directory in which it goes on; the first
// one stays as it is.
func (e *earlier) copyTo(dir *run.Dir) error {
	for i := range e.epochs {
		if err := dir.AppendMetrics(e.epochs[i]); err != nil {
			return err
		}
	}
	model := e.files[run.ModelFile]
	if model == nil { // the first checkpoint has one to show
		return nil
	}
	if err := dir.WriteTensors(run.ModelFile, e.model.tensors, model); err != nil {
		return err
	}
	if err := dir.WriteTensors(run.LastFile, e.state.Tensors, e.files[run.LastFile]); err != nil {
		return err
	}
	return dir.Commit()
}

// release lets go of tensors, which the journal has now.
func (e *earlier) release() {
	if e != nil {
		e.state, e.model.tensors = nil, nil
	}
}

// Trained returns how many training rows the data had that a run of a directory
// was trained on, and their fingerprint, "" where no state of training says it.
func Trained(dir string) (rows int, print string, err error) {
	file, err := run.OpenTensors(filepath.Join(dir, run.LastFile))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("aegis: %w", err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	var c course
	if text, ok := file.Metadata[trainingKey]; ok {
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			return 0, "", fmt.Errorf("aegis: %s: what it says of training: %w", filepath.Join(dir, run.LastFile), err)
		}
	}
	return c.DataRows, c.Data, nil
}

// fingerprint is that of the rows that decide what training comes to: those to
// train on and to validate with, with labels where they say which rows are which.
func fingerprint(ds *data.Source, trained data.Set, labels bool) (print string, err error) {
	sets := []data.Set{trained, ds.Val}
	if !labels {
		sets[0].Labels, sets[1].Labels = nil, nil
	}
	err = ds.Guard(func() error {
		print = data.Fingerprint(sets...)
		return nil
	})
	return print, err
}
