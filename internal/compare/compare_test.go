package compare

import (
	"math"
	"slices"
	"strings"
	"testing"

	"aegis/internal/session"
)

// ran is a run of a preset that came to a test loss.
func ran(t *testing.T, name, preset string, loss float64, bend func(*Run)) Run {
	t.Helper()
	c, err := session.NewConfig(preset)
	if err != nil {
		t.Fatal(err)
	}
	c.Image = [3]int{1, 28, 28}
	r := Run{Name: name, Config: c, Metrics: []session.Metrics{{Seconds: 1.5}, {Seconds: 2}}}
	r.Summary = session.Summary{Model: preset, Epochs: 2, Seed: 1, TestLoss: &loss, TestRows: 10, PixelRange: [2]float32{0, 1}}
	bend(&r)
	return r
}

func same(*Run) {}

// TestRuns: runs are in the order of their test losses, groups apart, with the
// keys in which they differ.
func TestRuns(t *testing.T) {
	c, err := Runs([]Run{
		ran(t, "a", "fc64", 0.3, same),
		ran(t, "b", "fc64", 0.1, func(r *Run) { r.Config.Loss = "bce" }),
		ran(t, "c", "fc64", 0.2, func(r *Run) { r.Config.Hidden = []int{9, 8} }),
		ran(t, "d", "fc64", 0, func(r *Run) { r.Summary.TestLoss = nil }),
		ran(t, "e", "fc64", 0.1, func(r *Run) { r.Config.Data = "/x" }),
	})
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, r := range c.Runs {
		order = append(order, r.Run+" "+c.Text(r, "group"))
	}
	if want := []string{"c 1", "a 1", "d 1", "b 2", "e 3"}; !slices.Equal(order, want) {
		t.Errorf("order %q, want %q", order, want)
	}
	if want := []string{"hidden", "loss"}; !slices.Equal(c.Keys, want) || c.Runs[0].Settings["hidden"] != "9,8" || c.Runs[0].Seconds != 3.5 {
		t.Errorf("keys %q, want %q; %+v", c.Keys, want, c.Runs[0])
	}
	if want := "losses of groups 1 and 2 do not compare: loss mse and bce"; len(c.Notes) != 2 || c.Notes[0] != want || !strings.Contains(c.Notes[1], "data mnist and /x") {
		t.Errorf("notes %q, want %q", c.Notes, want)
	}
	if v, number := c.Number(c.Runs[2], "test_loss"); !number || !math.IsNaN(v) || c.Text(c.Runs[2], "test_loss") != "-" {
		t.Errorf("no test loss is %v", v)
	}
	if !c.Same("epochs") || c.Same("hidden") {
		t.Error("what is the same is another")
	}
}

// TestComparable: what a loss is of puts runs into groups, and nothing else does.
func TestComparable(t *testing.T) {
	for name, c := range map[string]struct {
		bend   func(*Run)
		groups int
	}{
		"the rate":      {func(r *Run) { r.Config.LR = 1 }, 1},
		"the seed":      {func(r *Run) { r.Config.Seed = 7 }, 1},
		"the network":   {func(r *Run) { r.Config.Latent, r.Config.Activation = 3, "tanh" }, 1},
		"the range":     {func(r *Run) { r.Summary.PixelRange[0] = -1 }, 2},
		"the scale":     {func(r *Run) { r.Summary.Scale = "standard" }, 2},
		"the tests":     {func(r *Run) { r.Summary.TestRows = 5 }, 2},
		"the noise":     {func(r *Run) { r.Config.Corrupt = "mask:0.3" }, 2},
		"the class":     {func(r *Run) { r.Config.NormalClass = "3" }, 2},
		"a likelihood":  {func(r *Run) { r.Config.Loss, r.Config.Likelihood, r.Config.Beta = "", "bernoulli", 1 }, 2},
		"tests by seed": {func(r *Run) { r.Config.TestSplit = 0.1 }, 2},
	} {
		got, err := Runs([]Run{ran(t, "a", "fc64", 1, same), ran(t, "b", "fc64", 2, c.bend)})
		if err != nil {
			t.Fatal(err)
		}
		if n := got.Runs[1].Group; n != c.groups || len(got.Notes) != c.groups-1 {
			t.Errorf("%s: group %d, notes %q, want %d", name, n, got.Notes, c.groups)
		}
	}
}

func TestSort(t *testing.T) {
	c, err := Runs([]Run{
		ran(t, "a", "fc64", 1, func(r *Run) { r.Config.LR = 0.5 }),
		ran(t, "b", "fc12", 2, func(r *Run) { r.Config.LR = 0.1 }),
		ran(t, "c", "conv", 3, func(r *Run) { r.Summary.TestLoss = nil }),
	})
	if err != nil {
		t.Fatal(err)
	}
	for column, want := range map[string]string{"lr": "cba", "test_loss": "abc", "run": "abc", "model": "cba"} {
		if err := c.Sort(column); err != nil {
			t.Fatal(err)
		}
		if got := c.Runs[0].Run + c.Runs[1].Run + c.Runs[2].Run; got != want {
			t.Errorf("by %s: %s, want %s", column, got, want)
		}
	}
	if err := c.Sort("los"); err == nil || !strings.Contains(err.Error(), `unknown column "los"`) {
		t.Errorf("error %v", err)
	}
	if _, err := Runs(nil); err == nil {
		t.Error("no runs were compared")
	}
}
