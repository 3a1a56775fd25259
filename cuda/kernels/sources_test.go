package kernels

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"aegis/cuda/internal/nvrtc"
)

var update = flag.Bool("update", false, "write zz_sources.sum")

// sums lists the hashes of the sources and of what is generated from them.
func sums(t *testing.T) []byte {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.cu", "*.cuh", "zz_*.ptx", figuresFile} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	var b bytes.Buffer
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(text), f)
	}
	return b.Bytes()
}

// TestSources fails where a source was changed and go generate was not run.
func TestSources(t *testing.T) {
	const name = "zz_sources.sum"
	got := sums(t)
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale: run NVRTC_DIR=$(scripts/nvrtc.sh) go generate ./cuda/kernels\nwant\n%sgot\n%s", name, want, got)
	}
}

// TestPTXIsFresh compiles the sources again where there is a compiler.
func TestPTXIsFresh(t *testing.T) {
	c, err := nvrtc.Open(nvrtc.Find())
	if errors.Is(err, nvrtc.ErrNotFound) {
		t.Skipf("the PTX is not compiled again: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Families() {
		s, err := nvrtc.Read(string(f) + ".cu")
		if err != nil {
			t.Fatal(err)
		}
		want, err := c.Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := PTX(f)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("zz_%s.ptx is not what %s.cu compiles to: run NVRTC_DIR=$(scripts/nvrtc.sh) go generate ./cuda/kernels", f, f)
		}
	}
}
