package nvrtc

import (
	"slices"
	"strings"
	"testing"
)

// TestFigures reads what the assembler says, and keeps what is no figure.
func TestFigures(t *testing.T) {
	const said = `ptxas info    : 18 bytes gmem, 72 bytes cmem[3]
ptxas info    : Compiling entry function 'b' for 'sm_80'
ptxas info    : Function properties for b
ptxas         .     32 bytes stack frame, 24 bytes spill stores, 28 bytes spill loads
ptxas info    : Used 128 registers, 40960 bytes smem, 492 bytes cmem[0], 8 bytes cmem[2]
ptxas info    : Compiling entry function 'a' for 'sm_80'
ptxas info    : Function properties for a
ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 7 registers`
	want := []Figures{
		{Kernel: "b", Target: "sm_80", Registers: 128, Shared: 40960, Stack: 32, SpillStores: 24, SpillLoads: 28},
		{Kernel: "a", Target: "sm_80", Registers: 7},
	}
	got, rest := figures("sm_80", said)
	if !slices.Equal(got, want) || rest != "" {
		t.Errorf("got %+v and %q, want %+v", got, rest, want)
	}
	for _, line := range []string{
		"k.cu(3): warning #177-D: variable \"unused\" was declared but never referenced",
		"ptxas warning : Value of threads per SM for entry k is out of range",
		"ptxas info    : (C7510) Potential Performance Loss",
	} {
		if got, rest := figures("sm_80", said+"\n"+line); rest != line || len(got) != 2 {
			t.Errorf("%q: %d kernels and a rest of %q, want the line", line, len(got), rest)
		}
	}
	lines := strings.Split(string(Table(append(want, Figures{Kernel: "a", Target: "sm_100"}))), "\n")
	if len(lines) != 8 || !strings.HasPrefix(lines[4], "a  ") || !strings.Contains(lines[5], "sm_80") || !strings.HasPrefix(lines[6], "b  ") {
		t.Errorf("table %q, want a, a and b", lines)
	}
}
