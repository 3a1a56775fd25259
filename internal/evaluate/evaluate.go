// Package evaluate judges a model on rows that it was not trained on: how well
// it rebuilds them, beside principal components of as many values, and what its
// codes know of the rows' classes.
//
// Shapes: n rows, P values in a row, Z a code, K classes.
package evaluate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"aegis/data"
	"aegis/internal/analysis"
	"aegis/internal/infer"
)

// Options says what a model is judged by beside its reconstructions.
type Options struct {
	// Train is rows that the model was trained on: principal components are
	// fitted on them, and the neighbours and the probe have their classes. The
	// zero value: these are left out.
	Train data.Set
	// Likelihood is how many samples estimate the log-likelihood of a row of a
	// variational model (Burda, Grosse and Salakhutdinov 2016), of the first
	// LikelihoodRows rows; 0: it is left out.
	Likelihood, LikelihoodRows int
	Seed                       uint64
	// Progress hears what is done; it may be nil.
	Progress func(what string, done, of int)
}

// Errors of reconstructions. Of images pixels are from 0 to 1, of vectors values
// are as the network reads them, by default standardised.
type Errors struct {
	Rows int     `json:"rows"`
	MSE  float64 `json:"mse"`
	MAE  float64 `json:"mae"`
	// PSNR is 10·log₁₀(1/MSE), in decibels, and SSIM the mean structural
	// similarity (Wang et al. 2004); nil of vectors.
	PSNR *float64 `json:"psnr,omitempty"`
	SSIM *float64 `json:"ssim,omitempty"`
}

// Class is the errors of the rows of a class.
type Class struct {
	Class string `json:"class"`
	Errors
	// Neighbours is how often the class of these rows is found by the vote of the
	// ten nearest codes, nil where that is not asked.
	Neighbours *float64 `json:"neighbours,omitempty"`
}

// Result is how good a model is.
type Result struct {
	Errors
	Variance float64 `json:"variance_explained"` // 1 − MSE / that of always answering the rows' mean
	Classes  []Class `json:"classes,omitempty"`

	// PCA is the errors of as many principal components as a code has values.
	PCA *Errors `json:"pca,omitempty"`
	// Codes says how often a row's class is found by its code, and PCACodes by
	// its principal components.
	Codes    *Known `json:"codes,omitempty"`
	PCACodes *Known `json:"pca_codes,omitempty"`

	// LogLikelihood is the mean over rows, in nats.
	LogLikelihood *float64 `json:"log_likelihood,omitempty"`
	Samples       int      `json:"log_likelihood_samples,omitempty"`
	LikelihoodOf  int      `json:"log_likelihood_rows,omitempty"`
}

// Known is how often a class is found.
type Known struct {
	Neighbours float64 `json:"neighbours"` // by the vote of the ten nearest rows that were trained on
	Probe      float64 `json:"probe"`      // by logistic regression on the rows that were trained on
}

// neighbours is how many vote.
const neighbours = 10

// judge is an evaluation in progress.
type judge struct {
	model *infer.Model
	o     Options
	span  float64 // of pixels, 1 of vectors
	ssim  *analysis.SSIM

	all     sums
	classes map[byte]*sums
	mean    []float64 // sums of values, (P)
	square  float64   // sum of squares of values

	pca            *analysis.PCA
	pcaSums        sums
	codes, along   []float32 // of the rows, (n,Z): codes and principal components
	labels         []int32
	trained, lines []float32 // of the rows that were trained on, the same
	known          []int32   // their classes
}

// Run judges a model on rows.
func Run(ctx context.Context, m *infer.Model, rows data.Reader, o Options) (*Result, error) {
	j := &judge{model: m, o: o, span: 1, classes: make(map[byte]*sums)}
	if o.Progress == nil {
		j.o.Progress = func(string, int, int) {}
	}
	spec := m.Spec()
	if spec.Image[0] > 0 {
		lo, hi := m.Pixels()
		if hi > lo {
			j.span = float64(hi) - float64(lo)
		}
		var err error
		if j.ssim, err = analysis.NewSSIM(spec.Image[0], spec.Image[1], spec.Image[2], j.span); err != nil {
			return nil, fmt.Errorf("aegis: evaluate: %w", err)
		}
	}
	if err := j.fit(ctx); err != nil {
		return nil, err
	}
	likelihood, err := j.rows(ctx, rows)
	if err != nil {
		return nil, err
	}
	return j.result(ctx, likelihood)
}

// fit goes through the rows that were trained on: their codes, and the principal
// components.
func (j *judge) fit(ctx context.Context) (err error) {
	train := j.o.Train
	if train.Len() < 2 {
		return nil
	}
	spec, p := j.model.Spec(), train.Size()
	if spec.Latent >= p { // as many components are the rows themselves
		return j.encode(ctx, train)
	}
	j.pca, err = analysis.FitPCA(ctx, j.scaled(train), p, spec.Latent)
	if err != nil {
		return fmt.Errorf("aegis: evaluate: %w", err)
	}
	for block, err := range j.scaled(train) {
		if err != nil || train.Labels == nil { // without classes nothing is asked of coordinates
			return err
		}
		lines := make([]float32, len(block)/p*spec.Latent)
		if err := j.pca.Project(ctx, lines, block); err != nil {
			return fmt.Errorf("aegis: evaluate: %w", err)
		}
		j.lines = append(j.lines, lines...)
	}
	return j.encode(ctx, train)
}

// some is how many rows are taken at a time.
const some = 2048

// scaled goes through rows as the network reads them.
func (j *judge) scaled(set data.Set) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		for from := 0; from < set.N; from += some {
			j.o.Progress("components", from, set.N)
			values, err := j.model.Values(set.Rows.Slice(from, min(from+some, set.N)))
			if !yield(values, err) || err != nil {
				return
			}
		}
	}
}

// encode keeps the codes of the rows that were trained on, where they have
// classes.
func (j *judge) encode(ctx context.Context, train data.Set) (err error) {
	if train.Labels == nil {
		return nil
	}
	if j.trained, err = j.model.Encode(ctx, train.Rows, j.model.Spec().Reads(train.Labels)...); err != nil {
		return err
	}
	j.known = widened(train.Labels)
	return nil
}

func widened(labels []byte) []int32 {
	all := make([]int32, len(labels))
	for i, label := range labels {
		all[i] = int32(label)
	}
	return all
}

// rows goes through the rows, and returns those whose likelihood is estimated.
func (j *judge) rows(ctx context.Context, rows data.Reader) (likelihood data.Set, err error) {
	done, of := 0, data.Len(rows)
	likelihood.Shape = rows.Shape()
	for {
		c, err := rows.Next(some)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return likelihood, err
		}
		if err := j.chunk(ctx, c); err != nil {
			return likelihood, err
		}
		if n := min(c.N, j.o.LikelihoodRows-likelihood.N); n > 0 && j.o.Likelihood > 0 && j.model.Spec().Variational() {
			first := c.Slice(0, n)
			likelihood.N += n
			likelihood.Bytes, likelihood.Floats = append(likelihood.Bytes, first.Bytes...), append(likelihood.Floats, first.Floats...)
			likelihood.Labels = append(likelihood.Labels, first.Labels...)
		}
		done += c.N
		j.o.Progress("rows", done, of)
	}
	if done == 0 {
		return likelihood, errors.New("aegis: evaluate: no rows; want at least one")
	}
	return likelihood, nil
}

// chunk adds some rows.
func (j *judge) chunk(ctx context.Context, c data.Chunk) error {
	p, at := c.Size(), 0
	if j.mean == nil {
		j.mean = make([]float64, p)
	}
	err := j.model.Pairs(ctx, c.Rows, j.model.Spec().Reads(c.Labels), func(values, rebuilt []float32) error {
		alike, err := j.alike(ctx, values, rebuilt, len(values)/p)
		if err != nil {
			return err
		}
		for i, ssim := range alike {
			j.row(values[i*p:][:p], rebuilt[i*p:][:p], ssim, c.Set, at)
			at++
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := j.components(ctx, c); err != nil || j.known == nil || c.Labels == nil {
		return err
	}
	codes, err := j.model.Encode(ctx, c.Rows, j.model.Spec().Reads(c.Labels)...)
	if err != nil {
		return err
	}
	j.codes, j.labels = append(j.codes, codes...), append(j.labels, widened(c.Labels)...)
	return nil
}

// alike is the structural similarity of n rows, 0 of vectors.
func (j *judge) alike(ctx context.Context, values, rebuilt []float32, n int) ([]float64, error) {
	ssim := make([]float64, n)
	if j.ssim == nil {
		return ssim, nil
	}
	if err := j.ssim.Each(ctx, ssim, values, rebuilt); err != nil {
		return nil, fmt.Errorf("aegis: evaluate: %w", err)
	}
	return ssim, nil
}

// row adds row i of a set.
func (j *judge) row(values, rebuilt []float32, ssim float64, from data.Set, i int) {
	for k, v := range values {
		j.mean[k] += float64(v)
		j.square += float64(v) * float64(v)
	}
	j.all.add(values, rebuilt, ssim)
	if from.Labels == nil {
		return
	}
	class := j.classes[from.Labels[i]]
	if class == nil {
		class = &sums{}
		j.classes[from.Labels[i]] = class
	}
	class.add(values, rebuilt, ssim)
}

// components adds what principal components make of some rows.
func (j *judge) components(ctx context.Context, c data.Chunk) error {
	if j.pca == nil {
		return nil
	}
	p := c.Size()
	values, err := j.model.Values(c.Rows)
	if err != nil {
		return err
	}
	along, rebuilt := make([]float32, c.N*j.model.Spec().Latent), make([]float32, len(values))
	if err := errors.Join(j.pca.Project(ctx, along, values), j.pca.Reconstruct(ctx, rebuilt, along)); err != nil {
		return fmt.Errorf("aegis: evaluate: %w", err)
	}
	alike, err := j.alike(ctx, values, rebuilt, c.N)
	if err != nil {
		return err
	}
	for i, ssim := range alike {
		j.pcaSums.add(values[i*p:][:p], rebuilt[i*p:][:p], ssim)
	}
	if c.Labels != nil && j.known != nil {
		j.along = append(j.along, along...)
	}
	return nil
}

// sums are those of errors over rows.
type sums struct {
	rows, values            int
	squares, absolute, ssim float64
}

func (s *sums) add(values, rebuilt []float32, ssim float64) {
	s.rows, s.values = s.rows+1, s.values+len(values)
	for i, v := range values {
		d := float64(rebuilt[i]) - float64(v)
		s.squares += d * d
		s.absolute += math.Abs(d)
	}
	s.ssim += ssim
}

// errors are the means.
func (j *judge) errors(s sums) Errors {
	e := Errors{Rows: s.rows, MSE: s.squares / float64(s.values) / j.span / j.span, MAE: s.absolute / float64(s.values) / j.span}
	if j.ssim != nil {
		psnr, ssim := analysis.PSNR(e.MSE, 1), s.ssim/float64(s.rows)
		e.PSNR, e.SSIM = &psnr, &ssim
	}
	return e
}
