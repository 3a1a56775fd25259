// Package plan compiles a program's expression graphs into a static plan:
// instructions over numbered buffers, which a VM runs step after step without
// deciding anything any more. Whatever makes a step fast on every device
// happens here, once: common subexpressions, dead code, fusion, layouts,
// memory. Nothing here knows a device; a VM asks for what it wants by
// [Options].
//
// Shapes are the graph's: B batch, C,H,W channels, height, width; parameters
// as PyTorch has them. Layouts say how a buffer lies in memory.
package plan

import (
	"aegis/data"
	"aegis/model/op"
	"aegis/model/optim"
	"aegis/model/program"
)

// Plan is a compiled program, or one compiled forward graph. A batch has n
// real rows, 1 ≤ n ≤ Batch, told to the VM with every step: they are the
// first ones, and rows behind them may hold anything; sums over the batch and
// loss means are over the n.
type Plan struct {
	Name    string
	Options Options // what it was compiled for
	Batch   int
	Scaling data.Scaling
	Buffers []Buffer
	Phases  []Phase
	Arena   int // floats that all buffers with an offset take together
}

// Phase is one graph in sections: forward, loss and gradients; then, where
// [Options.Exchange] asks for it, what a VM does with the gradients; then, where
// the phase has it, what clips them, the
// optimizer and what else is written. A forward graph has Gradients alone.
type Phase struct {
	Name      string
	Gradients []Instr
	Exchange  Span    // all buffers of kind Grad, one behind the other in the order of Update
	Update    []Instr // what is not merged behind its gradient
	Outputs   []Output
	Optimizer optim.Spec
	Clip      optim.Clip
}

// Span is a part of the arena, in floats.
type Span struct{ Offset, Size int }

// Output is a result of a phase: a loss term (a scalar) or a tensor of B rows.
type Output struct {
	Name   string
	Buffer int
}

// Kind says what a buffer is for.
type Kind string

// The kinds of buffers.
const (
	Input  Kind = "input"  // written by Load, OneHot or Noise
	Scalar Kind = "scalar" // one of the program's scalars, by name: a VM writes it before each step
	Param  Kind = "param"  // a parameter, kept from step to step
	Slot   Kind = "slot"   // optimizer state of a parameter, in the parameter's layout
	Copy   Kind = "copy"   // a parameter in a second layout, refreshed by its update
	Grad   Kind = "grad"   // a parameter's gradient, in the parameter's layout
	Temp   Kind = "temp"   // alive within one phase
	Result Kind = "result" // an output, or what an output is a view of; shares memory with nothing
	View   Kind = "view"   // the values of another buffer in another shape, in the same memory
)

// Buffer is a tensor of float32.
type Buffer struct {
	Name   string // a parameter's, a slot's as program.SlotName, else for reading: of which layer it is what
	Kind   Kind
	Shape  []int // as in the graph
	Layout Layout
	Of     int // Slot, Copy, Grad: the parameter's buffer; View: the buffer that is viewed, never a view itself; else -1
	Offset int // in the arena, in floats, a multiple of 16; -1 for Param, Slot and Copy, which a VM keeps
}

// Layout is the order of a buffer's values in memory.
type Layout string

// The layouts. Weights are the matrix (K,N) that a linear layer multiplies rows
// by and a convolution patches of an image,
//
//	Linear          (O,I)       → (I, O)
//	Conv2d          (O,C,kH,kW) → (kH·kW·C, O)
//	ConvTranspose2d (C,O,kH,kW) → (kH·kW·O, C), as the convolution that it transposes
//
// and for what adds patches to an image, (N,K): see [Plan.Scatters].
const (
	RowMajor  Layout = "row-major" // as the shape says
	NHWC      Layout = "nhwc"      // (B,C,H,W) with channels last
	Matrix    Layout = "matrix"    // weights as (K,N)
	Transpose Layout = "transpose" // weights as (N,K)
)

// Size returns the number of floats.
func (b Buffer) Size() int { return program.Size(b.Shape) }

// Instr is one instruction. Dst and Src are numbers of buffers. A gradient of
// weights always has its bias's beside it, a loss gradient its loss; what
// nobody reads of them is a buffer like the others.
type Instr struct {
	Op       Op
	Dst, Src []int

	Activation op.Activation // of the result; op.None where there is none
	Slope      op.Activation // the result is multiplied by its derivative, from the last of Src; op.None
	Window     op.Window
	Loss       op.Loss
	Factor     float64       // of Scale, Lerp, Track, Follow, and of a loss's gradient; of batch norm ε
	Number     float64       // of FreeBits: the floor; of Gaussian: values in a row; of Columns: the first one
	Moment     op.Moment     // of Track
	Numbers    [2]float64    // constants of Clamp, RateKL, Decay and their gradients
	K          int           // of TopK
	Scaled     bool          // the result, of Follow the factor, is also multiplied by a scalar, a source behind the others
	Input      program.Input // of Noise: what is drawn; no Node

	// Update says that the optimizer follows at once and the gradient is
	// never written: Dst is w, b, [copy of w] and Src goes on with the slots
	// of w, then those of b, which change too.
	Update bool

	// Stage counts from 0 in each section. Instructions of one stage need no
	// wait between them where each worker keeps to its rows (or, in a stage
	// of sums and updates, to its parameters). A stage is all rows or all
	// sums; a loss value is complete where its stage ends.
	Stage int
}

// Options are what a VM wants of a plan.
type Options struct {
	// ChannelsLast asks for images in NHWC and weights as matrices, with a
	// transposed copy for what [Plan.Scatters]. Else everything is RowMajor.
	ChannelsLast bool

	// Merge puts each update behind the gradient it belongs to, where nothing
	// stands between the two, as clipping does. Else the gradients are buffers of kind Grad and
	// the section Update applies them.
	Merge bool

	// Exchange puts a section between gradients and updates, in which a VM
	// works on the gradients as one array, Phase.Exchange. No update is merged.
	// What it leaves is what a phase clips.
	Exchange bool

	// Stages keeps a buffer's memory until the end of the stage that reads it
	// last, for VMs whose workers run through a stage each at their own pace.
	Stages bool
}
