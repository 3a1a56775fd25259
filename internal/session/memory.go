package session

import (
	"fmt"
	"math"

	"aegis/data"
	"aegis/internal/advice"
	"aegis/internal/memory"
	"aegis/model"
)

// fit sets the image's size and checks that the network fits into memory.
// Pictures are of a number of images.
func (c *Config) fit(images data.Images, shown int) error {
	c.Image = [3]int{images.C, images.H, images.W}
	cost, err := c.Cost()
	if err != nil {
		return err
	}
	need := c.need(cost, shown)
	if have := memory.Left(); have.Bytes > 0 && need > float64(have.Bytes) {
		return advice.With(fmt.Errorf("aegis: %s with hidden %v, latent %d, batch %d on images of %d×%d needs %.2f GiB; %s %.2f GiB beside what is loaded: "+
			"lower hidden, latent or batch", c.Model, c.Hidden, c.Latent, c.Batch, c.Image[1], c.Image[2],
			need/(1<<30), have.By, float64(have.Bytes)/(1<<30)), "hidden", "latent", "batch")
	}
	if cost.Params > math.MaxInt32 {
		return advice.With(fmt.Errorf("aegis: %s has %d parameters; want at most %d: lower hidden or latent",
			c.Model, cost.Params, math.MaxInt32), "hidden", "latent")
	}
	return nil
}

// need returns the bytes that a run takes at most beside its data set, with
// pictures of a number of images.
func (c *Config) need(cost model.Cost, shown int) float64 {
	const (
		inference = 512       // rows that a forward plan takes at once
		rest      = 128 << 20 // Go's runtime, threads, canvases
	)
	// Of the VM: parameters and the optimizer's state, and what of gradients
	// and transposed copies of weights there is at once.
	machine := cost.ParamBytes
	// A checkpoint's copy of parameters and state, and the best parameters;
	// Go's heap doubles before it is swept.
	checkpoint := 2 * cost.ParamBytes
	row := cost.ActivationBytes / float64(c.Batch)
	return machine + checkpoint + cost.ActivationBytes + row/2*inference + c.pictureBytes(shown) + rest
}
