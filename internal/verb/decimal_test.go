package verb

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"aegis/internal/cli"
)

// TestDecimal: numbers of flags are decimal, whatever they begin with.
func TestDecimal(t *testing.T) {
	var n int
	var seed uint64
	var share float64
	var means []float64
	c := &cobra.Command{}
	c.Flags().IntVar(&n, "n", 0, "")
	c.Flags().Uint64Var(&seed, "seed", 0, "")
	c.Flags().Float64Var(&share, "share", 0, "")
	c.Flags().Float64SliceVar(&means, "means", nil, "")
	decimals(c)
	if err := c.ParseFlags([]string{"--n", "-010", "--seed", "018446744073709551615", "--share", "01e-1", "--means", "1,02.5"}); err != nil {
		t.Fatal(err)
	}
	if n != -10 || seed != 1<<64-1 || share != 0.1 || len(means) != 2 || means[1] != 2.5 {
		t.Errorf("got %d, %d, %v, %v", n, seed, share, means)
	}
	for arg, want := range map[string]string{
		"--n=0x10": "want a whole number", "--n=1_0": "want a whole number", "--n=99999999999999999999": "out of range",
		"--seed=-1": "of at least 0", "--seed=0b1": "of at least 0", "--share=0x1p-3": "want a number", "--share=half": "want a number", "--means=1,0x2": "want a number",
	} {
		if err := c.ParseFlags([]string{arg}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", arg, err, want)
		}
	}
	status, _, stderr := call("cluster", "nothing", "--clusters", "0x3")
	if status != cli.ExitUsage || !strings.Contains(stderr, "want a whole number") {
		t.Errorf("status %d, %q", status, stderr)
	}
}
