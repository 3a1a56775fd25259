package model

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"aegis/model/program"
)

// Cost is what a network takes.
type Cost struct {
	Params int
	// FLOPs is one image's way forward, StepFLOPs its part of a training step.
	FLOPs, StepFLOPs float64
	// ParamBytes is parameters, gradients, optimizer state and averages;
	// ActivationBytes is every layer's result and its gradient, for a batch.
	ParamBytes, ActivationBytes float64
}

// Cost counts a network's parameters, work and memory.
func (s Spec) Cost() (Cost, error) {
	n, err := s.network()
	if err != nil {
		return Cost{}, err
	}
	const float = 4 // bytes
	var c Cost
	values := float64(s.row().Size())
	for _, l := range n.all() {
		c.Params += l.Params()
		values += 2 * float64(program.Size(l.Out))
	}
	for _, l := range n.layers() {
		c.FLOPs += l.FLOPs()
	}
	copies := 2 + len(s.optimizer().Slots())
	if c.StepFLOPs = 3 * c.FLOPs; s.Adversarial() { // the encoder has the state of two optimizers
		copies += len(s.optimizer().Slots())
		c.StepFLOPs += adversarialFLOPs(n)
		values *= 2 // codes and draws go through the discriminator, the encoder's in every phase
	}
	if s.EMA > 0 {
		copies++
	}
	c.ParamBytes = float * float64(c.Params) * float64(copies)
	c.ActivationBytes = float * values * float64(s.Batch)
	return c, nil
}

// adversarialFLOPs is what the discriminator's and the generator's phases take
// for a row: codes once more, and through the discriminator and back beside a draw
// of the prior; then through it again, and back through both.
func adversarialFLOPs(n network) float64 {
	var encoder, discriminator float64
	for _, l := range n.encoder {
		encoder += l.FLOPs()
	}
	for _, l := range n.discriminator {
		discriminator += l.FLOPs()
	}
	return encoder + 6*discriminator + 2*discriminator + 2*encoder
}

// Summary prints layers, shapes, parameters, FLOPs and memory.
func (s Spec) Summary(w io.Writer) error {
	n, err := s.network()
	if err != nil {
		return err
	}
	cost, err := s.Cost()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: %s, %s, loss %s, %s, batch %d, %d epochs\n\n",
		s.Model, s.Family, s.reads(), cmp.Or(string(s.Loss), s.Likelihood), s.optimizerText(), s.Batch, s.Epochs)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "layer\ttype\tkernel\tinput\toutput\tactivation\tparameters\tMFLOPs")
	for _, l := range n.all() {
		kernel := "–"
		if l.Kind != Linear {
			kernel = fmt.Sprintf("%d×%d /%d", l.Kernel[0], l.Kernel[1], l.Window.Stride[0])
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%v\t%d\t%.3f\n",
			l.Name, l.Kind, kernel, shapeText(l.In), shapeText(l.Out), l.Activation, l.Params(), l.FLOPs()/1e6)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("model: summary: %w", err)
	}
	_, err = fmt.Fprintf(w, `
parameters   %d
forward      %.3f MFLOPs an image
training     %.1f MFLOPs a step of %d
memory       %s for parameters, gradients and optimizer; %s for activations
`, cost.Params, cost.FLOPs/1e6, cost.StepFLOPs*float64(s.Batch)/1e6, s.Batch, BytesText(cost.ParamBytes), BytesText(cost.ActivationBytes))
	return err
}

func shapeText(shape []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", "×"), "[]")
}

// BytesText is a number of bytes for reading, such as 1.5 MiB.
func BytesText(n float64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", n/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", n/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", n/(1<<10))
}
