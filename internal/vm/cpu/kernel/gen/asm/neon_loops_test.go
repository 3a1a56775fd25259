package asm

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// inner is an innermost loop: how many instructions a round has, by kind, and
// how many vectors it loads.
type inner struct {
	name                     string
	fma, loads, rest, loaded int
}

func (l inner) instructions() int { return l.fma + l.loads + l.rest }

func (l inner) share() float64 { return float64(l.fma) / float64(l.instructions()) }

// innerLoops finds the innermost loops of a function: from a label to a branch
// back to it, with no such branch between.
func innerLoops(t *testing.T, text, function string) []inner {
	t.Helper()
	_, body, found := strings.Cut(text, "TEXT ·"+function+"(SB)")
	if !found {
		t.Fatalf("no function %s", function)
	}
	body, _, _ = strings.Cut(body, "\nTEXT ")
	branch := regexp.MustCompile(`^B[A-Z]* (\w+)$`)
	var loops []inner
	var begun inner
	label := ""
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutSuffix(line, ":"); ok {
			label, begun = name, inner{name: name}
			continue
		}
		begun.count(line)
		if m := branch.FindStringSubmatch(line); m != nil && m[1] == label {
			loops = append(loops, begun)
			label = ""
		}
	}
	return loops
}

// count adds one instruction.
func (l *inner) count(line string) {
	switch {
	case strings.HasPrefix(line, "PCALIGN") && l.instructions() == 0:
	case strings.HasPrefix(line, "VFMLA") || strings.Contains(line, "// fmla"):
		l.fma++
	case strings.HasPrefix(line, "VLD1") || strings.HasPrefix(line, "FMOVQ"):
		l.loads++
		l.loaded += 1 + strings.Count(line, ".S4, ")
	default:
		l.rest++
	}
}

// TestInnerLoops counts the loops of the biggest tile: multiply-adds must be
// four fifths of the ones that nearly all products take, and the table in
// ARCHITECTURE.md must have these numbers.
func TestInnerLoops(t *testing.T) {
	files, err := Files("../..")
	if err != nil {
		t.Fatal(err)
	}
	about := map[string]string{
		"four":    "A's columns lie together, four a round",
		"columns": "A's rows lie together: transposed, or copied; two columns a round",
		"one":     "any other strides of A, and up to three columns that are left",
	}
	table := "| loop of NEON's tile of 6 by 16 | instructions | multiply-adds | share | loads | vectors loaded for a multiply-add |\n| --- | --- | --- | --- | --- | --- |\n"
	loops := innerLoops(t, string(files[neon.file()]), "gemm6x4NEON")
	for _, l := range loops {
		if l.share() < 0.8 && l.name != "one" {
			t.Errorf("loop %s: %d multiply-adds of %d instructions; want 80 %% or more", l.name, l.fma, l.instructions())
		}
		table += fmt.Sprintf("| %s | %d | %d | %.0f %% | %d | %.2f |\n",
			about[l.name], l.instructions(), l.fma, 100*l.share(), l.loads, float64(l.loaded)/float64(l.fma))
		delete(about, l.name)
	}
	if len(about) != 0 || len(loops) != 3 {
		t.Errorf("got loops %+v; want four, columns and one", loops)
	}
	documented(t, table)
}

// documented holds ARCHITECTURE.md to a table.
func documented(t *testing.T, table string) {
	t.Helper()
	text, err := os.ReadFile("../../../../../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), table) {
		t.Errorf("ARCHITECTURE.md has other numbers than these:\n%s", table)
	}
}

// TestLoopsOverValues counts a round of four values of some loops.
func TestLoopsOverValues(t *testing.T) {
	files, err := Files("../..")
	if err != nil {
		t.Fatal(err)
	}
	table := "| loop of four values | instructions | vectors loaded | of them constants | stored |\n| --- | --- | --- | --- | --- |\n"
	for _, name := range []string{"add", "relu", "tanh", "sigmoid", "elu", "gelu", "mse", "bceLogits", "adam", "sum", "decodeBytes", "normals"} {
		_, body, found := strings.Cut(string(files[neon.file()]), "TEXT ·"+name+"NEON(SB)")
		_, round, begins := strings.Cut(body, "\nwhole:\n")
		round, _, ends := strings.Cut(round, "\tBGE whole\n")
		if !found || !begins || !ends {
			t.Fatalf("%s: no loop over whole vectors", name)
		}
		instructions, constants := 1, strings.Count(round, "(R20), F") // with the branch back
		for line := range strings.Lines(round) {
			if strings.HasPrefix(line, "\t") {
				instructions++
			}
		}
		loads := strings.Count(round, "// ldr q") + strings.Count(round, "FMOVS (R10)") + constants
		table += fmt.Sprintf("| %s | %d | %d | %d | %d |\n", name, instructions, loads, constants, strings.Count(round, "// str q"))
	}
	documented(t, table)
}
