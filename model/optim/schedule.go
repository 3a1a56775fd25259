package optim

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The schedules: what the learning rate is multiplied by in a step.
const (
	// Constant leaves it as it is.
	Constant = "constant"
	// StepDecay multiplies it by Gamma after every Every epochs.
	StepDecay = "step"
	// Cosine takes it to Floor over all steps of training, on half a wave, as
	// Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm
	// Restarts" (2017), without a restart: (1 + cos(π·t/Steps))/2.
	Cosine = "cosine"
	// Linear takes it to Floor over all steps of training, on a line.
	Linear = "linear"
	// OnPlateau multiplies it by Gamma where the validation loss has stopped
	// falling. That is no matter of steps: see [Plateau].
	OnPlateau = "plateau"
)

// Schedule changes the learning rate from step to step.
//
// Each begins after Warmup steps, in which the rate grows on a line up to its
// full height; those that go by the number of all steps end with them.
type Schedule struct {
	Kind   string // "" is Constant
	Steps  int64  // of all training, warm-up included, where the kind goes by them
	Epoch  int64  // steps of an epoch, where Every is not 0
	Warmup int64  // in step t, from 0, the rate is its (t+1)/Warmup; 0: none

	Every    float64 // StepDecay: epochs, rounded to whole steps; 0: a third of all
	Gamma    float64 // StepDecay and OnPlateau: above 0 and below 1
	Floor    float64 // Cosine and Linear: the share that is left at the end, in [0, 1)
	Patience int     // OnPlateau: epochs without a better loss that change nothing
}

// schedule is one way to change it.
type schedule struct {
	name  string
	form  string // how it is written
	parse func(s *Schedule, numbers []string) error
	// factor is that of step t, counted from the end of the warm-up, where steps
	// are left.
	factor func(s Schedule, t, steps float64) float64
}

// schedules are all of them.
var schedules = []schedule{
	{name: Constant, form: "constant", parse: parseNone, factor: one},
	{name: StepDecay, form: "step[:EPOCHS:FACTOR], such as step:10:0.1", parse: parseStep, factor: func(s Schedule, t, steps float64) float64 {
		return math.Pow(s.Gamma, math.Floor(t/s.interval(steps)))
	}},
	{name: Cosine, form: "cosine[:FLOOR], such as cosine:0.01", parse: parseFloor, factor: func(s Schedule, t, steps float64) float64 {
		return s.Floor + (1-s.Floor)*(1+math.Cos(math.Pi*min(1, t/steps)))/2
	}},
	{name: Linear, form: "linear[:FLOOR], such as linear:0.01", parse: parseFloor, factor: func(s Schedule, t, steps float64) float64 {
		return s.Floor + (1-s.Floor)*(1-min(1, t/steps))
	}},
	{name: OnPlateau, form: "plateau[:PATIENCE[:FACTOR]], such as plateau:10:0.1", parse: parsePlateau, factor: one},
}

func one(Schedule, float64, float64) float64 { return 1 }

// interval is how many steps a rate of StepDecay holds.
func (s Schedule) interval(steps float64) float64 {
	if s.Every == 0 {
		return max(1, math.Ceil(steps/3))
	}
	return max(1, math.Round(s.Every*float64(s.Epoch)))
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

// ParseSchedule reads a schedule: its name, with its numbers behind colons.
//
//	constant
//	step[:EPOCHS:FACTOR]          a third of training, 0.1
//	cosine[:FLOOR]                0
//	linear[:FLOOR]                0
//	plateau[:PATIENCE[:FACTOR]]   10, 0.1
func ParseSchedule(text string) (Schedule, error) {
	name, rest, more := strings.Cut(text, ":")
	s := Schedule{Kind: name}
	own, ok := s.find()
	if !ok {
		return s, s.Validate()
	}
	var numbers []string
	if more {
		numbers = strings.Split(rest, ":")
	}
	err := own.parse(&s, numbers)
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return s, fmt.Errorf("optim: schedule %q: %w; want %s", text, err, own.form)
	}
	return s, nil
}

// errNumbers says that a schedule has other numbers than it takes.
var errNumbers = errors.New("too few or too many numbers")

// read reads numbers into values, of which the last ones may be left out.
func read(numbers []string, values ...*float64) error {
	if len(numbers) > len(values) {
		return errNumbers
	}
	for i, text := range numbers {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("%q is no number", text)
		}
		*values[i] = v
	}
	return nil
}

func parseNone(_ *Schedule, numbers []string) error { return read(numbers) }

func parseFloor(s *Schedule, numbers []string) error { return read(numbers, &s.Floor) }

func parseStep(s *Schedule, numbers []string) error {
	s.Gamma = 0.1
	if len(numbers) == 1 {
		return errNumbers
	}
	if err := read(numbers, &s.Every, &s.Gamma); err != nil {
		return err
	}
	if len(numbers) > 0 && s.Every == 0 {
		return errors.New("0 epochs")
	}
	return nil
}

func parsePlateau(s *Schedule, numbers []string) error {
	s.Gamma = 0.1
	patience := 10.0
	if err := read(numbers, &patience, &s.Gamma); err != nil {
		return err
	}
	if !(patience >= 0 && patience < 1e9 && patience == math.Trunc(patience)) {
		return fmt.Errorf("patience %v is no number of epochs", patience)
	}
	s.Patience = int(patience)
	return nil
}

// BySteps says that a schedule needs to know how many steps training has.
func (s Schedule) BySteps() bool {
	return s.Kind == Cosine || s.Kind == Linear || s.Kind == StepDecay && s.Every == 0
}

// ByEpochs says that a schedule needs to know how many steps an epoch has.
func (s Schedule) ByEpochs() bool { return s.BySteps() || s.Every != 0 }

// Validate says what is wrong with a schedule. That Steps and Epoch are known,
// only [Spec.Validate] asks for.
func (s Schedule) Validate() error {
	if _, ok := s.find(); !ok {
		return fmt.Errorf("optim: unknown schedule %q; want one of %s", s.Kind, strings.Join(Schedules(), ", "))
	}
	if err := s.check(); err != nil {
		return fmt.Errorf("optim: schedule %s: %w", cmp.Or(s.Kind, Constant), err)
	}
	return nil
}

// check says which number of a schedule is out of range.
func (s Schedule) check() error {
	switch {
	case s.Warmup < 0:
		return fmt.Errorf("warm-up of %d steps; want at least 0", s.Warmup)
	case !(s.Every >= 0 && s.Every < 1e9):
		return fmt.Errorf("%v epochs; want a number above 0", s.Every)
	case !(s.Floor >= 0 && s.Floor < 1):
		return fmt.Errorf("floor %v; want a share in [0, 1)", s.Floor)
	case s.Patience < 0:
		return fmt.Errorf("patience %d; want at least 0", s.Patience)
	case (s.Kind == StepDecay || s.Kind == OnPlateau) && !(s.Gamma > 0 && s.Gamma < 1):
		return fmt.Errorf("factor %v; want a number above 0 and below 1", s.Gamma)
	}
	return nil
}

// checkSteps says why a schedule cannot go by the steps that it was given.
func (s Schedule) checkSteps() error {
	switch {
	case s.BySteps() && s.Steps < 1:
		return fmt.Errorf("optim: schedule %s over %d steps; want how many steps training has", s.Kind, s.Steps)
	case s.BySteps() && s.Warmup >= s.Steps:
		return fmt.Errorf("optim: warm-up of %d steps before schedule %s, and training has %d in all; want fewer", s.Warmup, s.Kind, s.Steps)
	case s.Every != 0 && s.Epoch < 1:
		return fmt.Errorf("optim: schedule %s by epochs of %d steps; want how many steps an epoch has", s.Kind, s.Epoch)
	}
	return nil
}

// Factor is what the learning rate of a step, counted from 0, is multiplied by;
// NaN for an unknown kind.
func (s Schedule) Factor(step int64) float64 {
	own, ok := s.find()
	switch {
	case !ok:
		return math.NaN()
	case step < s.Warmup:
		return float64(step+1) / float64(s.Warmup)
	}
	return own.factor(s, float64(step-s.Warmup), float64(s.Steps-s.Warmup))
}

// Rate is the learning rate of a step, counted from 0.
func (s Spec) Rate(step int64) float64 { return s.LR * s.Schedule.Factor(step) }
