package infer

import (
	"context"
	"fmt"
	"math"

	"aegis/data"
	"aegis/model/program"
)

// LogLikelihood estimates the logarithm of each row's likelihood, in nats, by
// importance sampling: with codes z drawn from what the encoder says of the row,
//
//	log 1/S·Σₛ p(x|zₛ)·p(zₛ)/q(zₛ|x)
//
// of S samples (Burda et al. 2016). It lies below the likelihood, the nearer the
// more samples there are; with one it is the bound that training raises. Sums are
// float64. The noise of sample s and row i is that of the seed, of purpose
// "noise/loglikelihood", step s and row i. A model that was trained on values drawn as
// 0 or 1 draws those of rows under the seed, as a run of that seed draws its test
// set.
func (m *Model) LogLikelihood(ctx context.Context, rows data.Rows, samples int, seed uint64, labels ...byte) ([]float64, error) {
	if err := m.opened().enter(ctx); err != nil {
		return nil, err
	}
	defer m.network.calls.Done()
	if !m.spec.Variational() {
		return nil, fmt.Errorf("aegis: log-likelihood of %s, which has none; want a variational model, such as vae", m.spec.Model)
	}
	if samples < 1 || samples > math.MaxInt32 {
		return nil, fmt.Errorf("aegis: log-likelihood of %d samples; want 1 to %d", samples, math.MaxInt32)
	}
	if err := m.check(rows); err != nil {
		return nil, err
	}
	classes, err := m.classes(labels, rows.N)
	if err != nil {
		return nil, err
	}
	estimates := make([]float64, 0, rows.N)
	n := max(1, batchValues/rows.Size())
	for from := 0; from < rows.N; from += n {
		to := min(from+n, rows.N)
		w := weighing{
			model: m, samples: samples, first: from, values: m.Values(rows, from, to), classes: some(classes, from, to),
			noise: program.Input{Kind: program.InputNormal, Purpose: "loglikelihood"}.Noise(seed, "", true),
		}
		w.draw(seed)
		if err := w.run(ctx, n); err != nil {
			return nil, err
		}
		for _, sum := range w.sums {
			estimates = append(estimates, sum.log()-math.Log(float64(samples)))
		}
	}
	return estimates, nil
}

// weighing is the estimate of some rows.
type weighing struct {
	model   *Model
	samples int
	noise   program.Noise
	first   int       // number of the first row
	values  []float32 // (n,P)
	classes []int32   // (n), nil where none are read
	mu, lv  []float32 // (n,Z): of the codes' distributions
	sums    []logSum  // of the rows' weights
}

// draw draws the values as 0 or 1, where the model was trained on such.
func (w *weighing) draw(seed uint64) {
	if w.model.spec.Binarize == "" {
		return
	}
	p := w.model.network.program.PixelCount()
	for i := range len(w.values) / p {
		row := w.values[i*p:][:p]
		w.model.spec.Binarized(row, row, seed, "test", w.first+i)
	}
}

// run decodes the samples of all rows, so many at a time.
func (w *weighing) run(ctx context.Context, atOnce int) (err error) {
	network, z := w.model.network, w.model.spec.Latent
	in := program.Feed{Values: w.values, Labels: w.classes}
	if w.mu, err = network.run(ctx, program.Encode, in); err != nil {
		return err
	}
	if w.lv, err = network.run(ctx, program.LogVar, in); err != nil {
		return err
	}
	w.sums = make([]logSum, len(w.mu)/z)
	part := program.Decode
	if w.model.spec.Probabilities() {
		part = program.DecodeLogits
	}
	codes, weights := make([]float32, atOnce*z), make([]float64, atOnce)
	var classes []int32
	for from, all := 0, len(w.sums)*w.samples; from < all; from += atOnce {
		n := min(atOnce, all-from)
		classes = classes[:0]
		for i := range n {
			row := (from + i) / w.samples
			weights[i] = w.sample(codes[i*z:][:z], row, (from+i)%w.samples)
			if w.classes != nil {
				classes = append(classes, w.classes[row])
			}
		}
		decoded, err := network.run(ctx, part, program.Feed{Values: codes[:n*z], Labels: classes})
		if err != nil {
			return err
		}
		p := len(decoded) / n
		for i := range n {
			row := (from + i) / w.samples
			w.sums[row].add(weights[i] - w.model.loss(decoded[i*p:][:p], w.values[row*p:][:p]))
		}
	}
	return nil
}

// sample draws a row's code and returns log p(z)/q(z|x).
func (w *weighing) sample(code []float32, row, number int) (weight float64) {
	z := len(code)
	w.noise.Draw(code, int64(number), w.first+row)
	for i, noise := range code {
		mu, lv, e := float64(w.mu[row*z+i]), float64(w.lv[row*z+i]), float64(noise)
		drawn := mu + math.Exp(lv/2)*e
		code[i] = float32(drawn)
		weight += (e*e + lv - drawn*drawn) / 2
	}
	return weight
}

// logSum is a sum of numbers that are given as logarithms.
type logSum struct {
	most, sum float64 // the sum is e^most·sum
	any       bool
}

func (s *logSum) add(v float64) {
	switch {
	case math.IsInf(v, -1): // of 0
	case !s.any:
		*s = logSum{most: v, sum: 1, any: true}
	case v > s.most:
		s.sum = s.sum*math.Exp(s.most-v) + 1
		s.most = v
	default:
		s.sum += math.Exp(v - s.most)
	}
}

func (s logSum) log() float64 { return s.most + math.Log(s.sum) }
