package nvrtc

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Figures are what a kernel takes of a GPU, as the assembler tells it.
type Figures struct {
	Kernel, Target string
	Registers      int // of a thread
	Shared         int // bytes of a block, without what a launch adds
	Stack          int // bytes of a thread, of which spilled registers are a part
	SpillStores    int // bytes a thread writes where registers do not suffice
	SpillLoads     int // bytes that it reads again
}

// The lines in which the assembler tells figures of a kernel, and those that
// tell nothing that is kept. All else is a warning.
var (
	kernelLine   = regexp.MustCompile(`^ptxas info +: Compiling entry function '(\w+)' for '\w+'$`)
	spillsLine   = regexp.MustCompile(`^ptxas +\. +(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads$`)
	usedLine     = regexp.MustCompile(`^ptxas info +: Used (\d+) registers(?:, (\d+) bytes smem)?(?:, \d+ bytes cmem\[\d+\])*$`)
	functionLine = regexp.MustCompile(`^ptxas info +: (\d+ bytes gmem(, \d+ bytes cmem\[\d+\])*|Function properties for \w+)$`)
)

// figures reads the assembler's words of a target, and returns the lines that
// say something else.
func figures(target, said string) (list []Figures, rest string) {
	var others []string
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		if m := kernelLine.FindStringSubmatch(line); m != nil {
			list = append(list, Figures{Kernel: m[1], Target: target})
			continue
		}
		if line == "" || functionLine.MatchString(line) {
			continue
		}
		spills, used := spillsLine.FindStringSubmatch(line), usedLine.FindStringSubmatch(line)
		if len(list) == 0 || spills == nil && used == nil {
			others = append(others, line)
			continue
		}
		f := &list[len(list)-1]
		if spills != nil {
			f.Stack, f.SpillStores, f.SpillLoads = number(spills[1]), number(spills[2]), number(spills[3])
		} else {
			f.Registers, f.Shared = number(used[1]), number(used[2])
		}
	}
	return list, strings.Join(others, "\n")
}

// number reads digits; none are 0.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

// Table writes figures for reading and comparing, by kernel and target.
func Table(list []Figures) []byte {
	list = slices.SortedFunc(slices.Values(list), func(a, b Figures) int {
		return cmp.Or(strings.Compare(a.Kernel, b.Kernel), strings.Compare(a.Target, b.Target))
	})
	var b bytes.Buffer
	fmt.Fprintf(&b, "# What the assembler of NVRTC %s makes of each kernel: registers of a thread, bytes of\n", Version)
	b.WriteString("# static shared memory of a block, bytes of stack and of spilled registers of a thread.\n")
	b.WriteString("# A driver assembles the PTX itself, with an assembler of its own age.\n")
	const row = "%-21s  %-6s  %9v  %6v  %5v  %12v  %11v\n"
	fmt.Fprintf(&b, row, "# kernel", "target", "registers", "shared", "stack", "spill stores", "spill loads")
	for _, f := range list {
		fmt.Fprintf(&b, row, f.Kernel, f.Target, f.Registers, f.Shared, f.Stack, f.SpillStores, f.SpillLoads)
	}
	return b.Bytes()
}
