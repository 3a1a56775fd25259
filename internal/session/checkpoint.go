package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"aegis/internal/run"
	"aegis/internal/train"
	"aegis/model/optim"
	"aegis/model/program"
)

// trainingKey is where in the metadata of last.safetensors its [course] is.
const trainingKey = "training"

// course is what a checkpoint says of training beside tensors: with them all that
// a run needs to go on to the bit. It holds no times, so that a run that was
// interrupted comes to the same files as one that was not.
type course struct {
	train.Position
	Best *bestEpoch `json:"best"` // nil before an epoch has finished, or since its model was lost

	Batch int  `json:"batch"`
	Seed  Seed `json:"seed"`
	// Optimizers are those of a program of one's own, a phase each; a network's are
	// in its configuration.
	Optimizers []string       `json:"optimizers,omitempty"`
	Plateau    *optim.Plateau `json:"plateau,omitempty"` // of a schedule that waits for validation
	Curve      *curve         `json:"curve,omitempty"`

	DataRows   int    `json:"data_rows"`  // of the training set
	Data       string `json:"data"`       // its fingerprint
	Arithmetic string `json:"arithmetic"` // that came to it
}

// bestEpoch is the number of the best epoch, 0 of none.
func (c *course) bestEpoch() int {
	if c.Best == nil {
		return 0
	}
	return c.Best.Epoch
}

// bestEpoch is the one with the least validation loss, the last one where nothing
// is held out.
type bestEpoch struct {
	Epoch   int      `json:"epoch"`
	Step    int64    `json:"step"`
	ValLoss *float64 `json:"val_loss"`
}

// checkpoints keeps a run's best parameters and writes its safetensors files
// beside training: last.safetensors with everything that training carries on, and
// model.safetensors with the parameters alone, or where training has averages of
// them with those. One goroutine at a time writes; the fields are of the one that
// trains.
type checkpoints struct {
	dir    *run.Dir
	kind   string // of the configuration in the files' metadata, its key
	config any
	params []program.Param

	averages bool // the model is the averages, by the names of what they follow

	model   checkpoint         // the best, nil tensors before the first
	pending bool               // model is not in its file
	state   checkpoint         // the newest that was copied
	unsaved bool               // state is not in its file
	files   map[string]*moment // that the files of this run are of

	writing *writing // nil: nothing is being written
	written time.Time
	took    time.Duration // the last time
}

// checkpoint is what one file holds.
type checkpoint struct {
	tensors map[string]program.Tensor
	course  *course // of a state
	moment
}

// moment is where training stood.
type moment struct {
	epoch int // finished; of a model 0, where it is of none
	step  int64
}

// writing is files that are being written.
type writing struct {
	model, state *checkpoint // nil: not written now
	commit       bool        // there is a model, so that an earlier run can go
	superseded   atomic.Bool // a newer state is to be written in the place of this one
	start        time.Time
	done         chan error

	wroteModel, wroteState bool // when done
}

// errSuperseded says that a state was not written, since there is a newer one.
var errSuperseded = errors.New("a newer state is to be written")

// keep takes a state that training has come to, as the best model too or not.
func (c *checkpoints) keep(state *program.State, at course, best bool) {
	c.state, c.unsaved = checkpoint{state.Tensors, &at, moment{at.Epoch, state.Step}}, true
	if !best {
		return
	}
	c.model, c.pending = checkpoint{c.modelOf(state), nil, moment{at.bestEpoch(), state.Step}}, true
}

// modelOf returns the tensors of the model's file.
func (c *checkpoints) modelOf(state *program.State) map[string]program.Tensor {
	if c.averages {
		return modelOf(c.params, state.Tensors)
	}
	tensors := make(map[string]program.Tensor, len(c.params))
	for _, p := range c.params {
		tensors[p.Name] = state.Tensors[p.Name]
	}
	return tensors
}

// held are the tensors that are kept or are being written.
func (c *checkpoints) held() []map[string]program.Tensor {
	held := []map[string]program.Tensor{c.model.tensors, c.state.tensors}
	if w := c.writing; w != nil {
		for _, what := range []*checkpoint{w.model, w.state} {
			if what != nil {
				held = append(held, what.tensors)
			}
		}
	}
	return held
}

// due says whether files are to be written at an epoch's end. Of a small network
// on few rows an epoch takes less time than a file, and of a large one all that
// writing takes is a twentieth of the time.
func (c *checkpoints) due(copied time.Duration) bool {
	const (
		least = time.Second
		share = 20
	)
	return c.writing == nil && time.Since(c.written) >= max(least, share*(copied+c.took))
}

// begin starts to write what is not in its file yet, beside training.
func (c *checkpoints) begin() {
	if c.writing != nil || !c.pending && !c.unsaved {
		return
	}
	w := c.next()
	c.writing = w
	go func() { w.done <- c.write(w) }()
}

// next is what is to be written now.
func (c *checkpoints) next() *writing {
	w := &writing{commit: c.model.tensors != nil, start: time.Now(), done: make(chan error, 1)}
	if c.pending {
		model := c.model
		w.model = &model
	}
	if c.unsaved {
		state := c.state
		w.state = &state
	}
	return w
}

// poll takes in what was written meanwhile, without waiting; done says that
// something was.
func (c *checkpoints) poll() (done bool, err error) {
	if c.writing == nil {
		return false, nil
	}
	select {
	case err := <-c.writing.done:
		return true, c.end(err)
	default:
		return false, nil
	}
}

// supersede ends the writing of a state that is not the newest any more.
func (c *checkpoints) supersede() {
	if c.writing != nil {
		c.writing.superseded.Store(true)
	}
}

// finish writes what is not in its file yet, and waits for it. A state that is
// being written and not the newest is left.
func (c *checkpoints) finish() error {
	c.wait()
	if !c.pending && !c.unsaved && (c.model.tensors == nil || !c.dir.Replacing()) {
		return nil
	}
	w := c.next()
	c.writing = w
	return c.end(c.write(w))
}

// wait waits for what is being written; what is not written then is still kept.
func (c *checkpoints) wait() {
	if w := c.writing; w != nil {
		if w.state != nil && w.state.moment != c.state.moment {
			c.supersede()
		}
		_ = c.end(<-w.done)
	}
}

// end takes in what was written.
func (c *checkpoints) end(err error) error {
	w := c.writing
	c.writing, c.written, c.took = nil, time.Now(), time.Since(w.start)
	if c.files == nil {
		c.files = make(map[string]*moment)
	}
	if w.wroteModel {
		c.files[run.ModelFile] = &w.model.moment
		c.pending = c.pending && c.model.moment != w.model.moment
	}
	if w.wroteState {
		c.files[run.LastFile] = &w.state.moment
		c.unsaved = c.unsaved && c.state.moment != w.state.moment
	}
	if errors.Is(err, errSuperseded) {
		err = nil
	}
	return err
}

// write writes files, the model first, since a state says which the best is, and
// puts them in an earlier run's place. A state that is no finite number is kept
// out of its file. It is called beside training, and reads nothing that changes.
func (c *checkpoints) write(w *writing) error {
	sound := w.state == nil || c.finite(w.state.tensors)
	if w.model != nil && (sound || w.model.moment != w.state.moment) {
		if err := c.file(run.ModelFile, *w.model, nil); err != nil {
			return err
		}
		w.wroteModel = true
	}
	if w.state != nil && sound {
		if err := c.dir.SyncMetrics(); err != nil { // a state says how many of them there are
			return err
		}
		if err := c.file(run.LastFile, *w.state, &w.superseded); err != nil {
			return err
		}
		w.wroteState = true
	}
	if !w.commit || !sound && !w.wroteModel {
		return nil
	}
	return c.dir.Commit()
}

// finite says that parameters are finite numbers. What a step that overflows leaves
// shows in the loss of the next one: until then the state in its file is the better
// one.
func (c *checkpoints) finite(tensors map[string]program.Tensor) bool {
	for _, p := range c.params {
		for _, v := range tensors[p.Name].Data {
			if v-v != 0 {
				return false
			}
		}
	}
	return true
}

// file writes one file, unless it is superseded meanwhile.
func (c *checkpoints) file(name string, what checkpoint, superseded *atomic.Bool) error {
	metadata, err := c.metadata(what)
	if err != nil {
		return fmt.Errorf("aegis: checkpoint: %w", err)
	}
	return c.dir.WriteFile(name, func(w io.Writer) error {
		if superseded != nil {
			w = &unless{w, superseded}
		}
		return run.EncodeTensors(w, what.tensors, metadata)
	})
}

// metadata is what a file says of itself.
func (c *checkpoints) metadata(of checkpoint) (map[string]string, error) {
	config, err := json.Marshal(c.config)
	if err != nil {
		return nil, err
	}
	metadata := map[string]string{
		"format": "pt", "aegis": Version, c.kind: string(config),
		"epoch": strconv.Itoa(of.epoch), "step": strconv.FormatInt(of.step, 10),
	}
	if of.course != nil {
		text, err := json.Marshal(of.course)
		if err != nil {
			return nil, err
		}
		metadata[trainingKey] = string(text)
	}
	return metadata, nil
}

// unless writes until it is superseded.
type unless struct {
	io.Writer
	superseded *atomic.Bool
}

func (u *unless) Write(b []byte) (int, error) {
	if u.superseded.Load() {
		return 0, errSuperseded
	}
	return u.Writer.Write(b)
}
