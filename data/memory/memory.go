// Package memory knows how much memory this process may have, and is where
// large buffers come from: asking for one can fail with an error, where Go's
// own allocator would end the process.
package memory

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// Limit is the memory that a process may have, and who sets it.
type Limit struct {
	Bytes uint64 // 0: unknown
	By    string // such as "this machine has"
}

// Total returns the machine's memory or what the container, and those around
// it, may have of it (cgroups).
func Total() Limit {
	machine, err := memlimit.FromSystem()
	if err != nil {
		machine = 0
	}
	container, err := memlimit.FromCgroup()
	if err != nil { // among them: no limit
		container = 0
	}
	return tightest(Limit{machine, "this machine has"}, Limit{container, "this container may have"})
}

// Left returns what the tightest limit leaves for a run that has not started
// its threads: of [Total], or of the address space that the shell gives
// (ulimit -v), beside what this process holds already.
func Left() Limit { return leftBeside(threads) }

// leftBeside sets address space aside.
func leftBeside(reserve uint64) Limit {
	held, space := used()
	total := Total()
	if total.Bytes > 0 {
		total.Bytes = left(total.Bytes, held)
	}
	address := Limit{spaceLimit(), "the limit of the address space (ulimit -v) leaves"}
	if address.Bytes > 0 {
		address.Bytes = left(address.Bytes, space+reserve)
	}
	return tightest(total, address)
}

// threads is the address space that threads yet to be started take: a stack
// each, and what the C library sets aside for it. Little of it is ever used.
const threads = 384 << 20

// Check returns an error where so little is left that Go's runtime, which
// ends the process when it gets no memory, could not read a small data set.
func Check() error {
	const least = 128 << 20
	if l := Left(); l.Bytes > 0 && l.Bytes < least {
		return fmt.Errorf("memory: %s %.2f GiB; want at least %.2f GiB: raise the limit", l.By, float64(l.Bytes)/(1<<30), float64(least)/(1<<30))
	}
	return nil
}

// Fits returns an *[Error] where a buffer of so many bytes is more than the
// tightest limit leaves. Smaller ones than a mebibyte are not asked about.
func Fits(bytes uint64) error {
	if bytes < large {
		return nil
	}
	if limit := leftBeside(0); limit.Bytes > 0 && bytes > limit.Bytes {
		return &Error{Bytes: bytes, Limit: limit}
	}
	return nil
}

// left is at least 1: 0 would be unknown.
func left(limit, used uint64) uint64 {
	if used >= limit {
		return 1
	}
	return limit - used
}

// tightest returns the lowest limit that is known.
func tightest(limits ...Limit) Limit {
	var low Limit
	for _, l := range limits {
		if l.Bytes > 0 && (low.Bytes == 0 || l.Bytes < low.Bytes) {
			low = l
		}
	}
	return low
}

// Error says that a buffer was not to be had.
type Error struct {
	Bytes uint64
	Err   error // nil where more was asked for than there is
	Limit Limit
}

func (e *Error) Error() string {
	text := fmt.Sprintf("memory: no buffer of %.2f GiB", float64(e.Bytes)/(1<<30))
	if e.Err != nil {
		return text + ": " + e.Err.Error()
	}
	return fmt.Sprintf("%s; %s %.2f GiB", text, e.Limit.By, float64(e.Limit.Bytes)/(1<<30))
}

// Unwrap returns the system's error.
func (e *Error) Unwrap() error { return e.Err }

// large is the size in bytes from which on a buffer is the system's. What is
// smaller is Go's.
const large = 1 << 20

// Pool is buffers that live until it is closed. The zero value is empty and
// ready. Its methods are called from one goroutine at a time.
type Pool struct{ mapped [][]byte }

// Floats returns n zeros that start on a cache line of 64 bytes, with room up
// to the end of the last one. After Close they must not be touched.
func (p *Pool) Floats(n int) ([]float32, error) {
	const float, line = 4, 16 // bytes in a float, floats in a line
	if n < 0 || n > math.MaxInt/float-2*line {
		return nil, &Error{Bytes: math.MaxInt, Limit: leftBeside(0)}
	}
	room := n + 2*line
	raw, err := p.floats(room)
	if err != nil {
		return nil, err
	}
	skip := 0
	if rest := uintptr(unsafe.Pointer(unsafe.SliceData(raw))) % (float * line); rest != 0 {
		skip = int(float*line-rest) / float
	}
	return raw[skip : skip+n : skip+n], nil
}

func (p *Pool) floats(n int) ([]float32, error) {
	const float = 4
	if n < large/float {
		return make([]float32, n), nil
	}
	size := uint64(n) * float
	if err := Fits(size); err != nil {
		return nil, err
	}
	b, err := mapZeros(n * float)
	if err != nil {
		return nil, &Error{Bytes: size, Err: err}
	}
	p.mapped = append(p.mapped, b)
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), n), nil
}

// Close gives the buffers back. The pool is empty then, and may be used again.
func (p *Pool) Close() error {
	var first error
	for _, b := range p.mapped {
		if err := unmap(b); err != nil && first == nil {
			first = fmt.Errorf("memory: give a buffer back: %w", err)
		}
	}
	p.mapped = nil
	return first
}
