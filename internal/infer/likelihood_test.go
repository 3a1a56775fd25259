package infer_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"aegis/data"
	"aegis/internal/infer"
	"aegis/internal/numtest"
	"aegis/model"
)

// variational is the network of scripts/golden_likelihood.py.
func variational(t *testing.T, likelihood string, conditional bool) *infer.Model {
	t.Helper()
	spec, err := model.Preset("vae")
	if err != nil {
		t.Fatal(err)
	}
	spec.Image, spec.Hidden, spec.Latent, spec.Likelihood = [3]int{1, 6, 5}, []int{9}, 3, likelihood
	if conditional {
		spec.Condition, spec.Classes = model.Labels, 10
	}
	return bent(t, spec)
}

// bent is a model of a spec, its parameters times 3, a learned deviation e^−0.7.
func bent(t *testing.T, spec model.Spec) *infer.Model {
	t.Helper()
	p, err := spec.Program()
	if err != nil {
		t.Fatal(err)
	}
	state := p.Start(1)
	for name, tensor := range state.Tensors {
		for i := range tensor.Data {
			if tensor.Data[i] *= 3; name == model.LogSigma {
				tensor.Data[i] = -0.7
			}
		}
	}
	return reopened(t, spec, state)
}

// TestLogLikelihood holds estimates to PyTorch's, of the same parameters and
// noise.
func TestLogLikelihood(t *testing.T) {
	text, err := os.ReadFile("testdata/likelihood.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden []struct {
		Name          string
		LogLikelihood []float64
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	labels := []byte{0, 3, 6, 9, 2}
	networks := map[string]struct {
		likelihood string
		labels     []byte
	}{
		"bernoulli": {likelihood: model.Bernoulli}, "gaussian": {likelihood: "gaussian:0.3"},
		"learned": {likelihood: model.GaussianLearned}, "conditional": {likelihood: model.Bernoulli, labels: labels},
	}
	if len(golden) != len(networks) {
		t.Errorf("%d golden estimates of %d networks", len(golden), len(networks))
	}
	for _, want := range golden {
		t.Run(want.Name, func(t *testing.T) {
			c := networks[want.Name]
			m := variational(t, c.likelihood, c.labels != nil)
			got, err := m.LogLikelihood(context.Background(), images(5, 6, 5), 20, 7, c.labels...)
			if err != nil {
				t.Fatal(err)
			}
			numtest.Close(t, "log-likelihoods", got, want.LogLikelihood, 1e-5)
		})
	}
}

// Samples and rows that take several batches have the estimate that a row has
// alone, at its place.
func TestLogLikelihoodInBatches(t *testing.T) {
	spec, err := model.Preset("vae")
	if err != nil {
		t.Fatal(err)
	}
	spec.Image, spec.Hidden, spec.Latent = [3]int{1, 200, 300}, []int{2}, 2 // 17 at once
	m := bent(t, spec)
	all, ctx := images(19, 200, 300), context.Background()
	copy(all.ByteRow(17), all.ByteRow(0))
	estimates, err := m.LogLikelihood(ctx, all, 3, 1)
	if err != nil || len(estimates) != 19 {
		t.Fatalf("%d estimates, error %v", len(estimates), err)
	}
	first, err := m.LogLikelihood(ctx, all.Slice(0, 1), 3, 1)
	if err != nil || first[0] != estimates[0] {
		t.Errorf("%v alone, %v among others (%v)", first, estimates[0], err)
	}
	if estimates[17] == estimates[0] {
		t.Errorf("another place among the rows has the same estimate %v", estimates[0])
	}
}

// A model that was trained on values of 0 and 1 draws them, and takes those that
// are as they are.
func TestLogLikelihoodOfDrawnValues(t *testing.T) {
	spec, err := model.Preset("vae")
	if err != nil {
		t.Fatal(err)
	}
	spec.Image, spec.Hidden, spec.Latent, spec.Binarize = [3]int{1, 6, 5}, []int{9}, 3, model.Static
	m := bent(t, spec)
	grey, ctx := images(4, 6, 5), context.Background()
	drawn := data.Rows{N: grey.N, Shape: grey.Shape, Bytes: make([]byte, len(grey.Bytes))}
	for i := range grey.N {
		row := make([]float32, 30)
		for at, v := range grey.ByteRow(i) {
			row[at] = float32(v) / 255
		}
		spec.Binarized(row, row, 9, "test", i)
		for at, v := range row {
			drawn.Bytes[30*i+at] = 255 * byte(v)
		}
	}
	of := func(m *infer.Model, rows data.Rows) []float64 {
		got, err := m.LogLikelihood(ctx, rows, 2, 9)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	want := of(m, drawn)
	numtest.Close(t, "of grey rows", of(m, grey), want, 0)
	spec.Binarize = ""
	if plain := of(bent(t, spec), grey); math.Abs(plain[0]-want[0]) < 1e-3 {
		t.Errorf("a model of grey values has the same estimate %v", plain)
	}
}

// Labels are for models that read them, one for each row, of classes that they
// know.
func TestLabels(t *testing.T) {
	plain, conditional := variational(t, model.Bernoulli, false), variational(t, model.Bernoulli, true)
	ctx, rows, codes := context.Background(), images(2, 6, 5), make([]float32, 6)
	calls := func(m *infer.Model, labels ...byte) map[string]error {
		errs := make(map[string]error)
		_, errs["encode"] = m.Encode(ctx, rows, labels...)
		_, errs["decode"] = m.Decode(ctx, codes, labels...)
		_, errs["reconstruct"] = m.Reconstruct(ctx, rows, labels...)
		_, errs["score"] = m.Score(ctx, rows, labels...)
		_, errs["log-likelihood"] = m.LogLikelihood(ctx, rows, 2, 1, labels...)
		return errs
	}
	for _, c := range []struct {
		model  *infer.Model
		labels []byte
		want   string
	}{
		{plain, nil, ""},
		{plain, []byte{1, 2}, "2 labels for a model that reads none"},
		{conditional, []byte{1, 9}, ""},
		{conditional, nil, "want one for each of 2 rows, got 0"},
		{conditional, []byte{1}, "want one for each of 2 rows, got 1"},
		{conditional, []byte{1, 10}, "label 10 of row 1; the model knows classes 0 to 9"},
	} {
		for call, err := range calls(c.model, c.labels...) {
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s with labels %v: error %v, want %q", call, c.labels, err, c.want)
			}
		}
	}
	first, err := conditional.Decode(ctx, codes[:3], 1)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := conditional.Decode(ctx, codes[:3], 2); err != nil || other[0] == first[0] {
		t.Errorf("a code of another class gives the same row (%v)", err)
	}
}

func TestLogLikelihoodErrors(t *testing.T) {
	m, ctx := variational(t, model.Bernoulli, false), context.Background()
	spec, err := model.Preset("fc12")
	if err != nil {
		t.Fatal(err)
	}
	spec.Image = [3]int{1, 6, 5}
	for _, c := range []struct {
		model   *infer.Model
		rows    data.Rows
		samples int
		want    string
	}{
		{bent(t, spec), images(2, 6, 5), 1, "fc12, which has none"},
		{m, images(2, 6, 5), 0, "0 samples; want 1"},
		{m, images(2, 5, 6), 1, "want rows of 6×5"},
		{nil, images(2, 6, 5), 1, "the model is empty"},
	} {
		if _, err := c.model.LogLikelihood(ctx, c.rows, c.samples, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	if got, err := m.LogLikelihood(ctx, images(0, 6, 5), 3, 1); err != nil || len(got) != 0 {
		t.Errorf("no rows: %v, error %v", got, err)
	}
}
