package kernels

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"aegis/cuda/internal/nvrtc"
)

// figuresFile is what the assembler said of every kernel when the PTX was
// made.
const figuresFile = "testdata/ptxas.txt"

// figures reads the table.
func figures(t *testing.T) []nvrtc.Figures {
	t.Helper()
	text, err := os.ReadFile(figuresFile)
	if err != nil {
		t.Fatal(err)
	}
	var list []nvrtc.Figures
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var f nvrtc.Figures
		if _, err := fmt.Sscan(line, &f.Kernel, &f.Target, &f.Registers, &f.Shared, &f.Stack, &f.SpillStores, &f.SpillLoads); err != nil {
			t.Fatalf("%s: %q: %v", figuresFile, line, err)
		}
		list = append(list, f)
	}
	return list
}

// TestFiguresOfEveryKernel wants a line for each kernel and GPU.
func TestFiguresOfEveryKernel(t *testing.T) {
	lines := make(map[string]int)
	for _, f := range figures(t) {
		lines[f.Kernel+" "+f.Target]++
	}
	want := 0
	for _, names := range kernelNames {
		for _, name := range names {
			for _, target := range nvrtc.CubinTargets() {
				want++
				if n := lines[name+" "+target]; n != 1 {
					t.Errorf("%d lines for %s on %s, want one", n, name, target)
				}
			}
		}
	}
	if len(lines) != want {
		t.Errorf("%d lines, want %d", len(lines), want)
	}
}

// TestTilesFit wants room for two blocks of every 128-wide tile and for four of
// the middle one of gradients on a multiprocessor: 65,536 registers on all
// GPUs, and 100 KiB of shared memory on the smallest, of which a block takes
// 1 KiB more than it asks for.
func TestTilesFit(t *testing.T) {
	tiles := 0
	for _, f := range figures(t) {
		blocks := 0
		switch {
		case strings.HasSuffix(f.Kernel, "_128"):
			blocks = 2
		case f.Kernel == "gemm_tn_64":
			blocks = 4
		default:
			continue
		}
		tiles++
		if blocks*threads*f.Registers > 65536 || blocks*(f.Shared+1024) > 100<<10 {
			t.Errorf("%s on %s: %d registers a thread and %d bytes of shared memory; %d blocks do not fit", f.Kernel, f.Target, f.Registers, f.Shared, blocks)
		}
	}
	if want := 4 * len(nvrtc.CubinTargets()); tiles != want {
		t.Errorf("%d tiles, want %d", tiles, want)
	}
}
