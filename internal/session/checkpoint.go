package session

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"aegis/internal/run"
	"aegis/model/program"
)

// checkpoints keeps a run's best parameters and writes its safetensors files:
// last.safetensors with everything that training carries on, and
// model.safetensors with the parameters alone, or where training has averages of
// them with those.
type checkpoints struct {
	dir    *run.Dir
	kind   string // of the configuration in the files' metadata, its key
	config any
	params []program.Param

	averages bool // the model is the averages, by the names of what they follow

	model   checkpoint // the best, nil tensors before the first
	pending bool       // model is not in its file
	state   checkpoint // the newest that was copied
	unsaved bool       // state is not in its file
	written time.Time
	failed  error              // of the last time that something was written
	files   map[string]*moment // that the files of this run are of
}

// checkpoint is what one file holds.
type checkpoint struct {
	tensors map[string]program.Tensor
	moment
}

// moment is where training stood.
type moment struct {
	epoch int // finished
	step  int64
}

// writeEvery is how often files are written at most, since of a small network
// on few rows an epoch takes less time than a file.
const writeEvery = time.Second

// due says whether it is time to write.
func (c *checkpoints) due() bool { return time.Since(c.written) >= writeEvery }

// keep takes a state that training has come to, as the best model too or not.
func (c *checkpoints) keep(state *program.State, epoch int, best bool) {
	c.state, c.unsaved = checkpoint{state.Tensors, moment{epoch, state.Step}}, true
	if !best {
		return
	}
	c.model, c.pending = checkpoint{c.modelOf(state), c.state.moment}, true
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

// write writes what is not in its file yet, the model first, and puts it in an
// earlier run's place.
func (c *checkpoints) write() error {
	c.failed = c.writeFiles()
	c.written = time.Now()
	return c.failed
}

func (c *checkpoints) writeFiles() error {
	if c.pending {
		if err := c.file(run.ModelFile, c.model); err != nil {
			return err
		}
		c.pending = false
	}
	if c.unsaved {
		if err := c.file(run.LastFile, c.state); err != nil {
			return err
		}
		c.unsaved = false
	}
	if c.model.tensors == nil {
		return nil
	}
	return c.dir.Commit()
}

func (c *checkpoints) file(name string, what checkpoint) error {
	config, err := json.Marshal(c.config)
	if err != nil {
		return fmt.Errorf("aegis: checkpoint: %w", err)
	}
	err = c.dir.WriteTensors(name, what.tensors, map[string]string{
		"format": "pt", "aegis": Version, c.kind: string(config),
		"epoch": strconv.Itoa(what.epoch), "step": strconv.FormatInt(what.step, 10),
	})
	if err != nil {
		return err
	}
	if c.files == nil {
		c.files = make(map[string]*moment)
	}
	c.files[name] = &what.moment
	return nil
}
