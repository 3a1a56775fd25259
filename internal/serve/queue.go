package serve

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"aegis/data"
	"aegis/internal/detect"
)

// work is what a queue does with rows, or with codes that are given as such.
type work struct {
	name  string
	width int // of floats that come of a row, 0 where there are none
	run   func(ctx context.Context, rows data.Rows, labels []byte) (result, error)
}

// result is what comes of n rows; a work gives one of these.
type result struct {
	floats   []float32 // (n, width)
	scores   []float64 // (n)
	findings []detect.Finding
}

// job is the rows of one request.
type job struct {
	rows   data.Rows
	labels []byte // (N), nil where there are none

	// Under the queue's lock:
	taken int  // rows that have been given to a batch
	left  int  // rows whose results are to come
	gone  bool // nobody waits any more
	out   result
	err   error
	done  chan struct{}
}

// piece is rows from to to-1 of a job.
type piece struct {
	job      *job
	from, to int
}

// queue gathers the rows of requests that wait into batches. A request that finds
// nothing running runs at once; what comes meanwhile waits together for the next
// batch. Nobody waits for others to come: a worker lets only those go first that
// could run already, and whose rows may so come into its batch. A long request gets a share of each
// batch, and takes its turn behind those that came meanwhile.
type queue struct {
	work
	rows    int // of a batch
	share   int // of them that one job gets at least while others wait
	waiting int // jobs that may wait
	workers int // batches that may run at once
	observe batchMetrics

	mu      sync.Mutex
	jobs    []*job // that have rows to give
	ready   int    // rows that they have
	running int    // workers
	idle    sync.WaitGroup
}

var (
	errFull  = errors.New("too many requests wait")
	errPanic = errors.New("internal error")
)

// anotherRows is how many rows have to wait for another batch to run beside one: in
// fewer the weights are read for little.
const anotherRows = 64

// batchValues bounds the values of a batch.
const batchValues = 1 << 19

func newQueue(w work, o Options, observe batchMetrics) *queue {
	return &queue{work: w, rows: o.BatchRows, share: max(1, o.BatchRows/8), waiting: o.MaxWaiting, workers: o.workers, observe: observe}
}

// do gives rows to the queue and waits for what comes of them.
func (q *queue) do(ctx context.Context, rows data.Rows, labels []byte) (result, error) {
	if rows.N == 0 {
		return result{}, nil
	}
	j := &job{rows: rows, labels: labels, left: rows.N, done: make(chan struct{})}
	q.mu.Lock()
	if len(q.jobs) >= q.waiting {
		q.mu.Unlock()
		return result{}, errFull
	}
	q.jobs = append(q.jobs, j)
	q.ready += rows.N
	q.observe.waiting.Add(1)
	q.another()
	q.mu.Unlock()
	select {
	case <-j.done:
		return j.out, j.err
	case <-ctx.Done():
		q.leave(j)
		return result{}, ctx.Err()
	}
}

// another starts a worker where one pays. The lock is held.
func (q *queue) another() {
	if q.ready > 0 && q.running == 0 || q.ready >= anotherRows && q.running < q.workers {
		q.running++
		q.idle.Add(1)
		go q.serve()
	}
}

// leave takes a job out whose request is gone.
func (q *queue) leave(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j.gone = true
	q.remove(j)
}

// remove takes a job out of those that have rows to give, where it is among them.
func (q *queue) remove(j *job) {
	for i, other := range q.jobs {
		if other == j {
			q.jobs = slices.Delete(q.jobs, i, i+1)
			q.ready -= j.rows.N - j.taken
			q.observe.waiting.Add(-1)
			return
		}
	}
}

// serve runs batches until nothing waits.
func (q *queue) serve() {
	defer q.idle.Done()
	for {
		runtime.Gosched() // to requests that are being read
		pieces := q.take()
		if pieces == nil {
			return
		}
		q.batch(pieces)
	}
}

// take returns rows of the jobs that wait, nil where none do: then the worker has
// ended.
func (q *queue) take() (pieces []piece) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.jobs) == 0 {
		q.running--
		return nil
	}
	room := max(1, min(q.rows, batchValues/max(1, q.jobs[0].rows.Size())))
	kept := q.jobs[:0]
	var again []*job // have more rows, and go behind the others
	share := max(q.share, room/len(q.jobs))
	for _, j := range q.jobs {
		n := min(j.rows.N-j.taken, room, share)
		if n == 0 {
			kept = append(kept, j)
			continue
		}
		pieces = append(pieces, piece{j, j.taken, j.taken + n})
		j.taken += n
		q.ready -= n
		room -= n
		if j.taken < j.rows.N {
			again = append(again, j)
		} else {
			q.observe.waiting.Add(-1)
		}
	}
	all := len(q.jobs)
	q.jobs = append(kept, again...)
	clear(q.jobs[len(q.jobs):all])
	q.another()
	return pieces
}

// batch runs pieces together. Where that fails each is run by itself, so that one
// request's rows spoil no other's.
func (q *queue) batch(pieces []piece) {
	rows, labels := gather(pieces)
	q.observe.rows.Observe(float64(rows.N))
	out, err := q.safely(rows, labels)
	if err != nil && len(pieces) > 1 {
		for _, p := range pieces {
			q.batch([]piece{p})
		}
		return
	}
	at := 0
	for _, p := range pieces {
		q.finish(p, out.slice(at, at+p.to-p.from, q.width), err)
		at += p.to - p.from
	}
}

// safely runs rows; a panic is an error.
func (q *queue) safely(rows data.Rows, labels []byte) (out result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %s: %v", errPanic, q.name, p)
		}
	}()
	return q.run(context.Background(), rows, labels)
}

// finish gives a job what came of a piece.
func (q *queue) finish(p piece, out result, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j := p.job
	if p.to-p.from == j.rows.N {
		j.out = out
	} else {
		j.out.put(out, p.from, j.rows.N, q.width)
	}
	if err != nil && j.err == nil {
		j.err = err
		j.left -= j.rows.N - j.taken // which nobody needs
		q.remove(j)
	}
	if j.left -= p.to - p.from; j.left == 0 {
		close(j.done)
	}
}

// wait returns when no batch runs.
func (q *queue) wait() { q.idle.Wait() }

// gather makes rows of pieces, which share memory with a job's where there is one
// piece.
func gather(pieces []piece) (data.Rows, []byte) {
	if len(pieces) == 1 {
		p := pieces[0]
		var labels []byte
		if p.job.labels != nil {
			labels = p.job.labels[p.from:p.to]
		}
		return p.job.rows.Slice(p.from, p.to), labels
	}
	first := pieces[0].job.rows
	n := 0
	for _, p := range pieces {
		n += p.to - p.from
	}
	rows := data.Rows{N: n, Shape: first.Shape}
	if first.IsBytes() {
		rows.Bytes = make([]byte, 0, n*first.Size())
	} else {
		rows.Floats = make([]float32, 0, n*first.Size())
	}
	var labels []byte
	for _, p := range pieces {
		some := p.job.rows.Slice(p.from, p.to)
		rows.Bytes, rows.Floats = append(rows.Bytes, some.Bytes...), append(rows.Floats, some.Floats...)
		if p.job.labels != nil {
			labels = append(labels, p.job.labels[p.from:p.to]...)
		}
	}
	return rows, labels
}

// slice is the results of rows from to to-1.
func (r result) slice(from, to, width int) (some result) {
	if r.floats != nil {
		some.floats = r.floats[from*width : to*width]
	}
	if r.scores != nil {
		some.scores = r.scores[from:to]
	}
	if r.findings != nil {
		some.findings = r.findings[from:to]
	}
	return some
}

// put writes the results of some rows in their place among n.
func (r *result) put(some result, from, n, width int) {
	if some.floats != nil {
		if r.floats == nil {
			r.floats = make([]float32, n*width)
		}
		copy(r.floats[from*width:], some.floats)
	}
	if some.scores != nil {
		if r.scores == nil {
			r.scores = make([]float64, n)
		}
		copy(r.scores[from:], some.scores)
	}
	if some.findings != nil {
		if r.findings == nil {
			r.findings = make([]detect.Finding, n)
		}
		copy(r.findings[from:], some.findings)
	}
}
