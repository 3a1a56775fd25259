package cpu

import (
	"context"
	"slices"
	"testing"

	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model"
	"aegis/model/program"
)

// BenchmarkBetween measures what a run does between epochs beside what training
// takes for as many rows, by turns on one thread, in processor time, the least of
// each: the evaluation of rows, and a copy of the state to memory that is there.
func BenchmarkBetween(b *testing.B) {
	for _, c := range []struct {
		name, preset string
		rows         int // that are evaluated, and trained on
		bend         func(s *model.Spec)
	}{
		{"fc12", "fc12", 10_000, func(*model.Spec) {}},
		{"fc64", "fc64", 10_000, func(*model.Spec) {}},
		{"conv", "conv", 2_000, func(*model.Spec) {}},
		{"wide", "fc64", 1_024, func(s *model.Spec) { s.Hidden, s.Latent, s.Batch = []int{4096, 4096}, 64, 1024 }},
	} {
		b.Run(c.name, func(b *testing.B) { between(b, c.preset, c.rows, c.bend) })
	}
}

func between(b *testing.B, preset string, rows int, bend func(s *model.Spec)) {
	m := bent(b, preset, bend)
	first, list := int64(0), train.Rows(rows)
	var into program.State
	runs := []func() error{
		func() error {
			s := program.Steps{First: first, Rows: list}
			count := int64(s.Count(m.program.Batch))
			for i := range count {
				s.Scalars = m.program.StepScalars(s.Scalars, first+i, 1)
			}
			first += count
			return m.Train(context.Background(), s)
		},
		func() error {
			_, err := m.Evaluate(context.Background(), vm.TrainSet, list)
			return err
		},
		func() error { return m.StateInto(&into, true) },
	}
	times := make([][]float64, len(runs))
	for round := range 1 + max(b.N, 10) {
		for i, run := range runs {
			before := processorTime(b)
			if err := run(); err != nil {
				b.Fatal(err)
			}
			if round > 0 {
				times[i] = append(times[i], processorTime(b)-before)
			}
		}
	}
	b.ReportMetric(slices.Min(times[0])/float64(rows)*1e6, "µs/row-trained")
	b.ReportMetric(slices.Min(times[1])/float64(rows)*1e6, "µs/row-evaluated")
	b.ReportMetric(slices.Min(times[2])*1e3, "ms/state")
}
