package serve

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"aegis/data"
)

// gate is a work that notes its batches and runs each when it is told to.
type gate struct {
	mu      sync.Mutex
	batches []int
	go1     chan struct{}
	began   chan int
}

func (g *gate) run(_ context.Context, rows data.Rows, _ []byte) (result, error) {
	g.mu.Lock()
	g.batches = append(g.batches, rows.N)
	g.mu.Unlock()
	g.began <- rows.N
	<-g.go1
	out := make([]float32, rows.N)
	for i := range out {
		if out[i] = 2 * rows.Floats[i]; rows.Floats[i] < 0 {
			return result{}, errors.New("below 0")
		}
		if rows.Floats[i] == 99 {
			panic("99")
		}
	}
	return result{floats: out}, nil
}

func newGate(rows, waiting int) (*gate, *queue) {
	g := &gate{go1: make(chan struct{}, 1000), began: make(chan int, 1000)}
	o := Options{BatchRows: rows, MaxWaiting: waiting, workers: 1}
	return g, newQueue(work{name: "w", width: 1, run: g.run}, o, newMetrics().batches("m", "w"))
}

func vectors(values ...float32) data.Rows {
	return data.Rows{N: len(values), Shape: data.Shape{W: 1}, Floats: values}
}

// ask gives rows to the queue once more jobs wait than before, so that their order
// is known.
func ask(q *queue, ctx context.Context, values ...float32) (wait func() ([]float32, error)) {
	var out result
	var err error
	done := make(chan struct{})
	waiting := func() int { q.mu.Lock(); defer q.mu.Unlock(); return len(q.jobs) }
	before := waiting()
	go func() {
		defer close(done)
		out, err = q.do(ctx, vectors(values...), nil)
	}()
	for waiting() == before && len(done) == 0 {
		select {
		case <-done:
			return func() ([]float32, error) { return out.floats, err }
		default:
		}
	}
	return func() ([]float32, error) { <-done; return out.floats, err }
}

// TestBatches: what comes while one runs waits together; a long job gets a share,
// and each job what came of its own rows.
func TestBatches(t *testing.T) {
	g, q := newGate(8, 100)
	first := make(chan struct{})
	go func() { _, _ = q.do(t.Context(), vectors(0), nil); close(first) }()
	<-g.began
	long := make([]float32, 20)
	for i := range long {
		long[i] = float32(i)
	}
	waits := []func() ([]float32, error){ask(q, t.Context(), long...), ask(q, t.Context(), 100), ask(q, t.Context(), 101), ask(q, t.Context(), 102)}
	for range 1000 {
		g.go1 <- struct{}{}
	}
	<-first
	for i, wait := range waits {
		got, err := wait()
		want := []float32{float32(2 * (99 + i))}
		if i == 0 {
			want = nil
			for _, v := range long {
				want = append(want, 2*v)
			}
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("job %d: %v %v; want %v", i, got, err, want)
		}
	}
	q.wait()
	if want := []int{1, 5, 8, 8, 2}; !slices.Equal(g.batches, want) { // 2 of 20 and three short jobs, then the rest
		t.Errorf("batches of %v rows; want %v", g.batches, want)
	}
}

// TestGather: rows of several jobs run with labels of their own.
func TestGather(t *testing.T) {
	jobs := []*job{{rows: vectors(1, 2, 3), labels: []byte{4, 5, 6}}, {rows: vectors(7), labels: []byte{8}}, {rows: vectors(9, 10), labels: []byte{11, 12}}}
	rows, labels := gather([]piece{{jobs[0], 1, 3}, {jobs[1], 0, 1}, {jobs[2], 1, 2}})
	if want := []float32{2, 3, 7, 10}; rows.N != 4 || !slices.Equal(rows.Floats, want) {
		t.Errorf("%d rows %v; want %v", rows.N, rows.Floats, want)
	}
	if want := []byte{5, 6, 8, 12}; !slices.Equal(labels, want) {
		t.Errorf("labels %v; want %v", labels, want)
	}
	if rows, labels = gather([]piece{{jobs[0], 1, 2}}); rows.N != 1 || rows.Floats[0] != 2 || !slices.Equal(labels, []byte{5}) {
		t.Errorf("of one job %v with labels %v", rows.Floats, labels)
	}
}

// TestFailures: rows that fail, panics, and jobs that leave spoil no other's.
func TestFailures(t *testing.T) {
	g, q := newGate(8, 5)
	first := make(chan struct{})
	go func() { _, _ = q.do(t.Context(), vectors(0), nil); close(first) }()
	<-g.began
	ctx, cancel := context.WithCancel(t.Context())
	waits := []func() ([]float32, error){ask(q, t.Context(), 1), ask(q, t.Context(), -1), ask(q, t.Context(), 99), ask(q, t.Context(), 3)}
	gone := ask(q, ctx, 5)
	if _, err := q.do(t.Context(), vectors(1), nil); !errors.Is(err, errFull) {
		t.Errorf("a sixth job: %v", err)
	}
	cancel()
	if _, err := gone(); !errors.Is(err, context.Canceled) {
		t.Errorf("a job that left: %v", err)
	}
	for range 1000 {
		g.go1 <- struct{}{}
	}
	<-first
	for i, want := range []bool{true, false, false, true} {
		if got, err := waits[i](); (err == nil) != want {
			t.Errorf("job %d: %v %v", i, got, err)
		}
	}
	q.wait()
	if want := []int{1, 4, 1, 1, 1, 1}; !slices.Equal(g.batches, want) {
		t.Errorf("batches of %v rows; want %v", g.batches, want)
	}
}

// TestScan: the scanner reads numbers as Go does, and no text that is no JSON.
func TestScan(t *testing.T) {
	for text, want := range map[string]bool{
		"0": true, "-0": true, "12": true, "1.5": true, "1e3": true, "1E-3": true, "123456789012345678901": true, "0.1e+2": true,
		"01": false, "+1": false, ".5": false, "1.": false, "1e": false, "-": false, "0x1": false, "1_0": false, "Infinity": false, "": false, "1e400": false,
	} {
		s := &scanner{text: []byte(text)}
		s.number()
		if err := s.end(); (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}
