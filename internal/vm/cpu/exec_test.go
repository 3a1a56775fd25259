package cpu

import (
	"context"
	"testing"

	"aegis/internal/vm/vmtest"
	"aegis/model/program"
)

// Workers wait for each other once a stage, and at no other time: what stands
// between two steps is done where the last stage of a step ends.
func TestOneBarrierAStage(t *testing.T) {
	const steps = 7
	p := vmtest.Tiny(t)
	m, err := Open(p, 1, Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	if err := m.Bind("train", vmtest.Rows(p, []byte{200})); err != nil {
		t.Fatal(err)
	}
	s := program.Steps{Rows: make([]int32, steps)}
	for i := range int64(steps) {
		s.Scalars = p.StepScalars(s.Scalars, i, 1)
	}
	before := m.team.rounds.Load()
	if err := m.Train(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	stages := 0
	for _, ph := range m.train.phases {
		stages += len(ph.stages)
	}
	if got := int(m.team.rounds.Load() - before); got != steps*stages {
		t.Errorf("%d barriers in %d steps of %d stages", got, steps, stages)
	}
	if losses, err := m.Losses(); err != nil || len(losses) != steps {
		t.Errorf("%d losses, error %v; want %d", len(losses), err, steps)
	}
}
