package model

import (
	"fmt"
	"strings"

	"aegis/model/program"
)

// averagePrefix is before the name of a trained tensor in that of its average.
const averagePrefix = "ema."

// averageDecay names the decay of a step among the numbers of a program.
const averageDecay = "ema"

// AverageName is the name of a trained tensor's average, as it is in a state of
// training.
func AverageName(param string) string { return averagePrefix + param }

// checkEMA says what is wrong with the decay of averages.
func (s Spec) checkEMA() error {
	if !(s.EMA >= 0 && s.EMA < 1) {
		return fmt.Errorf("model: ema %v; want a decay between 0 and 1, such as 0.999, or 0 for no averages", s.EMA)
	}
	return nil
}

// averagesAt is the decay in a step, counted from 0: early ones are short, or the
// averages would long be near the parameters that training started from.
func (s Spec) averagesAt(step int64) float64 {
	t := float64(step)
	return min(s.EMA, (1+t)/(10+t))
}

// average is the shadow of a tensor that forward parts read. What is not trained
// is read as it is.
func average(p program.Param) program.Param {
	if p.Role == program.Trained {
		p.Of, p.DecayBy, p.Role = p.Name, averageDecay, program.Shadow
		p.Name = AverageName(p.Name)
	}
	return p
}

// addAverages gives a program's tensors their averages, but for a discriminator's,
// which only training reads, and has forward parts read those.
func (b *builder) addAverages(p *program.Program) {
	if b.spec.EMA == 0 {
		return
	}
	b.averages = true
	for _, param := range p.Params {
		if a := average(param); a.Role == program.Shadow && !strings.HasPrefix(param.Name, discriminator+".") {
			p.Params = append(p.Params, a)
		}
	}
	p.Scalars = append(p.Scalars, program.Scalar{Name: averageDecay, At: b.spec.averagesAt, Final: b.spec.EMA})
}
