package aegis

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"aegis/data"
)

// used is a small run on a source and its model.
func used(t *testing.T, cfg Config, src *data.Source) *Model {
	t.Helper()
	out := filepath.Join(t.TempDir(), "run")
	if _, err := Train(context.Background(), cfg, src, Options{Out: out}); err != nil {
		t.Fatal(err)
	}
	m, err := Load(out, WithDevice(DeviceCPU))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// labelled is a dataset of waves of five classes.
func labelled(rows, tests int) *data.Source {
	src := waves(rows, tests, 12, 10)
	for _, s := range []*data.Set{&src.Train, &src.Test} {
		for row := range s.N {
			s.Labels = append(s.Labels, byte(row%5))
		}
	}
	return src
}

// TestEvaluateWide has images that are too large for a covariance: as many
// components as a code has values rebuild them better than their mean does.
func TestEvaluateWide(t *testing.T) {
	src := waves(60, 20, 40, 40)
	m := used(t, config(t, "fc12"), src)
	e, err := m.Evaluate(context.Background(), data.NewReader(src.Test), EvaluateOptions{Train: src.Train})
	if err != nil {
		t.Fatal(err)
	}
	if mean := e.MSE / (1 - e.Variance); e.PCA == nil || !(e.PCA.MSE < mean) {
		t.Errorf("components: %+v; the mean image has an MSE of %v", e.PCA, mean)
	}
}

// TestEvaluate holds errors to their formulas, classes to the whole, and what
// needs the training set to its being there.
func TestEvaluate(t *testing.T) {
	ctx, src := context.Background(), labelled(120, 50)
	m := used(t, config(t, "fc12"), src)
	rebuilt, err := m.Reconstruct(ctx, src.Test.Rows)
	if err != nil {
		t.Fatal(err)
	}
	var squares, absolute float64
	for i, v := range src.Test.Bytes {
		d := (float64(rebuilt[i])+1)/2 - float64(v)/255 // fc12's pixels are from −1 to 1
		squares, absolute = squares+d*d/float64(len(rebuilt)), absolute+math.Abs(d)/float64(len(rebuilt))
	}
	e, err := m.Evaluate(ctx, data.NewReader(src.Test), EvaluateOptions{Train: src.Train})
	if err != nil {
		t.Fatal(err)
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= 1e-6*(1+math.Abs(want))) {
			t.Errorf("%s %v, want %v", what, got, want)
		}
	}
	near("MSE", e.MSE, squares)
	near("MAE", e.MAE, absolute)
	near("PSNR", *e.PSNR, -10*math.Log10(squares))
	sum, rows := 0.0, 0
	for _, c := range e.Classes {
		sum, rows = sum+c.MSE*float64(c.Rows), rows+c.Rows
	}
	near("MSE by class", sum/float64(rows), squares)
	if rows != 50 || e.PCA == nil || e.Codes == nil || e.PCACodes == nil || e.LogLikelihood != nil || !(*e.SSIM <= 1) {
		t.Errorf("%+v", e)
	}
	alone, err := m.Evaluate(ctx, data.NewReader(src.Test), EvaluateOptions{})
	if err != nil || alone.MSE != e.MSE || alone.PCA != nil || alone.Codes != nil {
		t.Errorf("alone: %+v, error %v", alone, err)
	}
	if _, err := m.Evaluate(ctx, data.NewReader(data.Set{Rows: data.Rows{Shape: src.Test.Shape}}), EvaluateOptions{}); err == nil {
		t.Error("no rows, and no error")
	}
	if _, err := (*Model)(nil).Evaluate(ctx, data.NewReader(src.Test), EvaluateOptions{}); err == nil {
		t.Error("an empty model judged something")
	}
}

// TestEvaluateVariational estimates the likelihood of the first rows.
func TestEvaluateVariational(t *testing.T) {
	ctx, src := context.Background(), labelled(120, 50)
	m := used(t, config(t, "vae"), src)
	e, err := m.Evaluate(ctx, data.NewReader(src.Test), EvaluateOptions{Likelihood: 5, LikelihoodRows: 20, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	all, err := m.LogLikelihood(ctx, src.Test.Rows.Slice(0, 20), 5, 3)
	if err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for _, v := range all {
		want += v / 20
	}
	if e.LogLikelihood == nil || math.Abs(*e.LogLikelihood-want) > 1e-9*math.Abs(want) || e.LikelihoodOf != 20 {
		t.Errorf("%v of %d rows, want %v", e.LogLikelihood, e.LikelihoodOf, want)
	}
}

// TestCluster: rows, clusters and centres go together, and the same seed gives
// the same clusters.
func TestCluster(t *testing.T) {
	ctx, src := context.Background(), labelled(120, 50)
	m := used(t, config(t, "fc12"), src)
	c, err := m.Cluster(ctx, data.NewReader(src.Train), ClusterOptions{Rows: true, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	codes, err := m.Encode(ctx, src.Train.Rows)
	if err != nil {
		t.Fatal(err)
	}
	sizes := make([]int, c.K)
	for i, cluster := range c.Assignments {
		sizes[cluster]++
		sum := 0.0
		for k := range 12 {
			d := float64(codes[i*12+k] - c.Centres[int(cluster)*12+k])
			sum += d * d
		}
		if math.Abs(math.Sqrt(sum)-c.Distances[i]) > 1e-4*(1+c.Distances[i]) {
			t.Errorf("row %d lies %v from its centre, want %v", i, c.Distances[i], math.Sqrt(sum))
		}
	}
	if !slices.Equal(sizes, c.Sizes) || c.Codes == nil || c.Rows == nil || len(c.Classes) != c.K || !(c.Codes.Accuracy > 1/float64(c.K)) {
		t.Errorf("%+v, sizes %v", c, sizes)
	}
	again, err := m.Cluster(ctx, data.NewReader(src.Train), ClusterOptions{Seed: 1})
	if err != nil || !slices.Equal(again.Assignments, c.Assignments) {
		t.Errorf("other clusters of the same seed, error %v", err)
	}
	bare := src.Train
	bare.Labels = nil
	if _, err := m.Cluster(ctx, data.NewReader(bare), ClusterOptions{}); err == nil {
		t.Error("no number of clusters, and no error")
	}
	if found, err := m.Cluster(ctx, data.NewReader(bare), ClusterOptions{K: 3}); err != nil || found.Codes != nil || found.K != 3 {
		t.Errorf("%+v, error %v", found, err)
	}
}
