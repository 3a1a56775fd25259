package session

import (
	"maps"
	"slices"
	"testing"

	"aegis/model/program"
)

func TestUnheld(t *testing.T) {
	tensor := func() program.Tensor { return program.Tensor{Shape: []int{2}, Data: make([]float32, 2)} }
	best := map[string]program.Tensor{"weight": tensor()}
	last := map[string]program.Tensor{"weight": tensor(), "slot": tensor()}
	both := map[string]program.Tensor{"weight": best["weight"], "slot": tensor()}
	for _, c := range []struct {
		name   string
		state  map[string]program.Tensor
		others []map[string]program.Tensor
		want   []string
	}{
		{name: "none"},
		{name: "a model of another epoch", state: last, others: []map[string]program.Tensor{best}, want: []string{"slot", "weight"}},
		{name: "the model is of this state", state: both, others: []map[string]program.Tensor{best}, want: []string{"slot"}},
		{name: "two that hold", state: both, others: []map[string]program.Tensor{best, {"slot": both["slot"]}}},
	} {
		if got := slices.Sorted(maps.Keys(unheld(c.state, c.others...))); !slices.Equal(got, c.want) {
			t.Errorf("%s: spare are %q, want %q", c.name, got, c.want)
		}
	}
}
