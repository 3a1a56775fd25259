//go:build !cpu

package cuda

import (
	"aegis/internal/plan"
	"aegis/model/program"
)

// Tuning is what only tests choose: steps in a queue and in a graph.
type Tuning struct {
	Queue, Graph    int
	SeparateUpdates bool // gradients are buffers
}

// OpenTuned is Open with other choices.
func OpenTuned(p *program.Program, seed uint64, opt Options, t Tuning) (*Machine, error) {
	internal := tuning{queueSteps: t.Queue, graphSteps: t.Graph, plan: PlanOptions()}
	if t.SeparateUpdates {
		internal.plan = plan.Options{}
	}
	return open(p, seed, opt, internal)
}
