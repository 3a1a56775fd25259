//go:build linux && (amd64 || arm64)

package nvrtc

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// builtins is the library with NVRTC's own headers and device functions.
const builtins = "libnvrtc-builtins.so.11.8"

// Compiler is an opened NVRTC.
type Compiler struct {
	errorString, version           uintptr
	create, destroy, build         uintptr
	logSize, log                   uintptr
	ptxSize, ptx, cubinSize, cubin uintptr
}

// Open loads NVRTC from a path, such as Find's, and checks its version.
func Open(path string) (*Compiler, error) {
	runtime.LockOSThread() // the loader keeps its reason for the thread that asked
	defer runtime.UnlockOSThread()
	if dir := filepath.Dir(path); dir != "." {
		// NVRTC asks the loader for its builtins by name; once loaded from
		// beside it, they are found.
		if _, err := purego.Dlopen(filepath.Join(dir, builtins), purego.RTLD_NOW|purego.RTLD_GLOBAL); err != nil {
			return nil, fmt.Errorf("nvrtc: %w: %w; run scripts/nvrtc.sh", ErrNotFound, err)
		}
	}
	h, err := purego.Dlopen(path, purego.RTLD_NOW)
	if err != nil {
		return nil, fmt.Errorf("nvrtc: %w: %w; run scripts/nvrtc.sh", ErrNotFound, err)
	}
	c := &Compiler{}
	for name, f := range map[string]*uintptr{
		"nvrtcGetErrorString":    &c.errorString,
		"nvrtcVersion":           &c.version,
		"nvrtcCreateProgram":     &c.create,
		"nvrtcDestroyProgram":    &c.destroy,
		"nvrtcCompileProgram":    &c.build,
		"nvrtcGetProgramLogSize": &c.logSize,
		"nvrtcGetProgramLog":     &c.log,
		"nvrtcGetPTXSize":        &c.ptxSize,
		"nvrtcGetPTX":            &c.ptx,
		"nvrtcGetCUBINSize":      &c.cubinSize,
		"nvrtcGetCUBIN":          &c.cubin,
	} {
		if *f, err = purego.Dlsym(h, name); err != nil {
			return nil, fmt.Errorf("nvrtc: %s: %w", path, err)
		}
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	v := new([2]int32)
	pin.Pin(v)
	if err := c.call("nvrtcVersion", c.version, uintptr(unsafe.Pointer(&v[0])), uintptr(unsafe.Pointer(&v[1]))); err != nil {
		return nil, err
	}
	if got := fmt.Sprintf("%d.%d", v[0], v[1]); got != Version {
		return nil, fmt.Errorf("nvrtc: %s: want version %s, got %s; run scripts/nvrtc.sh", path, Version, got)
	}
	return c, nil
}

// call calls a function whose arguments are pinned.
func (c *Compiler) call(name string, f uintptr, args ...uintptr) error {
	r, _, _ := purego.SyscallN(f, args...)
	if int32(r) == 0 {
		return nil
	}
	return fmt.Errorf("nvrtc: %s: error %d", name, int32(r))
}

// cStrings holds pinned strings and an array of pointers to them.
type cStrings struct {
	pin   *runtime.Pinner
	array []unsafe.Pointer
}

func (s *cStrings) add(text string) {
	b := append([]byte(text), 0)
	s.pin.Pin(&b[0])
	s.array = append(s.array, unsafe.Pointer(&b[0]))
}

// address pins the array and returns where it is; 0 for no strings.
func (s *cStrings) address() uintptr {
	if len(s.array) == 0 {
		return 0
	}
	s.pin.Pin(&s.array[0])
	return uintptr(unsafe.Pointer(&s.array[0]))
}

// compile builds a source for a target, and fetches the result with the two
// functions given and what the compiler said.
func (c *Compiler) compile(s Source, target string, size, get uintptr) (image []byte, said string, err error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	main := &cStrings{pin: &pin}
	main.add(s.Text)
	main.add(s.Name)
	texts, names, opts := &cStrings{pin: &pin}, &cStrings{pin: &pin}, &cStrings{pin: &pin}
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		names.add(name)
		texts.add(s.Headers[name])
	}
	for _, o := range options(target) {
		opts.add(o)
	}
	program := new(uintptr)
	pin.Pin(program)
	if err := c.call("nvrtcCreateProgram", c.create, uintptr(unsafe.Pointer(program)), uintptr(main.array[0]), uintptr(main.array[1]),
		uintptr(len(names.array)), texts.address(), names.address()); err != nil {
		return nil, "", err
	}
	defer func() {
		err = errors.Join(err, c.call("nvrtcDestroyProgram", c.destroy, uintptr(unsafe.Pointer(program))))
	}()
	built := c.call("nvrtcCompileProgram", c.build, *program, uintptr(len(opts.array)), opts.address())
	log, err := c.fetch(*program, c.logSize, c.log)
	if err != nil {
		return nil, "", errors.Join(built, err)
	}
	said = strings.TrimSpace(strings.TrimRight(string(log), "\x00"))
	if built != nil {
		return nil, "", stopped(s, target, said)
	}
	image, err = c.fetch(*program, size, get)
	return image, said, err
}

// fetch asks for a result's size and then for the result.
func (c *Compiler) fetch(program, size, get uintptr) ([]byte, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	n := new(uint64)
	pin.Pin(n)
	if err := c.call("size of the result", size, program, uintptr(unsafe.Pointer(n))); err != nil {
		return nil, err
	}
	if *n == 0 {
		return nil, errors.New("nvrtc: the result is empty")
	}
	b := make([]byte, *n)
	pin.Pin(&b[0])
	if err := c.call("result", get, program, uintptr(unsafe.Pointer(&b[0]))); err != nil {
		return nil, err
	}
	return b, nil
}
