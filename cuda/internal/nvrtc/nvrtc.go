// Package nvrtc compiles CUDA C with NVIDIA's run-time compiler, opened at run
// time: no CUDA toolkit, headers or host compiler. It serves go generate and
// tests; nothing that trains imports it.
//
// scripts/nvrtc.sh fetches the compiler. Version 11.8 is wanted, so that the
// committed PTX is the same whoever makes it.
package nvrtc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Library is the file name of NVRTC 11.2 to 11.8.
const Library = "libnvrtc.so.11.2"

// Version is the release whose PTX is committed.
const Version = "11.8"

// PTXTarget is the virtual architecture of the committed PTX; later GPUs
// compile it as it is.
const PTXTarget = "compute_80"

// ErrNotFound is wrapped by Open's errors where there is no NVRTC.
var ErrNotFound = errors.New("NVRTC not found")

// CubinTargets are the GPUs that every kernel must assemble for. Only the
// assembler finds an instruction that a target lacks.
func CubinTargets() []string { return []string{"sm_80", "sm_86", "sm_89", "sm_90"} }

// options are the compiler's options for a target. -lineinfo puts .loc lines
// into the PTX, so that an error names the line of the source; the assembler
// of this release crashes on them for sm_90, so cubins, which are only a check,
// go without. Fused multiply-add is the default and is said because results
// depend on it. --restrict is not said: it would let loads through any pointer
// to const pass by what the same launch writes; sources mark what they promise.
func options(target string) []string {
	list := []string{"--gpu-architecture=" + target, "--fmad=true", "--std=c++14"}
	if strings.HasPrefix(target, "compute_") {
		return append(list, "-lineinfo")
	}
	return append(list, "--ptxas-options=-v")
}

// Find returns the path of the library: in $NVRTC_DIR, in the cache that
// scripts/nvrtc.sh fills, or wherever the system's loader looks.
func Find() string {
	if dir := os.Getenv("NVRTC_DIR"); dir != "" {
		return filepath.Join(dir, Library)
	}
	if cache, err := os.UserCacheDir(); err == nil {
		p := filepath.Join(cache, "aegis", "nvrtc-11.8", "usr", "lib", "x86_64-linux-gnu", Library)
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return Library
}

// Source is a file of CUDA C and the headers that it includes by name.
type Source struct {
	Name    string // the file's name, without folder
	Text    string
	Headers map[string]string // text by name
}

// Read reads a .cu file, with every .cuh file of its folder as headers.
func Read(path string) (Source, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Source{}, fmt.Errorf("nvrtc: %w", err)
	}
	s := Source{Name: filepath.Base(path), Text: string(text), Headers: map[string]string{}}
	headers, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*.cuh"))
	if err != nil {
		return Source{}, fmt.Errorf("nvrtc: %w", err)
	}
	for _, h := range headers {
		text, err := os.ReadFile(h)
		if err != nil {
			return Source{}, fmt.Errorf("nvrtc: %w", err)
		}
		s.Headers[filepath.Base(h)] = string(text)
	}
	return s, nil
}

// stopped is the error of a source that did not compile, or not without a
// word.
func stopped(s Source, target, said string) error {
	return fmt.Errorf("nvrtc: %s: %s:\n%s", s.Name, target, said)
}

// Compile returns the PTX of a source. It is the same from run to run and
// from folder to folder. A warning is an error: kernels compile without any.
func (c *Compiler) Compile(s Source) ([]byte, error) {
	ptx, said, err := c.compile(s, PTXTarget, c.ptxSize, c.ptx)
	if err == nil && said != "" {
		err = stopped(s, PTXTarget, said)
	}
	if err != nil {
		return nil, err
	}
	return normalize(ptx), nil
}

// Assemble assembles a source for every one of CubinTargets, throws the
// result away and returns what each kernel takes. A warning is an error here
// too.
func (c *Compiler) Assemble(s Source) ([]Figures, error) {
	var all []Figures
	for _, target := range CubinTargets() {
		_, said, err := c.compile(s, target, c.cubinSize, c.cubin)
		if err != nil {
			return nil, err
		}
		list, rest := figures(target, said)
		if rest != "" {
			return nil, stopped(s, target, rest)
		}
		all = append(all, list...)
	}
	return all, nil
}

// normalize makes PTX independent of where it was compiled: NVRTC writes
// absolute paths into .file lines and ends the text with a zero byte.
func normalize(ptx []byte) []byte {
	text := strings.TrimRight(string(ptx), "\x00")
	file := regexp.MustCompile(`(?m)^(\s*\.file\s+\d+\s+")[^"\n]*/([^"/\n]*")`)
	return []byte(file.ReplaceAllString(text, "$1$2"))
}
