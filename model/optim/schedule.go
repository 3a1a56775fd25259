package optim

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// The schedules: what the learning rate is multiplied by in a step.
const (
	// Constant leaves it as it is.
	Constant = "constant"
	// Cosine takes it to zero over all steps of training, on half a wave, as
	// Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm
	// Restarts" (2017), without a restart: (1 + cos(π·t/Steps))/2.
	Cosine = "cosine"
)

// Schedule changes the learning rate from step to step.
type Schedule struct {
	Kind  string // "" is Constant
	Steps int64  // of all training, where the kind goes by them
}

// schedule is one way to change it.
type schedule struct {
	name   string
	steps  bool // it goes by the number of all steps
	factor func(s Schedule, t float64) float64
}

// schedules are all of them.
var schedules = []schedule{
	{name: Constant, factor: func(Schedule, float64) float64 { return 1 }},
	{name: Cosine, steps: true, factor: func(s Schedule, t float64) float64 {
		return (1 + math.Cos(math.Pi*min(1, t/float64(s.Steps)))) / 2
	}},
}

// Schedules returns the names of all schedules.
func Schedules() []string {
	var list []string
	for _, s := range schedules {
		list = append(list, s.name)
	}
	return list
}

// find returns a schedule's own.
func (s Schedule) find() (schedule, bool) {
	if s.Kind == "" {
		return schedules[0], true
	}
	i := slices.IndexFunc(schedules, func(a schedule) bool { return a.name == s.Kind })
	if i < 0 {
		return schedule{}, false
	}
	return schedules[i], true
}

// BySteps says that a schedule needs to know how many steps training has.
func (s Schedule) BySteps() bool {
	own, _ := s.find()
	return own.steps
}

// Validate says what is wrong with a schedule. That Steps are known, only
// [Spec.Validate] asks for.
func (s Schedule) Validate() error {
	if _, ok := s.find(); !ok {
		return fmt.Errorf("optim: unknown schedule %q; want %s", s.Kind, strings.Join(Schedules(), " or "))
	}
	return nil
}

// Factor is what the learning rate of a step, counted from 0, is multiplied by;
// NaN for an unknown kind.
func (s Schedule) Factor(step int64) float64 {
	own, ok := s.find()
	if !ok {
		return math.NaN()
	}
	return own.factor(s, float64(step))
}

// Rate is the learning rate of a step, counted from 0.
func (s Spec) Rate(step int64) float64 { return s.LR * s.Schedule.Factor(step) }
