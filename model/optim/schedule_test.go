package optim

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

// TestSchedule holds rates of every kind, with and without a warm-up, to
// PyTorch's.
func TestSchedule(t *testing.T) {
	seen := map[string]bool{OnPlateau: true}
	for _, c := range golden(t, "rates") {
		s := c.spec(t)
		seen[s.Schedule.Kind] = true
		for step, want := range c.Want {
			if got := s.Rate(int64(step)); math.Abs(got-want) > 1e-14*s.LR {
				t.Errorf("%s: step %d: rate %v, want %v", c.Name, step, got, want)
			}
		}
	}
	for _, kind := range Schedules() {
		if !seen[kind] {
			t.Errorf("no case of %s", kind)
		}
	}
}

func TestRate(t *testing.T) {
	s := Default(Adam, 0.01)
	if s.Rate(0) != 0.01 || s.Rate(1e6) != 0.01 {
		t.Errorf("no schedule: rates %v and %v, want 0.01", s.Rate(0), s.Rate(1e6))
	}
	s.Schedule = Schedule{Kind: Cosine, Steps: 7}
	if got := s.Schedule.Factor(2); got != (1+math.Cos(2*math.Pi/7))/2 {
		t.Errorf("step 2 of 7: factor %v", got)
	}
	for _, step := range []int64{7, 8, 1e6} { // it stays there
		if s.Schedule.Floor = 0; s.Rate(step) != 0 {
			t.Errorf("step %d: rate %v, want 0", step, s.Rate(step))
		}
		if s.Schedule.Floor = 0.5; s.Rate(step) != 0.005 {
			t.Errorf("step %d: rate %v, want 0.005", step, s.Rate(step))
		}
	}
	s.Schedule.Kind = "sawtooth"
	if f := s.Schedule.Factor(0); f == f {
		t.Errorf("factor %v of an unknown schedule, want NaN", f)
	}
}

func TestParseSchedule(t *testing.T) {
	for text, want := range map[string]Schedule{
		"": {}, "constant": {Kind: Constant}, "cosine": {Kind: Cosine}, "cosine:0.1": {Kind: Cosine, Floor: 0.1}, "linear:1e-2": {Kind: Linear, Floor: 0.01},
		"step": {Kind: StepDecay, Gamma: 0.1}, "step:2.5:0.5": {Kind: StepDecay, Every: 2.5, Gamma: 0.5},
		"plateau": {Kind: OnPlateau, Patience: 10, Gamma: 0.1}, "plateau:0": {Kind: OnPlateau, Gamma: 0.1}, "plateau:3:0.5": {Kind: OnPlateau, Patience: 3, Gamma: 0.5},
	} {
		if got, err := ParseSchedule(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"sawtooth":       `unknown schedule "sawtooth"; want one of constant, step, cosine, linear, plateau`,
		"sawtooth:1":     `unknown schedule "sawtooth"`,
		":1":             "too few or too many numbers; want constant",
		"constant:1":     "too few or too many numbers; want constant",
		"cosine:":        `"" is no number; want cosine[:FLOOR]`,
		"cosine:1":       "floor 1; want a share in [0, 1); want cosine[:FLOOR]",
		"linear:NaN":     "floor NaN",
		"linear:0.1:0.2": "too few or too many",
		"step:3":         "too few or too many numbers; want step[:EPOCHS:FACTOR]",
		"step:0:0.5":     "0 epochs",
		"step:-1:0.5":    "-1 epochs",
		"step:1:0":       "factor 0",
		"step:x:0.5":     `"x" is no number`,
		"plateau:1.5":    "patience 1.5",
		"plateau:-1":     "patience -1",
		"plateau:NaN":    "patience NaN",
		"plateau:1:1":    "factor 1;",
		"plateau:1:.5:2": "too few or too many",
	} {
		if _, err := ParseSchedule(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestPlateau holds the factor after each of some losses to PyTorch's, and
// writes and reads the state between them.
func TestPlateau(t *testing.T) {
	for _, c := range golden(t, "plateaus") {
		p := NewPlateau(c.spec(t).Schedule)
		for i, loss := range c.Losses {
			text, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			before := *p
			p = NewPlateau(p.Schedule)
			if err := json.Unmarshal(text, p); err != nil || !reflect.DeepEqual(*p, before) {
				t.Fatalf("%s as JSON: %+v, %v; want %+v", text, *p, err, before)
			}
			p.Observe(int64(i), loss)
			if want := c.Want[i]; math.Abs(p.Factor-want) > 1e-14*want {
				t.Errorf("%s: factor %v after %v, want %v", c.Config.Schedule, p.Factor, c.Losses[:i+1], want)
			}
		}
		if p.Best != c.Best || p.Bad != c.Bad {
			t.Errorf("%s: best %v, bad %d; want %v, %d", c.Config.Schedule, p.Best, p.Bad, c.Best, c.Bad)
		}
	}
	if p := NewPlateau(Schedule{Kind: Cosine}); p != nil {
		t.Errorf("a plateau of cosine: %+v", p)
	}
}

// TestPlateauWarmup: what a warm-up ends with counts, not what is before it.
func TestPlateauWarmup(t *testing.T) {
	p := NewPlateau(Schedule{Kind: OnPlateau, Gamma: 0.5, Warmup: 10})
	for _, c := range []struct {
		steps  int64
		loss   float64
		factor float64
	}{{5, 1, 1}, {9, 2, 1}, {10, 3, 1}, {15, 2.5, 1}, {20, 2.6, 0.5}} {
		if p.Observe(c.steps, c.loss); p.Factor != c.factor {
			t.Errorf("after %d steps: factor %v, want %v", c.steps, p.Factor, c.factor)
		}
	}
}
