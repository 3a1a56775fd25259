package optim

import "math"

// The algorithms, which are what VMs have kernels for: see [Spec.Algorithm].
const (
	AdamStep            = "adam"
	AdamDecayStep       = "adam-decay" // of both kinds of weight decay
	SGDStep             = "sgd"
	SGDDecayStep        = "sgd-decay"
	MomentumStep        = "momentum"
	MomentumDecayStep   = "momentum-decay" // with Nesterov's momentum, weight decay, or both
	RMSpropStep         = "rmsprop"
	RMSpropMomentumStep = "rmsprop-momentum"
)

// algorithm is one way to change parameters.
type algorithm struct {
	name    string
	slots   []string // arrays that it keeps for each parameter
	scalars []string // names of its numbers of a step

	// values returns the numbers of step t, counted from 1, at a learning rate.
	values func(s Spec, t, lr float64) []float64

	// update changes w and slots in place, x being the numbers of the step.
	update func(w, g []float32, slots [][]float32, x []float32)
}

// algorithm returns the spec's, an empty one for an unknown kind.
func (s Spec) algorithm() algorithm {
	name := s.Algorithm()
	for _, a := range algorithms {
		if a.name == name {
			return a
		}
	}
	return algorithm{}
}

// algorithms are all of them. Each product is converted before anything is added
// to it, which keeps the compiler from fusing the two on some machines and not on
// others: an update has the same bits on all of them.
var algorithms = []algorithm{
	{
		name: AdamStep, slots: []string{"m", "v"},
		scalars: []string{"alpha", "epsilon", "beta1", "1-beta1", "beta2", "1-beta2"},
		values: func(s Spec, t, lr float64) []float64 {
			alpha, epsilon := corrected(s, t, lr)
			return []float64{alpha, epsilon, s.Beta1, 1 - s.Beta1, s.Beta2, 1 - s.Beta2}
		},
		update: func(w, g []float32, slots [][]float32, x []float32) {
			m, v := slots[0], slots[1]
			alpha, epsilon, b1, c1, b2, c2 := x[0], x[1], x[2], x[3], x[4], x[5]
			for i, gi := range g {
				m[i] = float32(b1*m[i]) + float32(c1*gi)
				v[i] = float32(b2*v[i]) + float32(c2*gi*gi)
				w[i] -= alpha * m[i] / (root(v[i]) + epsilon)
			}
		},
	},
	{
		name: AdamDecayStep, slots: []string{"m", "v"},
		scalars: []string{"alpha", "epsilon", "keep", "beta1", "1-beta1", "beta2", "1-beta2", "decay"},
		values: func(s Spec, t, lr float64) []float64 {
			alpha, epsilon := corrected(s, t, lr)
			keep, decay := 1.0, s.WeightDecay
			if s.Kind == AdamW {
				keep, decay = 1-float64(lr*s.WeightDecay), 0
			}
			return []float64{alpha, epsilon, keep, s.Beta1, 1 - s.Beta1, s.Beta2, 1 - s.Beta2, decay}
		},
		update: func(w, g []float32, slots [][]float32, x []float32) {
			m, v := slots[0], slots[1]
			alpha, epsilon, keep, b1, c1, b2, c2, decay := x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]
			for i, gi := range g {
				d := gi + float32(decay*w[i])
				m[i] = float32(b1*m[i]) + float32(c1*d)
				v[i] = float32(b2*v[i]) + float32(c2*d*d)
				w[i] = float32(keep*w[i]) - alpha*m[i]/(root(v[i])+epsilon)
			}
		},
	},
	{
		name: SGDStep, scalars: []string{"lr"},
		values: func(_ Spec, _, lr float64) []float64 { return []float64{lr} },
		update: func(w, g []float32, _ [][]float32, x []float32) {
			for i, gi := range g {
				w[i] -= float32(x[0] * gi)
			}
		},
	},
	{
		name: SGDDecayStep, scalars: []string{"lr", "keep"},
		values: func(s Spec, _, lr float64) []float64 { return []float64{lr, 1 - float64(lr*s.WeightDecay)} },
		update: func(w, g []float32, _ [][]float32, x []float32) {
			for i, gi := range g {
				w[i] = float32(x[1]*w[i]) - float32(x[0]*gi)
			}
		},
	},
	{
		name: MomentumStep, slots: []string{"momentum"}, scalars: []string{"lr", "momentum"},
		values: func(s Spec, _, lr float64) []float64 { return []float64{lr, s.Momentum} },
		update: func(w, g []float32, slots [][]float32, x []float32) {
			u := slots[0]
			for i, gi := range g {
				u[i] = float32(x[1]*u[i]) + gi
				w[i] -= float32(x[0] * u[i])
			}
		},
	},
	{
		name: MomentumDecayStep, slots: []string{"momentum"}, scalars: []string{"ahead", "along", "momentum", "decay"},
		values: func(s Spec, _, lr float64) []float64 {
			ahead, along := 0.0, lr
			if s.Nesterov {
				ahead, along = lr, lr*s.Momentum
			}
			return []float64{ahead, along, s.Momentum, s.WeightDecay}
		},
		update: func(w, g []float32, slots [][]float32, x []float32) {
			u := slots[0]
			ahead, along, momentum, decay := x[0], x[1], x[2], x[3]
			for i, gi := range g {
				d := gi + float32(decay*w[i])
				u[i] = float32(momentum*u[i]) + d
				w[i] -= float32(ahead*d) + float32(along*u[i])
			}
		},
	},
	{
		name: RMSpropStep, slots: []string{"v"}, scalars: []string{"lr", "epsilon", "smoothing", "1-smoothing", "decay"},
		values: func(s Spec, _, lr float64) []float64 {
			return []float64{lr, s.Epsilon, s.Smoothing, 1 - s.Smoothing, s.WeightDecay}
		},
		update: func(w, g []float32, slots [][]float32, x []float32) {
			v := slots[0]
			lr, epsilon, b, c, decay := x[0], x[1], x[2], x[3], x[4]
			for i, gi := range g {
				d := gi + float32(decay*w[i])
				v[i] = float32(b*v[i]) + float32(c*d*d)
				w[i] -= lr * d / (root(v[i]) + epsilon)
			}
		},
	},
	{
		name: RMSpropMomentumStep, slots: []string{"v", "momentum"},
		scalars: []string{"lr", "epsilon", "smoothing", "1-smoothing", "decay", "momentum"},
		values: func(s Spec, _, lr float64) []float64 {
			return []float64{lr, s.Epsilon, s.Smoothing, 1 - s.Smoothing, s.WeightDecay, s.Momentum}
		},
		update: func(w, g []float32, slots [][]float32, x []float32) {
			v, u := slots[0], slots[1]
			lr, epsilon, b, c, decay, momentum := x[0], x[1], x[2], x[3], x[4], x[5]
			for i, gi := range g {
				d := gi + float32(decay*w[i])
				v[i] = float32(b*v[i]) + float32(c*d*d)
				u[i] = float32(momentum*u[i]) + d/(root(v[i])+epsilon)
				w[i] -= float32(lr * u[i])
			}
		},
	},
}

// corrected returns Adam's rate and epsilon in step t with both bias
// corrections.
func corrected(s Spec, t, lr float64) (alpha, epsilon float64) {
	root := math.Sqrt(1 - math.Pow(s.Beta2, t))
	return lr * root / (1 - math.Pow(s.Beta1, t)), s.Epsilon * root
}

func root(v float32) float32 { return float32(math.Sqrt(float64(v))) }
