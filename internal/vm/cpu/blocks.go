package cpu

import (
	"fmt"

	"aegis/internal/plan"
)

// blockRows is how many rows of a convolutional network a worker takes through
// tasks together, a divisor of chunkRows.
const blockRows = 8

// together returns how many tasks from the first one on take rows through in
// blocks: one that is dense, or all up to the next one.
func together(tasks []rowTask) int {
	n := 1
	for !tasks[0].dense && n < len(tasks) && !tasks[n].dense {
		n++
	}
	return n
}

// makeLocal gives buffers of a convolutional network that are written and read
// within one block memory of a block's size: it stays in the cache, where a
// buffer for the whole batch goes through it once. Other networks have nothing
// but dense tasks worth speaking of.
func (e *exec) makeLocal() error {
	for _, w := range e.workers {
		w.local = make([][]float32, len(e.buffers))
	}
	if !convolutional(e.plan) {
		return nil
	}
	e.block = blockRows
	for buffer, group := range e.groups() {
		if group < 0 || buffer != e.plan.Root(buffer) {
			continue
		}
		for _, w := range e.workers {
			local, err := e.machine.memory.Floats(e.block * e.sizes[buffer])
			if err != nil {
				return fmt.Errorf("cpu: a block of rows: %w", err)
			}
			w.local[buffer] = local
		}
	}
	for buffer := range e.buffers {
		for _, w := range e.workers {
			w.local[buffer] = w.local[e.plan.Root(buffer)] // of views
		}
	}
	return nil
}

func convolutional(p *plan.Plan) bool {
	for _, ph := range p.Phases {
		for _, in := range ph.Gradients {
			if in.Op == plan.Conv2d || in.Op == plan.ConvTranspose2d {
				return true
			}
		}
	}
	return false
}

// groups finds for each buffer the one group of tasks that reads and writes its
// rows. One of several groups, or that is used otherwise, gets -1.
func (e *exec) groups() map[int]int {
	found := make(map[int]int)
	next := 0
	use := func(buffers []int, group int) {
		for _, b := range buffers {
			b = e.plan.Root(b)
			if g, ok := found[b]; ok && g != group || e.plan.Buffers[b].Kind != plan.Temp {
				found[b] = -1
			} else {
				found[b] = group
			}
		}
	}
	for _, ph := range e.phases {
		for _, s := range ph.stages {
			for tasks := s.rows; len(tasks) > 0; tasks = tasks[together(tasks):] {
				next++
				group := next
				if tasks[0].dense {
					group = -1
				}
				for _, task := range tasks[:together(tasks)] {
					use(task.reads, group)
					use(task.writes, group)
				}
			}
			use(s.reads, -1)
		}
		for _, out := range ph.outputs {
			use([]int{out.Buffer}, -1)
		}
	}
	return found
}
