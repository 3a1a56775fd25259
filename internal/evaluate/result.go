package evaluate

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"aegis/data"
	"aegis/internal/analysis"
)

// result is what the sums say.
func (j *judge) result(ctx context.Context, likelihood data.Set) (*Result, error) {
	r := &Result{Errors: j.errors(j.all), Variance: j.variance()}
	for _, label := range slices.Sorted(maps.Keys(j.classes)) {
		r.Classes = append(r.Classes, Class{Class: j.model.Spec().Form.ClassName(label), Errors: j.errors(*j.classes[label])})
	}
	if j.pca != nil {
		e := j.errors(j.pcaSums)
		r.PCA = &e
	}
	var err error
	var guesses []int32
	if r.Codes, guesses, err = j.found(ctx, "codes", j.trained, j.codes); err != nil {
		return nil, err
	}
	j.byClass(r.Classes, guesses)
	if r.PCACodes, _, err = j.found(ctx, "components", j.lines, j.along); err != nil {
		return nil, err
	}
	if likelihood.N > 0 {
		j.o.Progress("log-likelihood", 0, likelihood.N)
		all, err := j.model.LogLikelihood(ctx, likelihood.Rows, j.o.Likelihood, j.o.Seed, j.model.Spec().Reads(likelihood.Labels)...)
		if err != nil {
			return nil, err
		}
		mean := 0.0
		for _, v := range all {
			mean += v / float64(len(all))
		}
		r.LogLikelihood, r.Samples, r.LikelihoodOf = &mean, j.o.Likelihood, likelihood.N
	}
	return r, nil
}

// variance is the share of the rows' variance that is rebuilt.
func (j *judge) variance() float64 {
	total := j.square
	for _, sum := range j.mean {
		total -= sum * sum / float64(j.all.rows)
	}
	if total <= 0 {
		return 0
	}
	return 1 - j.all.squares/total
}

// byClass fills in how often neighbours found each class.
func (j *judge) byClass(classes []Class, guesses []int32) {
	if guesses == nil {
		return
	}
	var right, all [256]int
	for i, label := range j.labels {
		if all[label]++; guesses[i] == label {
			right[label]++
		}
	}
	for i, label := range slices.Sorted(maps.Keys(j.classes)) { // as the classes are listed
		if all[label] > 0 {
			share := float64(right[label]) / float64(all[label])
			classes[i].Neighbours = &share
		}
	}
}

// found says how often classes are found by codes, and what neighbours guess of
// each row, nil where there are none.
func (j *judge) found(ctx context.Context, what string, trained, rows []float32) (*Known, []int32, error) {
	if len(trained) == 0 || len(rows) == 0 || slices.Min(j.known) == slices.Max(j.known) { // nothing to find
		return nil, nil, nil
	}
	z := j.model.Spec().Latent
	from := analysis.Matrix{Values: trained, Rows: len(trained) / z, Cols: z}
	of := analysis.Matrix{Values: rows, Rows: len(rows) / z, Cols: z}
	fail := func(err error) (*Known, []int32, error) { return nil, nil, fmt.Errorf("aegis: evaluate: %w", err) }

	j.o.Progress("neighbours of "+what, 0, of.Rows)
	near, err := analysis.NearestNeighbours(ctx, from, of, min(neighbours, from.Rows))
	if err != nil {
		return fail(err)
	}
	guesses, err := near.Vote(j.known)
	if err != nil {
		return fail(err)
	}
	var k Known
	if k.Neighbours, err = analysis.Accuracy(guesses, j.labels); err != nil {
		return fail(err)
	}
	j.o.Progress("probe of "+what, 0, of.Rows)
	probe, err := analysis.FitProbe(ctx, from, j.known, analysis.ProbeOptions{})
	if err != nil {
		return fail(err)
	}
	probed, err := probe.Predict(of)
	if err != nil {
		return fail(err)
	}
	if k.Probe, err = analysis.Accuracy(probed, j.labels); err != nil {
		return fail(err)
	}
	return &k, guesses, nil
}
