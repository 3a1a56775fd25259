package plan

import (
	"slices"
	"testing"
)

// The table is whole: one rule for each instruction, and what rules say of
// each other is so.
func TestRules(t *testing.T) {
	count := 0
	for _, f := range families {
		count += len(f.rules)
	}
	if count != len(rules) {
		t.Errorf("%d rules of %d instructions", count, len(rules))
	}
	for o, r := range rules {
		if r.layer != "" && (!r.layer.rule().isProduct() || (Instr{Op: o, Dst: []int{1, 2}, Src: []int{3, 4, 5}}).weightsOf() < 0) {
			t.Errorf("%s has weights of %s", o, r.layer)
		}
		kinds := 0
		for _, is := range []bool{r.isProduct(), r.isDX(), r.isDW()} {
			if is {
				kinds++
			}
		}
		if (kinds == 1) != (r.layer != "") || kinds > 1 {
			t.Errorf("%s is %d kinds of instructions with weights", o, kinds)
		}
		if r.sum && slices.Contains(r.dst, rows) {
			t.Errorf("%s adds up and has a result by rows", o)
		}
		if r.slope != never && r.dst[len(r.dst)-1] != rows {
			t.Errorf("%s has a slope and no result by rows behind the others", o)
		}
		if r.merges && (!r.sum || slices.Contains(r.dst, rows)) {
			t.Errorf("%s gives no gradients that an update could follow", o)
		}
		if r.scatters && r.window == nil {
			t.Errorf("%s scatters without a window", o)
		}
		if r.beside != nil && !slices.Contains(r.dst, whole) {
			t.Errorf("%s has no result beside its node's", o)
		}
	}
}
