package model

import (
	"strings"
	"testing"

	"aegis/model/optim"
)

// bent is a preset of which something else is asked.
func bent(t *testing.T, preset string, bend func(s *Spec)) Spec {
	t.Helper()
	s, err := Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	bend(&s)
	return s
}

// TestOptimizer: each option gets to the phases' optimizer, and steps come from
// the rows.
func TestOptimizer(t *testing.T) {
	s := bent(t, "fc12", func(s *Spec) {
		s.Image, s.Rows, s.Batch, s.Epochs = [3]int{1, 4, 4}, 21, 10, 5
		s.Optimizer, s.LR, s.WeightDecay = optim.AdamW, 0.5, 0.25
		s.Beta1, s.Beta2, s.Epsilon = 0.5, 0.75, 0.125
		s.Schedule, s.Warmup, s.ScheduleEpochs = "cosine:0.1", 2, 4
	})
	p, err := s.Program()
	if err != nil {
		t.Fatal(err)
	}
	want := optim.Spec{
		Kind: optim.AdamW, LR: 0.5, Beta1: 0.5, Beta2: 0.75, Epsilon: 0.125, WeightDecay: 0.25,
		Schedule: optim.Schedule{Kind: optim.Cosine, Steps: 12, Epoch: 3, Warmup: 2, Floor: 0.1},
	}
	if got := p.Phases[0].Optimizer; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if p.Plateau() != nil {
		t.Error("cosine has a plateau")
	}
	var text strings.Builder
	if err := s.Summary(&text); err != nil {
		t.Fatal(err)
	}
	if want := "adamw lr 0.5 weight decay 0.25 beta1 0.5 beta2 0.75 epsilon 0.125 warm-up 2 cosine:0.1, batch 10"; !strings.Contains(text.String(), want) {
		t.Errorf("summary %s; want %s", text.String(), want)
	}
	s = bent(t, "fc12", func(s *Spec) {
		s.Image, s.Optimizer, s.Momentum, s.RMSpropAlpha, s.Schedule = [3]int{1, 4, 4}, optim.RMSprop, 0.5, 0.75, "plateau:2"
	})
	if p, err = s.Program(); err != nil {
		t.Fatal(err)
	}
	want = optim.Spec{
		Kind: optim.RMSprop, LR: 1e-3, Epsilon: 1e-8, Momentum: 0.5, Smoothing: 0.75,
		Schedule: optim.Schedule{Kind: optim.OnPlateau, Patience: 2, Gamma: 0.1},
	}
	if got := p.Phases[0].Optimizer; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if plateau := p.Plateau(); plateau == nil || plateau.Schedule.Patience != 2 || plateau.Factor != 1 {
		t.Errorf("plateau %+v", plateau)
	}
	if a, b := p.StepScalars(nil, 0, 1), p.StepScalars(nil, 0, 0.5); a[0] != 1e-3 || b[0] != 0.5e-3 || b[1] != a[1] {
		t.Errorf("numbers of a step %v, at half the rate %v", a, b)
	}
	s.Schedule = "step:2:0.5"
	if _, err := s.Program(); err == nil || !strings.Contains(err.Error(), "schedule step:2:0.5 goes by epochs") {
		t.Errorf("without rows: %v", err)
	}
}
