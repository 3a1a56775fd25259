package aegis

import (
	"encoding/json"
	"fmt"
	"strconv"

	"aegis/internal/program"
	"aegis/internal/run"
)

// checkpoints writes a run's safetensors files.
type checkpoints struct {
	dir    *run.Dir
	cfg    Config
	params []program.Param
	best   map[string]program.Tensor // what model.safetensors holds
}

// save writes last.safetensors, with everything that training carries on, and
// model.safetensors, with the parameters alone, where they are the best.
func (c *checkpoints) save(state *program.State, epoch int, best bool) error {
	config, err := json.Marshal(c.cfg)
	if err != nil {
		return fmt.Errorf("aegis: checkpoint: %w", err)
	}
	metadata := map[string]string{
		"format": "pt", "aegis": Version, "config": string(config),
		"epoch": strconv.Itoa(epoch), "step": strconv.FormatInt(state.Step, 10),
	}
	if best {
		c.best = make(map[string]program.Tensor)
		for _, p := range c.params {
			c.best[p.Name] = state.Tensors[p.Name]
		}
		if err := c.dir.WriteTensors(run.ModelFile, c.best, metadata); err != nil {
			return err
		}
	}
	return c.dir.WriteTensors(run.LastFile, state.Tensors, metadata)
}
