package ptxsim

import (
	"fmt"

	"aegis/cuda/driver"
)

// FaultKind sorts what the simulator finds wrong with a kernel.
type FaultKind string

// The kinds of faults.
const (
	OutOfBounds      FaultKind = "access out of bounds"
	UseAfterFree     FaultKind = "access to freed memory"
	Misaligned       FaultKind = "misaligned access"
	Uninitialized    FaultKind = "read of uninitialized memory"
	SharedRace       FaultKind = "race on shared memory"
	GlobalRace       FaultKind = "race on global memory"
	AsyncCopy        FaultKind = "shared memory used before its cp.async is complete"
	DivergentBarrier FaultKind = "divergent barrier"
	WarpDivergence   FaultKind = "warp instruction with lanes missing"
	ReadOnlyWrite    FaultKind = "write to constant memory"
	Trap             FaultKind = "trap"
	Endless          FaultKind = "kernel does not end"
)

// Fault is a kernel's error. It is the Detail of the driver.Error that the
// next call returns.
type Fault struct {
	Kind    FaultKind
	Kernel  string
	Block   driver.Dim3
	Thread  driver.Dim3
	Source  string // file:line of the CUDA source, or PTX line n
	PTXLine int
	Detail  string
}

// Error names the kernel, the source line, the block and the thread.
func (f *Fault) Error() string {
	return fmt.Sprintf("ptxsim: %s: kernel %s at %s, block (%d,%d,%d) thread (%d,%d,%d): %s", f.Kind, f.Kernel, f.Source,
		f.Block.X, f.Block.Y, f.Block.Z, f.Thread.X, f.Thread.Y, f.Thread.Z, f.Detail)
}

// result is what the driver would answer.
func (f *Fault) result() driver.Result {
	switch f.Kind {
	case OutOfBounds, UseAfterFree, ReadOnlyWrite:
		return driver.IllegalAddress
	case Misaligned:
		return driver.MisalignedAddress
	}
	return driver.LaunchFailed
}

// place names the source of an instruction.
func (k *kernel) place(pc int32) string {
	if int(pc) >= len(k.code) {
		return "its end"
	}
	in := k.code[pc].ast
	if in.src.line == 0 {
		return fmt.Sprintf("PTX line %d", in.line)
	}
	s := fmt.Sprintf("%s:%d", k.files[in.src.file], in.src.line)
	if in.src.inLine > 0 {
		s += fmt.Sprintf(" (inlined at %s:%d)", k.files[in.src.inFile], in.src.inLine)
	}
	return s
}

// fail stops the launch with a fault of a lane at the running instruction.
// It panics with a *Fault, which the worker that runs the block recovers.
func (w *warp) fail(l int, kind FaultKind, format string, args ...any) {
	b := w.blk
	f := &Fault{
		Kind: kind, Kernel: b.k.name, Block: b.id, Thread: b.thread(w.first + l),
		Source: b.k.place(w.pc), Detail: fmt.Sprintf(format, args...),
	}
	if int(w.pc) < len(b.k.code) {
		f.PTXLine = b.k.code[w.pc].ast.line
	}
	panic(f)
}

// thread turns a linear thread number into coordinates.
func (b *block) thread(n int) driver.Dim3 {
	d := b.launch.cfg.Block
	t := uint32(n)
	return driver.Dim3{X: t % d.X, Y: t / d.X % d.Y, Z: t / d.X / d.Y}
}

// threadName names a thread in a message about another one.
func (b *block) threadName(n int) string {
	t := b.thread(n)
	return fmt.Sprintf("thread (%d,%d,%d)", t.X, t.Y, t.Z)
}
