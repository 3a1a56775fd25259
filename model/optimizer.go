package model

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"aegis/model/optim"
)

// optimizer is that of every phase. Where nobody has checked the spec, its
// schedule may be none.
func (s Spec) optimizer() optim.Spec {
	o := optim.Default(s.Optimizer, s.LR)
	o.WeightDecay, o.Momentum, o.Nesterov = s.WeightDecay, s.Momentum, s.Nesterov
	o.Beta1, o.Beta2 = cmp.Or(s.Beta1, o.Beta1), cmp.Or(s.Beta2, o.Beta2)
	o.Epsilon, o.Smoothing = cmp.Or(s.Epsilon, o.Epsilon), cmp.Or(s.RMSpropAlpha, o.Smoothing)
	o.Schedule, _ = optim.ParseSchedule(s.Schedule)
	o.Schedule.Warmup = int64(s.Warmup)
	o.Schedule.Epoch = int64(s.epochSteps())
	o.Schedule.Steps = int64(cmp.Or(s.ScheduleEpochs, s.Epochs)) * o.Schedule.Epoch
	return o
}

// checkOptimizer says what is wrong with the optimizer and its schedule.
func (s Spec) checkOptimizer() error {
	if _, err := optim.ParseSchedule(s.Schedule); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	o := s.optimizer()
	switch {
	case s.ScheduleEpochs < 0:
		return fmt.Errorf("model: %d schedule epochs; want at least 1, or 0 for all", s.ScheduleEpochs)
	case s.ScheduleEpochs > 0 && !o.Schedule.BySteps():
		return fmt.Errorf("model: %d schedule epochs with schedule %s, which does not go by how long training is; want 0", s.ScheduleEpochs, cmp.Or(s.Schedule, optim.Constant))
	case s.Rows == 0: // not known yet; see train
		o.Schedule.Steps, o.Schedule.Epoch = math.MaxInt64, 1
	}
	if err := o.Validate(); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	if err := s.clip().Validate(); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return nil
}

// clip is how gradients are clipped.
func (s Spec) clip() optim.Clip { return optim.Clip{Norm: s.ClipNorm, Value: s.ClipValue} }

// epochSteps is how many steps an epoch has, 0 where the rows are not known.
func (s Spec) epochSteps() int { return (s.Rows + s.Batch - 1) / max(1, s.Batch) }

// errNoRows says that what goes by epochs was asked for before the data.
func errNoRows(what string) error {
	return fmt.Errorf("model: %s goes by epochs, and how many rows one has is not known; it comes from the data", what)
}

// optimizerText is the optimizer with what is not usual about it.
func (s Spec) optimizerText() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s lr %g", s.Optimizer, s.LR)
	for _, n := range []struct {
		name  string
		value float64
	}{
		{"weight decay", s.WeightDecay},
		{"momentum", s.Momentum},
		{"beta1", s.Beta1},
		{"beta2", s.Beta2},
		{"epsilon", s.Epsilon},
		{"alpha", s.RMSpropAlpha},
	} {
		if n.value != 0 {
			fmt.Fprintf(&b, " %s %g", n.name, n.value)
		}
	}
	if s.Nesterov {
		b.WriteString(" nesterov")
	}
	if s.Warmup > 0 {
		fmt.Fprintf(&b, " warm-up %d", s.Warmup)
	}
	if s.Schedule != "" && s.Schedule != optim.Constant {
		b.WriteString(" " + s.Schedule)
	}
	if clip := s.clip(); clip.On() {
		fmt.Fprintf(&b, ", clips %v", clip)
	}
	if s.EMA > 0 {
		fmt.Fprintf(&b, ", averages of decay %g", s.EMA)
	}
	return b.String()
}
