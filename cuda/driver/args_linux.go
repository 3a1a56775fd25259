//go:build linux && (amd64 || arm64) && !cpu && !cu

package driver

import (
	"runtime"
	"sync"
	"unsafe"
)

// maxArgs is more parameters than any kernel here has; CUDA's own limit is
// 4096 bytes of them.
const maxArgs = 64

// argBuffer holds a launch's parameters as cuLaunchKernel wants them: values,
// and pointers to them.
type argBuffer struct {
	values   [maxArgs]uint64
	pointers [maxArgs]unsafe.Pointer
}

// argPool has the buffers that no context holds. A buffer stays pinned for as
// long as the process lives: a Pinner inside a context would end the process
// when a context that nobody closed is collected. Such a context costs its
// buffer, one kilobyte.
var argPool struct {
	sync.Mutex
	pin  runtime.Pinner
	free []*argBuffer
}

// takeArgs returns a pinned buffer.
func takeArgs() *argBuffer {
	p := &argPool
	p.Lock()
	defer p.Unlock()
	if n := len(p.free); n > 0 {
		b := p.free[n-1]
		p.free = p.free[:n-1]
		return b
	}
	b := &argBuffer{}
	p.pin.Pin(b)
	for i := range b.values {
		b.pointers[i] = unsafe.Pointer(&b.values[i])
	}
	return b
}

// giveArgs takes a buffer back.
func giveArgs(b *argBuffer) {
	argPool.Lock()
	defer argPool.Unlock()
	argPool.free = append(argPool.free, b)
}
