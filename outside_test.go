package aegis_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOutside builds a module of its own against this one, as a user's program
// is, and runs it: it trains on a slice of rows and detects.
func TestOutside(t *testing.T) {
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	_, requires, _ := strings.Cut(read("go.mod"), "\n") // all but the module's name
	requires, _, _ = strings.Cut(requires, "\ntool (")
	write("go.mod", "module outside\n"+requires+"\nrequire aegis v0.0.0\n\nreplace aegis => "+root+"\n")
	write("go.sum", read("go.sum"))
	write("main.go", read(filepath.Join("testdata", "outside", "main.go.txt")))
	cmd := exec.Command("go", "run", "-mod=mod", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOPROXY=off", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != "2 is odd" {
		t.Errorf("%s (%v), want 2 is odd", got, err)
	}
}
