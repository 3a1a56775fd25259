package cpu

import "testing"

// A partial sum whose operands are all an earlier phase's has a stage of rows
// before the one of sums.
func TestEarlyWithoutRows(t *testing.T) {
	b := &builder{exec: &exec{}, phase: &phase{stages: []stage{{}}}}
	b.early(func(*worker, int, int) {}, 1)
	b.unit(1, func(*worker) {})
	if s := b.phase.stages; len(s) != 2 || len(s[0].rows) != 1 || len(s[1].units) != 1 {
		t.Errorf("stages %+v; want one of a partial sum, then one of a sum", s)
	}
}
