//go:build !cpu

package cuda

import (
	"context"
	"fmt"
	"math/bits"

	"aegis/cuda/driver"
	"aegis/cuda/internal/gpu"
	"aegis/cuda/kernels"
	"aegis/data"
	"aegis/model/program"
)

// queue is what tells the device about a run of steps: the run itself, a block
// for each step of a graph, row numbers, classes, scalars, and the losses,
// which stay there until they are asked for. It is one allocation. Row numbers
// of a set and classes, for plans that read them, have places that training and
// forward parts share: neither begins before the work of the other is done.
type queue struct {
	steps   int // that fit
	graph   int // steps in the largest graph, a power of two
	width   int // scalars of one step
	terms   int // losses of one step
	words   int // 32-bit words so far
	counted int // counters

	columned int // columns of the scaling, 0 where bytes become pixels

	ptr                                  driver.DevicePtr
	run, blocks, forward, counters       place32
	rows, scalars, losses, forwardNumber place32
	finals, columns                      place32 // scalars of forward parts; columns of the scaling
	originals, classes                   place32 // numbers of rows in their set, and their classes

	pending int // steps since the first whose losses are still there
}

// place32 is an offset in the queue, in 32-bit words.
type place32 int

const (
	// mostRows bounds what is sent at once.
	mostRows = 1 << 22
	// graphBytes bounds the rows that the steps of a graph read: beside more
	// of them launching takes no time.
	graphBytes = 64 << 20
)

// newQueue lays the queue out for a program.
func newQueue(p *program.Program, t tuning, forwardRows int, execs []*exec) *queue {
	q := &queue{
		width: p.ScalarCount(), terms: len(p.LossNames()),
		graph: powerOfTwo(min(t.graphSteps, graphBytes/max(1, p.Batch*rowBytes(p)))),
	}
	if p.Scaling.Kind != data.ScaleRange {
		q.columned = p.PixelCount()
	}
	q.steps = max(q.graph, min(t.queueSteps, mostRows/max(1, p.Batch)))
	var numbers, labels bool
	for _, e := range execs {
		q.counted = max(q.counted, e.lossCount())
		numbers, labels = numbers || e.readsRowNumbers(), labels || e.readsLabels()
	}
	q.run = q.reserve(kernels.RunSize / 4)
	q.blocks = q.reserve(q.graph * kernels.StepSize / 4)
	q.forward = q.reserve(kernels.StepSize / 4)
	q.counters = q.reserve(q.counted)
	q.forwardNumber = q.reserve(forwardRows)
	q.rows = q.reserve(q.steps * p.Batch)
	q.scalars = q.reserve(q.steps * q.width)
	q.losses = q.reserve(q.steps * q.terms)
	q.finals = q.reserve(q.width)
	q.columns = q.reserve(2 * q.columned)
	if numbers {
		q.originals = q.reserve(max(forwardRows, q.steps*p.Batch))
	}
	if labels {
		q.classes = q.reserve(max(forwardRows, q.steps*p.Batch))
	}
	return q
}

// reserve takes some words, aligned to 256 bytes.
func (q *queue) reserve(words int) place32 {
	at := q.words
	q.words += gpu.Align(words)
	return place32(at)
}

func (q *queue) bytes() int64 { return 4 * int64(q.words) }

// at is the address of a word of a part of the queue.
func (q *queue) at(part place32, word int) driver.DevicePtr {
	return q.ptr + driver.DevicePtr(4*(int(part)+word))
}

// Train runs steps over rows of the set "train".
func (m *Machine) Train(ctx context.Context, steps program.Steps) error {
	batch, width := m.program.Batch, m.queue.width
	count := steps.Count(batch)
	if len(steps.Scalars) != count*width {
		return fmt.Errorf("cuda: train: want %d scalars for %d steps, got %d", count*width, count, len(steps.Scalars))
	}
	if steps.First != m.step {
		return fmt.Errorf("cuda: train: want step %d next, got %d", m.step, steps.First)
	}
	s, err := m.find(trainSet, steps.Rows)
	if err != nil {
		return err
	}
	all := batches{rows: steps.Rows, scalars: steps.Scalars}
	if all.classes, err = m.train.classes(m.labels[trainSet], steps.Rows, len(steps.Rows)); err != nil {
		return err
	}
	for from := 0; from < count; from += m.queue.steps {
		some := all.cut(from, min(from+m.queue.steps, count), batch, width)
		if err := m.gpu.Do("train", func() error { return m.runSteps(ctx, s, some) }); err != nil {
			return err
		}
	}
	return nil
}

// batches are the rows of some steps, and what goes with them.
type batches struct {
	rows    []int32
	classes []int32 // nil where no phase reads labels
	scalars []float32
}

// cut returns those of some of the steps.
func (b batches) cut(from, to, batch, width int) batches {
	b.scalars = b.scalars[from*width : to*width]
	from, to = from*batch, min(to*batch, len(b.rows))
	b.rows = b.rows[from:to]
	if b.classes != nil {
		b.classes = b.classes[from:to]
	}
	return b
}

// runSteps sends the rows and scalars of some steps and queues them, in as few
// graphs as there are sizes for.
func (m *Machine) runSteps(ctx context.Context, s *set, b batches) error {
	q, batch, rows := m.queue, m.program.Batch, b.rows
	count := (len(rows) + batch - 1) / batch
	if q.pending+count > q.steps {
		if err := m.drain(); err != nil {
			return err
		}
	}
	from, numbers, units := s.ptr, rows, q.units(count)
	if !s.kept {
		from, numbers = m.staging.ptr, m.staged(units, len(rows))
	}
	for _, n := range units {
		if err := m.record(n, from); err != nil {
			return err
		}
	}
	if err := m.send(numbers, b); err != nil {
		return err
	}
	done := 0
	for unit, n := range units {
		if err := ctx.Err(); err != nil {
			return err
		}
		half := unit % 2
		if err := m.gpu.SyncEvent(m.done[half]); err != nil { // so as to be two graphs ahead of the device, no more
			return err
		}
		if !s.kept {
			if err := m.fill(half, s, rows[done*batch:min((done+n)*batch, len(rows))]); err != nil {
				return err
			}
		}
		if err := m.replay(m.records[n]); err != nil {
			return err
		}
		if err := m.gpu.RecordEvent(m.done[half], m.gpu.Stream); err != nil {
			return err
		}
		done += n
		m.step += int64(n)
		q.pending += n
	}
	return nil
}

// units returns how many of some steps are launched at once, one time after
// the other: the largest graphs first, then halves of them, so that what is
// left at the end of an epoch takes few launches too.
func (q *queue) units(count int) []int {
	var units []int
	for n := q.graph; n > 0; n /= 2 {
		for ; count >= n; count -= n {
			units = append(units, n)
		}
	}
	return units
}

// powerOfTwo returns the largest power of two up to n, at least 1.
func powerOfTwo(n int) int { return 1 << (bits.Len(uint(max(1, n))) - 1) }

// staged returns where fill puts each row: unit after unit, in one half of the
// staging memory and the other.
func (m *Machine) staged(units []int, rows int) []int32 {
	numbers := make([]int32, 0, rows)
	for unit, n := range units {
		for i := range min(n*m.program.Batch, rows-len(numbers)) {
			numbers = append(numbers, int32(unit%2*m.staging.rows+i))
		}
	}
	return numbers
}

// send tells the device about steps behind those whose losses are pending, and
// where the images of their rows lie.
func (m *Machine) send(numbers []int32, b batches) error {
	q, batch := m.queue, m.program.Batch
	if err := gpu.Upload(m.gpu, q.at(q.rows, q.pending*batch), numbers); err != nil {
		return err
	}
	if m.train.readsRowNumbers() {
		if err := gpu.Upload(m.gpu, q.at(q.originals, q.pending*batch), b.rows); err != nil {
			return err
		}
	}
	if err := gpu.Upload(m.gpu, q.at(q.classes, q.pending*batch), b.classes); err != nil {
		return err
	}
	if err := gpu.Upload(m.gpu, q.at(q.scalars, q.pending*q.width), b.scalars); err != nil {
		return err
	}
	first := uint32(m.step - int64(q.pending))
	run := kernels.RunBlock(uint32(q.pending), uint32(q.pending*batch+len(numbers)), uint32(batch), first)
	return gpu.Upload(m.gpu, q.at(q.run, 0), run[:])
}

// drain brings the pending losses home.
func (m *Machine) drain() error {
	q := m.queue
	if q.pending == 0 {
		return nil
	}
	losses := make([]float32, q.pending*q.terms)
	if err := gpu.Download(m.gpu, losses, q.at(q.losses, 0)); err != nil {
		return err
	}
	m.losses = append(m.losses, losses...)
	q.pending = 0
	return nil
}

// Losses returns the loss terms of the steps since the last call. It waits for
// them.
func (m *Machine) Losses() ([]float32, error) {
	if err := m.gpu.Do("losses", m.drain); err != nil {
		return nil, err
	}
	losses := m.losses
	m.losses = nil
	return losses, nil
}
