package optim

import (
	"math"
	"testing"
)

// Rates of torch.optim.lr_scheduler.CosineAnnealingLR with T_max 7 from 0.01 on,
// stepped behind each step.
var cosine7 = []float64{0.01, 0.009504844339512096, 0.008117449009293669, 0.006112604669781573, 0.003887395330218429, 0.001882550990706333, 0.0004951556604879048, 0}

func TestSchedule(t *testing.T) {
	s := Default(Adam, 0.01)
	for _, kind := range []string{"", Constant} {
		if s.Schedule.Kind = kind; s.Rate(0) != 0.01 || s.Rate(1e6) != 0.01 {
			t.Errorf("%q: rates %v and %v, want 0.01", kind, s.Rate(0), s.Rate(1e6))
		}
	}
	s.Schedule = Schedule{Kind: Cosine, Steps: 7}
	for step, want := range append(cosine7, 0) { // it stays at zero
		if got := s.Rate(int64(step)); math.Abs(got-want) > 1e-17 {
			t.Errorf("step %d: rate %v, want %v", step, got, want)
		}
	}
	if x := s.Scalars(2, s.Rate(2)); math.Abs(float64(x[0])/float64(s.Scalars(2, s.LR)[0])-cosine7[2]/0.01) > 1e-6 {
		t.Errorf("the numbers of a step are %v", x)
	}
	s.Schedule.Kind = "sawtooth"
	if f := s.Schedule.Factor(0); f == f {
		t.Errorf("factor %v of an unknown schedule, want NaN", f)
	}
}
