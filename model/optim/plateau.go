package optim

import "math"

// Plateau is where a schedule on a plateau stands, as PyTorch's
// ReduceLROnPlateau: after more than Patience epochs without a better loss the
// rate is multiplied by Gamma, and counting begins anew. A loss is better that is
// below the best one by a ten-thousandth of it. The rate may become as small as
// it likes.
//
// Its exported fields but the schedule are all that a run needs to go on.
type Plateau struct {
	Schedule Schedule `json:"-"`

	Best   float64 `json:"best"`   // the least loss so far
	Bad    int     `json:"bad"`    // epochs since then, or since the rate fell
	Factor float64 `json:"factor"` // what the rate is multiplied by now
}

// NewPlateau returns the state before the first epoch, of a schedule whose kind
// is OnPlateau; nil for another.
func NewPlateau(s Schedule) *Plateau {
	if s.Kind != OnPlateau {
		return nil
	}
	return &Plateau{Schedule: s, Best: math.MaxFloat64, Factor: 1}
}

// Observe takes the validation loss of an epoch after which so many steps are
// done. Epochs that end in the warm-up are not counted.
func (p *Plateau) Observe(steps int64, loss float64) {
	const threshold = 1e-4
	switch {
	case steps < p.Schedule.Warmup:
	case loss < p.Best*(1-threshold):
		p.Best, p.Bad = loss, 0
	case p.Bad >= p.Schedule.Patience:
		p.Factor, p.Bad = p.Factor*p.Schedule.Gamma, 0
	default:
		p.Bad++
	}
}
