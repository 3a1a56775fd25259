package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"aegis/internal/atomic"
)

// outputs are the files that a command writes, and those that it must not.
type outputs struct {
	kept    []kept
	written []string
}

// kept is a file that must stay, and what it is.
type kept struct {
	path, what string
}

// Keep says that files must not be written to, and what they are: such as "the
// data". What is no file needs no keeping.
func (p *Process) Keep(what string, paths ...string) {
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			p.outputs.kept = append(p.outputs.kept, kept{path, what})
		}
	}
}

// Claim refuses a path to write to that is kept, or was claimed before.
func (p *Process) Claim(path string) error {
	for _, k := range p.outputs.kept {
		if same(k.path, path) {
			return Usage(fmt.Errorf("%s is %s, which would be lost; name another file to write", path, k.what))
		}
	}
	for _, other := range p.outputs.written {
		if same(other, path) {
			return Usage(fmt.Errorf("%s is to be written twice; name two files", path))
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().IsRegular() {
		p.outputs.written = append(p.outputs.written, path)
	}
	return nil
}

// same says whether two paths are the same file, or will be.
func same(a, b string) bool {
	first, errA := os.Stat(a)
	second, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(first, second)
	}
	wholeA, errA := filepath.Abs(a)
	wholeB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && wholeA == wholeB
}

// WriteFile writes a file that may be written, whole or not at all.
func (p *Process) WriteFile(path string, write func(io.Writer) error) error {
	if err := p.Claim(path); err != nil {
		return err
	}
	return atomic.WriteFile(path, write)
}
