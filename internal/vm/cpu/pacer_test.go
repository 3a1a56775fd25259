package cpu

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"aegis/internal/vm/vmtest"
	"aegis/model"
	"aegis/model/program"
)

// TestPacer runs calls in which neighbours take some processors, as a share of
// the time, and looks at how many workers take part.
func TestPacer(t *testing.T) {
	type spell struct {
		time  time.Duration
		taken float64 // processors' time lost where all workers take part, beside as many processors as workers
	}
	for _, tt := range []struct {
		name  string
		size  int
		calls []spell
		want  int     // in the end
		full  float64 // the least share of calls with all workers
		few   float64 // the least share of calls with fewer
	}{
		{name: "alone", size: 2, calls: []spell{{time: 10 * time.Second}}, want: 2, full: 1},
		{name: "a little noise", size: 2, calls: []spell{{time: 10 * time.Second, taken: 0.2}}, want: 2, full: 1},
		{name: "a neighbour that stays", size: 2, calls: []spell{{time: 30 * time.Second, taken: 0.8}}, want: 1, few: 0.97},
		{name: "a neighbour that goes", size: 2, calls: []spell{{time: 20 * time.Second, taken: 1}, {time: 20 * time.Second}}, want: 2, full: 0.25, few: 0.4},
		{name: "two neighbours of four", size: 4, calls: []spell{{time: 10 * time.Second, taken: 2}}, want: 2, few: 0.97},
		{name: "one worker", size: 1, calls: []spell{{time: time.Second, taken: 1}}, want: 1},
		{name: "many workers, a neighbour", size: 16, calls: []spell{{time: 10 * time.Second, taken: 1}}, want: 15, few: 0.9},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPacer(tt.size)
			full, few := time.Duration(0), time.Duration(0)
			for _, s := range tt.calls {
				for at := time.Duration(0); at < s.time; {
					call := p.windowLength()
					if p.active == tt.size {
						full += call
					} else {
						few += call
					}
					spare := float64(tt.size - p.active)
					lost := max(0, s.taken-spare)
					p.ran(call, time.Duration(lost*float64(call)))
					at += call
				}
			}
			if p.active < tt.want-1 || p.active > tt.want || tt.size == 2 && p.active != tt.want {
				t.Errorf("%d workers in the end, want %d", p.active, tt.want)
			}
			all := float64(full + few)
			if float64(full)/all < tt.full || float64(few)/all < tt.few {
				t.Errorf("all workers for %v, fewer for %v", full, few)
			}
		})
	}
}

// TestShortCallsAreGathered holds that a call of microseconds decides nothing.
func TestShortCallsAreGathered(t *testing.T) {
	p := newPacer(2)
	for range 5 {
		if got := p.ran(time.Millisecond, time.Millisecond); got != 2 {
			t.Fatalf("%d workers after a short call", got)
		}
	}
	if got := p.ran(time.Millisecond, time.Millisecond); got != 1 {
		t.Errorf("%d workers after six", got)
	}
}

// TestWorkersComeAndGo trains with a number of workers that changes from step
// to step: the numbers are those of one worker.
func TestWorkersComeAndGo(t *testing.T) {
	for _, name := range []string{"odd widths", "conv gelu"} {
		t.Run(name, func(t *testing.T) { workersComeAndGo(t, vmtest.Networks()[name]) })
	}
}

func workersComeAndGo(t *testing.T, spec model.Spec) {
	p, err := spec.Program()
	if err != nil {
		t.Fatal(err)
	}
	train := func(active func(step int) int) map[string]program.Tensor {
		m, err := Open(p, 1, Options{Threads: 4})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}()
		images := make([]byte, 10*p.PixelCount())
		for i := range images {
			images[i] = byte(i * i)
		}
		if err := m.Bind("train", vmtest.Rows(p, images)); err != nil {
			t.Fatal(err)
		}
		for step := range 12 {
			m.team.active = active(step)
			m.team.pace = pacer{size: 4, active: m.team.active, wait: time.Hour}
			rows := make([]int32, p.Batch)
			for i := range rows {
				rows[i] = int32((3*i + step) % 10)
			}
			steps := program.Steps{First: int64(step), Rows: rows, Scalars: p.StepScalars(nil, int64(step), 1)}
			if err := m.Train(context.Background(), steps); err != nil {
				t.Fatal(err)
			}
		}
		s, err := m.State()
		if err != nil {
			t.Fatal(err)
		}
		return s.Tensors
	}
	want := train(func(int) int { return 1 })
	got := train(func(step int) int { return []int{4, 1, 3, 2}[step%4] })
	for name, tensor := range want {
		if !slices.Equal(tensor.Data, got[name].Data) {
			t.Errorf("%s differs", name)
		}
	}
}

// TestInterruptedStep holds that an interrupt leaves the state of a whole
// step: a step is given up before its first update or finished.
func TestInterruptedStep(t *testing.T) {
	spec, err := model.Preset("fc64")
	if err != nil {
		t.Fatal(err)
	}
	spec.Image, spec.Hidden, spec.Batch = [3]int{1, 28, 28}, []int{512}, 32
	p, images := longStep(t, &spec)
	const most = 40
	rows := make([]int32, most*spec.Batch)
	for i := range rows {
		rows[i] = int32(i % 64)
	}
	start := func() *Machine { return bound(t, p, images) }
	steps := func(from, to int) program.Steps {
		s := program.Steps{First: int64(from), Rows: rows[spec.Batch*from : spec.Batch*to]}
		for i := from; i < to; i++ {
			s.Scalars = p.StepScalars(s.Scalars, int64(i), 1)
		}
		return s
	}
	for i := range 12 {
		m, ref := start(), start()
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*13*time.Millisecond)
		err := m.Train(ctx, steps(0, most))
		cancel()
		if err == nil {
			t.Fatal("all steps were done in no time")
		}
		got, err := m.State()
		if err != nil {
			t.Fatal(err)
		}
		if err := ref.Train(context.Background(), steps(0, int(got.Step))); err != nil {
			t.Fatal(err)
		}
		want, err := ref.State()
		if err != nil {
			t.Fatal(err)
		}
		for name, tensor := range want.Tensors {
			if !slices.Equal(tensor.Data, got.Tensors[name].Data) {
				t.Fatalf("interrupted in step %d: %s is not that of a whole step", got.Step, name)
			}
		}
		// Training goes on from there.
		if err := m.Train(context.Background(), steps(int(got.Step), int(got.Step)+1)); err != nil {
			t.Fatal(err)
		}
		for _, m := range []*Machine{m, ref} {
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// longStep doubles a network's batch until a step takes longer than the Go
// runtime lets a worker spin before another goroutine is heard, which is 10 ms.
// It returns the program and 64 images.
func longStep(t *testing.T, spec *model.Spec) (*program.Program, []byte) {
	t.Helper()
	for {
		p, err := spec.Program()
		if err != nil {
			t.Fatal(err)
		}
		images := make([]byte, 64*p.PixelCount())
		for i := range images {
			images[i] = byte(i * i)
		}
		m := bound(t, p, images)
		began := time.Now()
		err = m.Train(context.Background(), program.Steps{Rows: make([]int32, spec.Batch), Scalars: p.StepScalars(nil, 0, 1)})
		took := time.Since(began)
		if err := errors.Join(err, m.Close()); err != nil {
			t.Fatal(err)
		}
		if took > 30*time.Millisecond || spec.Batch >= 4096 {
			return p, images
		}
		spec.Batch *= 2
	}
}

// bound is a machine of two workers on some images.
func bound(t *testing.T, p *program.Program, images []byte) *Machine {
	t.Helper()
	m, err := Open(p, 1, Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Bind("train", vmtest.Rows(p, images)); err != nil {
		t.Fatal(err)
	}
	return m
}
