package analysis

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/optimize"
)

// Probe is a multinomial logistic regression on standardised columns: how well
// the classes of rows can be told by a linear function of their values.
type Probe struct {
	Classes   []int32   // (k): the distinct labels, rising
	Mean      []float64 // (p)
	Deviation []float64 // (p): of n; 1 where a column never changes
	Weights   []float64 // (k, p)
	Biases    []float64 // (k)
	// Converged says whether the gradient vanished within the iterations.
	Converged bool
}

// ProbeOptions is how [FitProbe] fits.
type ProbeOptions struct {
	L2         float64 // the loss is the mean cross-entropy plus L2/2·|weights|²; 0 is 1e-4
	Iterations int     // of L-BFGS at most; 0 is 200
}

// FitProbe fits a probe by L-BFGS from zero, with no random numbers. labels is
// the class of each row; there are two classes at least.
func FitProbe(ctx context.Context, rows Matrix, labels []int32, o ProbeOptions) (*Probe, error) {
	if err := rows.check("probe"); err != nil {
		return nil, err
	}
	distinct := slices.Clone(labels)
	slices.Sort(distinct)
	distinct = slices.Clone(slices.Compact(distinct))
	if len(labels) != rows.Rows || len(distinct) < 2 {
		return nil, fmt.Errorf("analysis: probe: want a label for each of %d rows and two classes at least, got %d labels of %d classes", rows.Rows, len(labels), len(distinct))
	}
	if o.L2 == 0 {
		o.L2 = 1e-4
	}
	if o.Iterations == 0 {
		o.Iterations = 200
	}
	pool, err := newPool()
	if err != nil {
		return nil, err
	}
	p := &Probe{Classes: distinct}
	p.Mean, p.Deviation = standardise(rows)
	f := &probeFit{ctx: ctx, pool: pool, rows: rows, probe: p, l2: o.L2, classes: make([]int, len(labels))}
	for i, l := range labels {
		f.classes[i], _ = slices.BinarySearch(distinct, l)
	}
	if err := f.run(o.Iterations); err != nil {
		return nil, err
	}
	return p, nil
}

// standardise returns the mean and the standard deviation of each column.
func standardise(m Matrix) (mean, deviation []float64) {
	mean, deviation = make([]float64, m.Cols), make([]float64, m.Cols)
	for i := range m.Rows {
		for j, v := range m.Row(i) {
			mean[j] += float64(v) / float64(m.Rows)
		}
	}
	for i := range m.Rows {
		for j, v := range m.Row(i) {
			d := float64(v) - mean[j]
			deviation[j] += d * d
		}
	}
	for j, v := range deviation {
		deviation[j] = math.Sqrt(v / float64(m.Rows))
		if !(deviation[j] > 1e-12*math.Abs(mean[j])) {
			deviation[j] = 1
		}
	}
	return mean, deviation
}

// probeFit is the loss of a probe as a function of its parameters: the weights
// (k,p) and then the biases (k).
type probeFit struct {
	ctx      context.Context // ends the optimizer, which knows no context
	pool     *pool
	rows     Matrix
	classes  []int // (n)
	probe    *Probe
	l2       float64
	at       []float64 // where loss and gradient are known
	loss     float64
	gradient []float64
}

func (f *probeFit) run(iterations int) error {
	k, p := len(f.probe.Classes), f.rows.Cols
	problem := optimize.Problem{
		Func: func(x []float64) float64 { f.evaluate(x); return f.loss },
		Grad: func(dst, x []float64) { f.evaluate(x); copy(dst, f.gradient) },
		Status: func() (optimize.Status, error) {
			if err := f.ctx.Err(); err != nil {
				return optimize.Failure, err
			}
			return optimize.NotTerminated, nil
		},
	}
	settings := &optimize.Settings{GradientThreshold: 1e-5, MajorIterations: iterations, Converger: optimize.NeverTerminate{}}
	result, err := optimize.Minimize(problem, make([]float64, k*p+k), settings, &optimize.LBFGS{Store: 10})
	if ended := f.ctx.Err(); ended != nil {
		return ended
	}
	if result == nil || notFinite64(result.X) {
		return fmt.Errorf("analysis: probe: the loss could not be minimised: %w", err)
	}
	// Where rounding leaves the line search nothing to gain it fails: what it
	// has is the minimum but for rounding.
	f.evaluate(result.X)
	f.probe.Weights, f.probe.Biases = slices.Clone(result.X[:k*p]), slices.Clone(result.X[k*p:])
	f.probe.Converged = largest(f.gradient) < 1e-4
	return nil
}

func notFinite64(values []float64) bool {
	return slices.ContainsFunc(values, func(v float64) bool { return v-v != 0 })
}

func largest(values []float64) (most float64) {
	for _, v := range values {
		most = max(most, math.Abs(v))
	}
	return most
}

// evaluate makes the loss and its gradient at x, unless they are known.
func (f *probeFit) evaluate(x []float64) {
	if slices.Equal(f.at, x) {
		return
	}
	k, p, n := len(f.probe.Classes), f.rows.Cols, float64(f.rows.Rows)
	losses := make([]float64, chunks)
	parts := make([]float64, chunks*len(x))
	// A context that ends is seen by the optimizer's Status.
	_ = f.pool.each(f.ctx, chunks, func(_ *worker, task int) {
		gradient := parts[task*len(x) : (task+1)*len(x)]
		logits, row := make([]float64, k), make([]float64, p)
		from, to := chunk(f.rows.Rows, task)
		for i := from; i < to; i++ {
			f.probe.standard(row, f.rows.Row(i))
			linear(logits, row, x[:k*p], x[k*p:])
			losses[task] -= softmax(logits, f.classes[i])
			logits[f.classes[i]]--
			for c, d := range logits {
				dst := gradient[c*p : (c+1)*p]
				for j, v := range row {
					dst[j] += d * v
				}
				gradient[k*p+c] += d
			}
		}
	})
	f.at = append(f.at[:0], x...)
	f.loss = sum(losses) / n
	f.gradient = make([]float64, len(x))
	for i := range f.gradient {
		for task := range chunks {
			f.gradient[i] += parts[task*len(x)+i] / n
		}
		if i < k*p {
			f.gradient[i] += f.l2 * x[i]
			f.loss += f.l2 / 2 * x[i] * x[i]
		}
	}
}

// standard writes a standardised row into dst.
func (p *Probe) standard(dst []float64, row []float32) {
	for j, v := range row {
		dst[j] = (float64(v) - p.Mean[j]) / p.Deviation[j]
	}
}

// linear writes weights (k,p) times a row plus biases (k).
func linear(dst, row, weights, biases []float64) {
	for c := range dst {
		sum := biases[c]
		for j, v := range weights[c*len(row) : (c+1)*len(row)] {
			sum += v * row[j]
		}
		dst[c] = sum
	}
}

// softmax makes probabilities of logits in place and returns the logarithm of
// that of one class.
func softmax(logits []float64, class int) float64 {
	most := slices.Max(logits)
	own := logits[class] - most
	var total float64
	for c, v := range logits {
		logits[c] = math.Exp(v - most)
		total += logits[c]
	}
	for c := range logits {
		logits[c] /= total
	}
	return own - math.Log(total)
}

// Probabilities returns the probability of each class for each row, (n, k).
func (p *Probe) Probabilities(rows Matrix) ([]float64, error) {
	if err := rows.check("probe"); err != nil {
		return nil, err
	}
	if rows.Cols != len(p.Mean) {
		return nil, fmt.Errorf("analysis: probe: want rows of %d values, got %d", len(p.Mean), rows.Cols)
	}
	k := len(p.Classes)
	all, row := make([]float64, rows.Rows*k), make([]float64, rows.Cols)
	for i := range rows.Rows {
		p.standard(row, rows.Row(i))
		linear(all[i*k:(i+1)*k], row, p.Weights, p.Biases)
		softmax(all[i*k:(i+1)*k], 0)
	}
	return all, nil
}

// Predict returns the most probable class of each row.
func (p *Probe) Predict(rows Matrix) ([]int32, error) {
	all, err := p.Probabilities(rows)
	if err != nil {
		return nil, err
	}
	k := len(p.Classes)
	classes := make([]int32, rows.Rows)
	for i := range classes {
		most := 0
		for c, v := range all[i*k : (i+1)*k] {
			if v > all[i*k+most] {
				most = c
			}
		}
		classes[i] = p.Classes[most]
	}
	return classes, nil
}
