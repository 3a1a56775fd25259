//go:build !cpu

package gorgoniavm_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"

	"aegis/cuda/internal/nvrtc"
)

var update = flag.Bool("update", false, "write zz_graph.sum")

// TestSources fails where graph.cu was changed and go generate was not run.
func TestSources(t *testing.T) {
	const name = "zz_graph.sum"
	var sums bytes.Buffer
	for _, file := range []string{"graph.cu", "zz_graph.ptx", "testdata/ptxas.txt"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(text), file)
	}
	if *update {
		if err := os.WriteFile(name, sums.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(sums.Bytes(), want) {
		t.Errorf("%s is stale: run NVRTC_DIR=$(scripts/nvrtc.sh) go generate ./cuda/gorgoniavm", name)
	}
}

// TestPTXIsFresh compiles the source again where there is a compiler.
func TestPTXIsFresh(t *testing.T) {
	c, err := nvrtc.Open(nvrtc.Find())
	if errors.Is(err, nvrtc.ErrNotFound) {
		t.Skipf("the PTX is not compiled again: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	source, err := nvrtc.Read("graph.cu")
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Compile(source)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("zz_graph.ptx")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("graph.cu compiles to other PTX than zz_graph.ptx")
	}
}
