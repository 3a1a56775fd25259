package nvrtc

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func compiler(t *testing.T) *Compiler {
	t.Helper()
	c, err := Open(Find())
	if errors.Is(err, ErrNotFound) {
		t.Skipf("no compiler here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCompile(t *testing.T) {
	c := compiler(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"k.cu":     "#include \"one.cuh\"\nextern \"C\" __global__ void k(int* x) { *x = one(); }\n",
		"one.cuh":  "__device__ int one() { return 1; }\n",
		"note.txt": "not a header",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Read(filepath.Join(dir, "k.cu"))
	if err != nil {
		t.Fatal(err)
	}
	ptx, err := c.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{".target sm_80", ".visible .entry k(", `"k.cu"`, ".loc"} {
		if !bytes.Contains(ptx, []byte(want)) {
			t.Errorf("the PTX lacks %s", want)
		}
	}
	if bytes.Contains(ptx, []byte(dir)) || bytes.IndexByte(ptx, 0) >= 0 {
		t.Error("the PTX holds a folder's name or a zero byte")
	}
	again, err := c.Compile(s)
	if err != nil || !bytes.Equal(ptx, again) {
		t.Errorf("a second run gives another PTX, %v", err)
	}
	got, err := c.Assemble(s)
	if err != nil {
		t.Fatal(err)
	}
	for i, target := range CubinTargets() {
		if len(got) != len(CubinTargets()) || got[i].Kernel != "k" || got[i].Target != target || got[i].Registers == 0 {
			t.Errorf("figures %+v, want those of k for %v", got, CubinTargets())
		}
	}
}

func TestCompileErrors(t *testing.T) {
	c := compiler(t)
	for text, want := range map[string]string{
		"int x = ;": "bad.cu(1)",
		"extern \"C\" __global__ void k() { int unused; }": "unused",
	} {
		s := Source{Name: "bad.cu", Text: text}
		_, compiled := c.Compile(s)
		_, assembled := c.Assemble(s)
		for _, err := range []error{compiled, assembled} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: want an error with %q, got %v", text, want, err)
			}
		}
	}
	// NVRTC takes inline PTX as it is; only the assembler knows it is wrong.
	s := Source{Name: "bad.cu", Text: `extern "C" __global__ void k() { asm volatile("frob.u32;"); }`}
	if _, err := c.Assemble(s); err == nil || !strings.Contains(err.Error(), "sm_80") {
		t.Errorf("want an error of the assembler, got %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), Library)); !errors.Is(err, ErrNotFound) {
		t.Errorf("want ErrNotFound, got %v", err)
	}
	if _, err := Read(filepath.Join(t.TempDir(), "no.cu")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("want os.ErrNotExist, got %v", err)
	}
}

func TestNormalize(t *testing.T) {
	in := "\t.file\t1 \"/a/b/k.cu\"\n\t.file 2 \"x.cuh\"\nret;\n\x00"
	want := "\t.file\t1 \"k.cu\"\n\t.file 2 \"x.cuh\"\nret;\n"
	if got := string(normalize([]byte(in))); got != want {
		t.Errorf("want %q, got %q", want, got)
	}
}
