package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// program is a fenced block of Go.
var program = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

// TestPrograms vets and builds every program of README.md and of docs/ in a
// module of its own, as a reader's is.
func TestPrograms(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		name := strings.TrimSuffix(filepath.Base(page), ".md")
		for i, m := range program.FindAllStringSubmatch(read(page), -1) {
			if !strings.HasPrefix(m[1], "package main\n") {
				t.Errorf("%s: a block of Go is no program: begin it with package main", filepath.Base(page))
			}
			write(filepath.Join(name+strconv.Itoa(i+1), "main.go"), m[1])
			found++
		}
	}
	if found == 0 {
		t.Fatal("no page has a program")
	}
	_, requires, _ := strings.Cut(read(filepath.Join(root, "go.mod")), "\n") // all but the module's name
	requires, _, _ = strings.Cut(requires, "\ntool (")
	write("go.mod", "module pages\n"+requires+"\nrequire aegis v0.0.0\n\nreplace aegis => "+strconv.Quote(filepath.ToSlash(root))+"\n")
	write("go.sum", read(filepath.Join(root, "go.sum")))
	for _, args := range [][]string{{"vet", "-mod=mod", "./..."}, {"build", "-mod=mod", "./..."}} {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=", "GOPROXY=off", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("go %s: %v\n%s", args[0], err, out)
		}
	}
}
