//go:build !cpu

package cuda

import (
	"errors"
	"fmt"

	"aegis/cuda/internal/gpu"
	"aegis/internal/advice"
)

// needs is what a program takes of a device's memory, in bytes.
type needs struct {
	state, arena, queue int64
	batch               int   // 0 where nothing is trained
	perRow              int64 // of the arena, for each row of a batch
	scratch             int64 // of the arena, at any batch
}

func (n needs) total() int64 { return n.state + n.arena + n.queue }

// outOfMemory explains an allocation that failed while a machine was made.
func (n needs) outOfMemory(g *gpu.Context, err error, what string, asked int64) error {
	free, total, infoErr := g.MemInfo()
	if infoErr != nil {
		return errors.Join(err, infoErr)
	}
	todo, options := "no batch would fit: use a smaller network, or free the GPU", []string{"hidden", "latent"}
	if fits := n.fits(g.Available); fits > 0 {
		todo, options = fmt.Sprintf("a batch of %d would fit", fits), []string{fmt.Sprintf("batch %d", fits)}
	}
	use := fmt.Sprintf("training at batch %d", n.batch)
	if n.batch == 0 {
		use, todo, options = "to run the network", "use the CPU, or free the GPU", []string{"device cpu"}
	}
	return advice.With(g.OutOfMemory(err, fmt.Sprintf("asked for %s for %s; %s of %s are free, and %s needs %s in all; %s",
		gpu.FormatBytes(asked), what, gpu.FormatBytes(free), gpu.FormatBytes(total), use, gpu.FormatBytes(n.total()), todo)), options...)
}

// fits returns about the largest batch that some bytes are enough for, with a
// margin for what the driver rounds up.
func (n needs) fits(free int64) int {
	left := free - free/16 - n.state - n.queue - n.scratch
	return int(max(0, min(left/max(1, n.perRow), int64(n.batch-1))))
}
