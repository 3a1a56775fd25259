package session

import (
	"fmt"
	"math"

	"aegis/data"
	"aegis/data/memory"
	"aegis/internal/advice"
	"aegis/internal/plan"
	"aegis/model"
	"aegis/model/program"
)

// fit sets the size of a row and checks that what a run keeps beside its VM fits
// into memory.
func (c *Config) fit(rows data.Shape) error {
	c.Image, c.Scaling = [3]int{rows.C, rows.H, rows.W}, nil
	if c.Hidden == nil {
		c.Hidden = []int{} // as config.toml has it, so that a model file has no other word for it
	}
	cost, err := c.Cost()
	if err != nil {
		return err
	}
	if err := c.fits(checkpointBytes(cost) + c.pictureBytes()); err != nil {
		return err
	}
	if cost.Params > math.MaxInt32 {
		return advice.With(fmt.Errorf("aegis: %s has %d parameters; want at most %d: lower hidden or latent",
			c.Model, cost.Params, math.MaxInt32), "hidden", "latent")
	}
	return nil
}

// CheckMemory says where a network, whose image is known, does not fit into
// memory with a VM that has none of its own, as those on a CPU.
func CheckMemory(c Config) error {
	cost, err := c.Cost()
	if err != nil {
		return err
	}
	return c.fits(checkpointBytes(cost) + c.pictureBytes() + c.machineBytes(cost))
}

// CheckMemoryOf says where so many runs at once, of one configuration on one
// source, do not fit into memory beside each other. A GPU has its VM's memory of
// its own.
func CheckMemoryOf(runs int, c Config, src *data.Source) error {
	t := &trainer{cfg: c, dataset: src}
	if err := t.split(); err != nil {
		return err
	}
	if err := t.cfg.fit(t.train.Shape); err != nil {
		return err
	}
	cost, err := t.cfg.Cost()
	if err != nil {
		return err
	}
	need := checkpointBytes(cost) + t.cfg.pictureBytes()
	if c.Device != DeviceCUDA {
		need += t.cfg.machineBytes(cost)
	}
	if err := t.cfg.fits(float64(runs) * need); err != nil {
		return advice.With(fmt.Errorf("%w, or run fewer than %d side by side", err, runs), "jobs")
	}
	return nil
}

// fits compares what is needed beside the data set with what is left.
func (c Config) fits(need float64) error {
	have := memory.Left()
	if have.Bytes == 0 || need <= float64(have.Bytes) {
		return nil
	}
	return advice.With(fmt.Errorf("aegis: %s with hidden %v, latent %d, batch %d on rows of %v needs %.2f GiB; %s %.2f GiB beside what is loaded: "+
		"lower hidden, latent or batch", c.Model, c.Hidden, c.Latent, c.Batch, data.Shape{C: c.Image[0], H: c.Image[1], W: c.Image[2]},
		need/(1<<30), have.By, float64(have.Bytes)/(1<<30)), "hidden", "latent", "batch")
}

// checkpointBytes is what a run takes at most beside its data set and its VM: of
// parameters and state the copy that is being written, the one that is kept and
// the next one, and the best parameters, twice where one is being written. Of
// Adam's, with averages, that is 14 times the parameters, and ParamBytes, which has
// gradients too, is 5 times.
func checkpointBytes(cost model.Cost) float64 {
	const rest = 128 << 20 // Go's runtime, threads, canvases
	return 2.8*cost.ParamBytes + rest
}

// machineBytes is what a VM takes at most: parameters and the optimizer's
// state, and what of gradients and transposed copies of weights there is at
// once; then activations.
func (c Config) machineBytes(cost model.Cost) float64 {
	const inference = 512 // rows that a forward plan takes at once
	row := cost.ActivationBytes / float64(c.Batch)
	return cost.ParamBytes + cost.ActivationBytes + row/2*inference
}

// CheckProgramMemory says where a program does not fit into memory with a VM
// that has none of its own.
func CheckProgramMemory(p *program.Program) error {
	compiled, err := plan.Compile(p, plan.Options{})
	if err != nil {
		return err
	}
	return fitsProgram(p, 4*float64(compiled.Arena)) // gradients and activations
}

// fitsProgram compares what training a program needs beside its data set with
// what is left: the state and what the VM's arena takes, where there is one in
// this memory, and copies of the state for checkpoints.
func fitsProgram(p *program.Program, arena float64) error {
	state, rest := 0.0, float64(128<<20)
	for _, param := range p.Params {
		state += 4 * float64(param.Size())
	}
	for _, phase := range p.Phases {
		for _, n := range phase.Trained {
			state += 4 * float64(n.Shape().TotalSize()*len(phase.Optimizer.Slots()))
		}
	}
	need := 3*state + rest
	if arena > 0 {
		need += state + arena
	}
	have := memory.Left()
	if have.Bytes == 0 || need <= float64(have.Bytes) {
		return nil
	}
	return fmt.Errorf("aegis: program %s needs %.2f GiB to train; %s %.2f GiB beside what is loaded: want smaller parameters or a smaller batch",
		p.Name, need/(1<<30), have.By, float64(have.Bytes)/(1<<30))
}
