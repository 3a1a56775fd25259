package cpu

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"aegis/data"
	"aegis/internal/plan"
	"aegis/internal/vm"
	"aegis/internal/vm/cpu/kernel"
	"aegis/model/optim"
)

// chunkRows is how many rows go into one partial sum of a loss or of a
// convolution's gradient. It is fixed: the sums must not depend on who makes
// them.
const chunkRows = 8

// rowTask does one instruction for rows from to to-1 of the batch.
type rowTask struct {
	run           func(w *worker, from, to int)
	reads, writes []int // buffers
	dense         bool  // it reads a big weight matrix: the more rows at once, the better
	early         bool  // a sum over the batch, done as soon as its operands are there
}

// unit is a piece of gradient and update that one worker does alone.
type unit struct {
	run  func(w *worker)
	cost float64
}

// stage is what workers do between two barriers: rows, or units.
type stage struct {
	rows     []rowTask
	units    []unit
	reads    []int // buffers that units read
	share    []int // units share[t] to share[t+1]-1 are worker t's
	losses   []*lossSum
	complete func() // what is made once of what all have, or nil
	finish   func() // what is done once when all are through
	before   bool   // it is before the first update of the step
	gives    bool   // it hands gradients out; where that fails the step is given up
	last     bool   // it is the last one of the step
}

// phase is one graph of a plan.
type phase struct {
	name      string
	stages    []stage
	outputs   []plan.Output
	optimizer kernel.Update // nil in a forward plan
	clip      optim.Clip
	width     int       // scalars that the optimizer reads
	scalars   []float32 // of this step
}

// exec is a compiled plan on a machine's workers.
type exec struct {
	machine *host
	plan    *plan.Plan
	buffers [][]float32
	sizes   []int // floats in a row of a buffer
	phases  []*phase
	workers []*worker
	block   int // rows that a worker takes through a stage at once; 0: all of its own

	divided  int           // workers that the stages are shared out among
	stepTime time.Duration // of a training step, lately

	arena   []float32
	scalars []scalar
	noises  []*noise

	// The batch in progress.
	n      int
	set    data.Rows
	memory []byte // the set's
	stride int    // bytes of a row of it
	rows   []int32
	values []float32
	labels []int32 // of the set's rows, or of the values
	first  int     // number of the first of the values
	step   int64
	failed error       // of an exchange
	cut    atomic.Bool // rows of a mapped file are gone
	stop   atomic.Bool
	ctx    context.Context // of the training in progress; nil outside of it
	after  func()          // what is done once when a training step is through
}

// worker is one worker's own memory.
type worker struct {
	exec    *exec
	id      int
	scratch *kernel.Scratch
	product kernel.Product
	first   int         // its first row in the stage in progress
	local   [][]float32 // of buffers that live within a block, its rows
	bias    []float32   // a bias repeated for each position
	grad    []float32   // a gradient on its way into an update
	planar  []float32   // an image on its way into another layout
	columns []float32   // rows transposed, and the transposed result; see turned
	result  []float32
	drawn   []byte // bits of noise on their way into a row's
	noise   kernel.NoiseSpace

	// Of batch norm: of each channel, and of each value of a row.
	scale, shift, inverse   []float32
	means, centred, squares []float32

	// Of convolutions; see padded and scatter.
	images             map[window][]float32
	start, sum, planes []float32
}

// newExec gives a plan memory and tasks.
func (m *host) newExec(p *plan.Plan) (*exec, error) {
	e := &exec{machine: m, plan: p, buffers: make([][]float32, len(p.Buffers))}
	arena, err := m.memory.Floats(p.Arena)
	if err != nil {
		return nil, fmt.Errorf("cpu: what the layers give: %w", err)
	}
	e.arena = arena
	for _, views := range []bool{false, true} {
		for i, b := range p.Buffers {
			if (b.Kind == plan.View) == views {
				if err := e.place(i, b, arena); err != nil {
					return nil, err
				}
			}
		}
	}
	for i := range m.team.size {
		e.workers = append(e.workers, &worker{exec: e, id: i, scratch: kernel.NewScratch(), images: make(map[window][]float32)})
	}
	for _, b := range p.Buffers {
		e.sizes = append(e.sizes, rowSize(b))
	}
	for i := range p.Phases {
		made, err := e.newPhase(i)
		if err != nil {
			return nil, fmt.Errorf("cpu: phase %s: %w", p.Phases[i].Name, err)
		}
		e.phases = append(e.phases, made)
	}
	e.markStages()
	e.findScalars()
	return e, e.makeLocal()
}

// place finds a buffer's memory.
func (e *exec) place(i int, b plan.Buffer, arena []float32) error {
	name := b.Name
	if b.Kind == plan.Copy || b.Kind == plan.Slot {
		name = e.plan.Buffers[b.Of].Name
	}
	switch b.Kind {
	case plan.Param, plan.Copy, plan.Slot:
		p, ok := e.machine.params[name]
		if !ok {
			return fmt.Errorf("cpu: no parameter %s in the program", name)
		}
		if b.Kind == plan.Param && b.Layout != p.layout {
			return fmt.Errorf("cpu: parameter %s is %s here and %s elsewhere; all plans must use it alike", name, b.Layout, p.layout)
		}
		e.buffers[i] = p.matrix
		if b.Kind == plan.Copy {
			e.buffers[i] = p.copied
		}
		if b.Kind == plan.Slot {
			p.eachSlot(func(name string, buffer []float32) {
				if name == b.Name {
					e.buffers[i] = buffer
				}
			})
		}
	case plan.View:
		e.buffers[i] = e.buffers[b.Of]
	default:
		e.buffers[i] = arena[b.Offset : b.Offset+b.Size() : b.Offset+b.Size()]
	}
	if len(e.buffers[i]) < b.Size() {
		return fmt.Errorf("cpu: buffer %d (%s %s): want %d floats, got %d", i, b.Kind, b.Name, b.Size(), len(e.buffers[i]))
	}
	return nil
}

// divide shares the stages out among the workers that take part.
func (e *exec) divide() {
	workers := e.machine.team.active
	if e.divided == workers {
		return
	}
	for _, ph := range e.phases {
		for i := range ph.stages {
			ph.stages[i].divide(workers)
		}
	}
	e.divided = workers
}

// divide gives each worker units of about the same cost, in their order.
func (s *stage) divide(workers int) {
	total := 0.0
	for _, u := range s.units {
		total += u.cost
	}
	s.share = make([]int, workers+1)
	done, next := 0.0, 0
	for t := range workers {
		for next < len(s.units) && done+s.units[next].cost/2 <= total*float64(t+1)/float64(workers) {
			done += s.units[next].cost
			next++
		}
		s.share[t+1] = next
	}
	s.share[workers] = len(s.units)
}

// markStages marks the stages before the first update of a step, and the last.
func (e *exec) markStages() {
	for i := len(e.phases) - 1; i >= 0; i-- {
		if stages := e.phases[i].stages; len(stages) > 0 {
			stages[len(stages)-1].last = true
			break
		}
	}
	for _, ph := range e.phases {
		for i := range ph.stages {
			if len(ph.stages[i].units) > 0 {
				return
			}
			ph.stages[i].before = true
		}
	}
}

// givenUp says whether nobody waits for the end of a stage. It asks the context:
// a function that the context calls when it ends may run as late as in the next
// training.
func (e *exec) givenUp(s *stage) bool { return s.before && e.ctx != nil && e.ctx.Err() != nil }

// run does a worker's part of every stage of one batch. Behind the last barrier
// the next batch may be set already. It is false where the step was given up,
// which happens before its first update only: whoever sees the interrupt leaves
// rows out, and the last one at the barrier sees it too.
func (e *exec) run(w *worker) bool {
	team := e.machine.team
	for _, ph := range e.phases {
		for i := range ph.stages {
			s := &ph.stages[i]
			if len(s.rows) > 0 {
				e.runRows(w, s)
			}
			for _, u := range s.units[s.share[w.id]:s.share[w.id+1]] {
				u.run(w)
			}
			team.barrier(s.finish)
			if (s.before || s.gives) && e.stop.Load() {
				return false
			}
		}
	}
	return true
}

// runRows takes a worker's rows through a stage. They are shared out in whole
// chunks. Dense tasks take all of them at once; the others that follow one
// another take a block through together, so that what one writes the next one
// finds in the cache.
func (e *exec) runRows(w *worker, s *stage) {
	chunks, workers := (e.n+chunkRows-1)/chunkRows, e.machine.team.active
	from, to := w.id*chunks/workers*chunkRows, min((w.id+1)*chunks/workers*chunkRows, e.n)
	if from >= to {
		return
	}
	w.first = from
	for tasks := s.rows; len(tasks) > 0; {
		n := together(tasks)
		rows := to - from
		if e.block > 0 && !tasks[0].dense {
			rows = e.block
		}
		for at := from; at < to; at += rows {
			for _, task := range tasks[:n] {
				if e.givenUp(s) {
					return
				}
				task.run(w, at, min(at+rows, to))
			}
		}
		tasks = tasks[n:]
	}
}

// bind takes the set that rows are read from.
func (e *exec) bind(set data.Rows) {
	e.set, e.memory, e.stride = set, set.Memory(), set.RowBytes()
}

// stepsJob is training steps to run.
type stepsJob struct {
	first   int64 // number of the first step
	set     data.Rows
	labels  []int32
	rows    []int32
	scalars []float32 // width a step
	width   int
	losses  []float32 // terms a step
	terms   int
}

// steps runs training steps and returns how many were done before ctx ended.
func (e *exec) steps(ctx context.Context, job stepsJob) (done int, err error) {
	batch := e.plan.Batch
	count := (len(job.rows) + batch - 1) / batch
	take := func(step int) {
		e.rows = job.rows[step*batch : min((step+1)*batch, len(job.rows))]
		e.n = len(e.rows)
		scalars := job.scalars[step*job.width:]
		for _, ph := range e.phases {
			ph.scalars = scalars[:ph.width]
			scalars = scalars[len(ph.scalars):]
		}
		e.step = job.first + int64(step)
		e.setScalars(job.scalars[step*job.width:][:job.width])
		if e.stop.Store(false); ctx.Err() != nil {
			e.stop.Store(true)
		}
	}
	e.bind(job.set)
	e.labels, e.failed = job.labels, nil
	e.setNoises(vm.TrainSet, true)
	e.after = func() {
		e.collect(job.losses[done*job.terms:])
		if done++; done < count {
			take(done)
		}
	}
	e.ctx = ctx
	defer func() { e.ctx, e.after = nil, nil }()
	take(0)
	for done < count && !e.stop.Load() {
		e.divide()
		begin, before := time.Now(), done
		until := min(count, done+e.stepsIn(e.machine.team.pace.windowLength()))
		e.machine.team.run(func(id int) {
			step := before
			for step < until && !e.stop.Load() && e.run(e.workers[id]) {
				step++
			}
		})
		if ran := done - before; ran > 0 {
			e.stepTime = time.Since(begin) / time.Duration(ran)
		}
	}
	if e.cut.Swap(false) {
		return done, data.ErrCutShort
	}
	if done < count {
		return done, errors.Join(e.failed, ctx.Err())
	}
	return done, nil
}

// stepsIn is how many steps fit in some time, at least one.
func (e *exec) stepsIn(window time.Duration) int {
	if e.stepTime <= 0 {
		return 1
	}
	return int(max(1, window/e.stepTime))
}

// collect writes the loss terms of a batch.
func (e *exec) collect(dst []float32) {
	i := 0
	for _, ph := range e.phases {
		for _, out := range ph.outputs {
			dst[i] = e.buffers[out.Buffer][0]
			i++
		}
	}
}

// forwardJob is one batch of a forward plan: rows of a set, or values.
type forwardJob struct {
	name   string // of the set, empty for values
	set    data.Rows
	rows   []int32
	values []float32
	labels []int32
	first  int // number of the first of the values
	n      int
	out    []float32 // nil where losses are wanted
}

// forward runs one batch and copies the first output's rows to out.
func (e *exec) forward(job forwardJob) error {
	e.bind(job.set)
	e.rows, e.values, e.n = job.rows, job.values, job.n
	e.labels, e.first = job.labels, job.first
	e.setNoises(job.name, false)
	e.setScalars(nil)
	e.divide()
	e.machine.team.run(func(id int) { e.run(e.workers[id]) })
	if e.cut.Swap(false) {
		return data.ErrCutShort
	}
	copy(job.out, e.buffers[e.phases[0].outputs[0].Buffer])
	return nil
}

// inputWidth and outputWidth are the values in a row of a forward plan; 0 where
// it loads none.
func inputWidth(p *plan.Plan) int {
	for _, in := range p.Phases[0].Gradients {
		if in.Op == plan.Load {
			return rowSize(p.Buffers[in.Dst[0]])
		}
	}
	return 0
}

func outputWidth(p *plan.Plan) int { return rowSize(p.Buffers[p.Phases[0].Outputs[0].Buffer]) }

// rowSize returns the floats of one row of a buffer, where its first dimension
// is rows.
func rowSize(b plan.Buffer) int {
	if len(b.Shape) == 0 {
		return b.Size()
	}
	return b.Size() / b.Shape[0]
}

// rowSize returns the floats of one row of a buffer.
func (e *exec) rowSize(buffer int) int { return e.sizes[buffer] }

// rowsOf returns rows from to to-1 of a buffer.
func (w *worker) rowsOf(buffer, from, to int) []float32 {
	size := w.exec.sizes[buffer]
	if local := w.local[buffer]; local != nil {
		at := (from - w.first) % w.exec.block
		return local[at*size : (at+to-from)*size]
	}
	return w.exec.buffers[buffer][from*size : to*size]
}
