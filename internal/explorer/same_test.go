package explorer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"aegis/data"
	"aegis/data/mnist"
	"aegis/data/philox"
	"aegis/internal/browsertest"
	"aegis/internal/detect"
	"aegis/internal/explorer"
	"aegis/internal/infer"
	"aegis/internal/run"
	"aegis/internal/vm"
	"aegis/internal/vm/cpu"
	"aegis/model"
	"aegis/model/program"
)

func onCPU(p *program.Program, params vm.Params) (vm.Runner, error) {
	return cpu.OpenRunner(p, 0, params, cpu.Options{Threads: 1})
}

// given is a page of a preset that is bent, with parameters that are larger than
// those it starts with, so that rows differ, and a detector.
func given(t testing.TB, preset string, rows data.Set, bend func(s *model.Spec)) explorer.Given {
	t.Helper()
	ctx := context.Background()
	spec, err := model.Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	spec.Image = [3]int{rows.C, rows.H, rows.W}
	if rows.Labels != nil {
		spec.Classes = 10
	}
	if bend != nil {
		bend(&spec)
	}
	if spec.Condition == "" {
		spec.Classes = 0
	}
	p, err := spec.Forward()
	if err != nil {
		t.Fatal(err)
	}
	state := p.Start(1)
	draw := philox.Stream{Seed: 1, Purpose: philox.For("test")}
	for name, tensor := range state.Tensors {
		for i := range tensor.Data {
			switch {
			case strings.HasSuffix(name, "running_var"):
				tensor.Data[i] = 0.5 + float32(draw.Uint32(1, 0, uint32(i))%100)/100
			case strings.Contains(name, "running_mean"):
				tensor.Data[i] = float32(draw.Uint32(2, 0, uint32(i))%100)/100 - 0.5
			case len(tensor.Shape) > 1:
				tensor.Data[i] *= 2.5
			}
		}
	}
	config, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := run.EncodeTensors(&file, state.Tensors, map[string]string{"config": string(config)}); err != nil {
		t.Fatal(err)
	}
	m, err := infer.LoadBytes(file.Bytes(), onCPU)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	d, err := detect.Fit(ctx, m, data.NewReader(rows), detect.FitOptions{FalseAlarms: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	return explorer.Given{Spec: spec, Params: state.Tensors, Model: m, Detector: d, Rows: data.NewReader(rows), Title: "a <b> & \"c\"", Points: 20000}
}

func written(t testing.TB, g explorer.Given) []byte {
	t.Helper()
	var page bytes.Buffer
	if err := explorer.Write(context.Background(), &page, g); err != nil {
		t.Fatal(err)
	}
	return page.Bytes()
}

// digits are the first test images of MNIST.
func digits(t testing.TB, n int) data.Set {
	t.Helper()
	src, err := mnist.Load()
	if err != nil {
		t.Fatal(err)
	}
	return src.Test.Slice(0, n)
}

// vectors are rows of columns of which the later ones follow from the first two.
func vectors(n, width int) data.Set {
	s := data.Set{Rows: data.Rows{N: n, Shape: data.Shape{W: width}}}
	draw := philox.Stream{Seed: 2, Purpose: philox.For("test")}
	for i := range n {
		a, b := float64(draw.Uint32(0, 0, uint32(i))%1000)/500-1, float64(draw.Uint32(1, 0, uint32(i))%1000)/500-1
		for j := range width {
			s.Floats = append(s.Floats, float32(100*float64(j)+math.Sin(float64(j)*a+b)*(1+a)))
		}
		s.Labels = append(s.Labels, byte(draw.Uint32(2, 0, uint32(i))%3))
	}
	return s
}

// colours are images of three channels.
func colours(n int) data.Set {
	s := data.Set{Rows: data.Rows{N: n, Shape: data.Shape{C: 3, H: 12, W: 10}}}
	draw := philox.Stream{Seed: 3, Purpose: philox.For("test")}
	for i := range n {
		for j := range 360 {
			s.Bytes = append(s.Bytes, byte(j+20*i)/2+byte(draw.Uint32(0, uint32(i), uint32(j))%90))
		}
	}
	return s
}

// standard scales columns to mean 0 and deviation 1.
func standard(s *model.Spec, rows data.Set) {
	width := rows.Size()
	scaling := data.Scaling{Kind: data.ScaleStandard}
	for j := range width {
		scaling.Shift, scaling.Factor = append(scaling.Shift, float32(100*j)+0.1), append(scaling.Factor, 1/float32(1+j%3))
	}
	s.Scaling, s.Output = &scaling, "identity"
}

// standardOf is the same as a bend of a spec.
func standardOf(rows data.Set) func(s *model.Spec) {
	return func(s *model.Spec) { standard(s, rows) }
}

// TestSame holds what the page computes to what Go does: codes, what is rebuilt,
// losses, scores and what is anomalous.
func TestSame(t *testing.T) {
	table, images := vectors(100, 9), digits(t, 50)
	minmax := func(s *model.Spec) {
		s.Scaling = &data.Scaling{Kind: data.ScaleMinMax, Pixels: data.Range{Lo: 0, Hi: 1}}
		for j := range 9 {
			s.Scaling.Shift, s.Scaling.Factor = append(s.Scaling.Shift, float32(100*j)-2.5), append(s.Scaling.Factor, 0.2)
		}
	}
	for name, c := range map[string]struct {
		preset string
		rows   data.Set
		bend   func(s *model.Spec)
	}{
		"fc3":       {preset: "fc3", rows: images},
		"fc12":      {preset: "fc12", rows: images},
		"conv":      {preset: "conv", rows: images.Slice(0, 25)},
		"conv-vae":  {preset: "conv-vae", rows: images.Slice(0, 25)},
		"vae":       {preset: "vae", rows: images},
		"cvae":      {preset: "cvae", rows: images},
		"aae":       {preset: "aae", rows: images},
		"elu":       {preset: "fc3", rows: images, bend: func(s *model.Spec) { s.Activation, s.Loss = "elu:0.7", model.Huber }},
		"exp":       {preset: "fc3", rows: images, bend: func(s *model.Spec) { s.Activation = "exp:0.1" }},
		"sigmoid":   {preset: "fc3", rows: images, bend: func(s *model.Spec) { s.Activation = "sigmoid" }},
		"tanh":      {preset: "fc3", rows: images, bend: func(s *model.Spec) { s.Activation = "tanh" }},
		"leaky":     {preset: "fc3", rows: images, bend: func(s *model.Spec) { s.Activation, s.Loss = "leakyrelu:0.2", model.MAE }},
		"bce":       {preset: "fc64", rows: images, bend: func(s *model.Spec) { s.Loss, s.Activation = model.BCE, "gelu" }},
		"sparse":    {preset: "fc64", rows: images, bend: func(s *model.Spec) { s.Sparse, s.BatchNorm = "topk:7", true }},
		"colours":   {preset: "conv", rows: colours(25)},
		"table":     {preset: "table", rows: table, bend: func(s *model.Spec) { s.Latent = 2; standard(s, table) }},
		"one":       {preset: "table", rows: table, bend: func(s *model.Spec) { s.Latent = 1; standard(s, table) }},
		"minmax":    {preset: "fc3", rows: table, bend: minmax},
		"gaussian":  {preset: "vae", rows: table, bend: func(s *model.Spec) { s.Likelihood = "gaussian:0.5"; standard(s, table) }},
		"learned":   {preset: "vae", rows: table, bend: func(s *model.Spec) { s.Likelihood = "gaussian:learned"; standard(s, table) }},
		"bernoulli": {preset: "vae", rows: table, bend: minmax},
	} {
		t.Run(name, func(t *testing.T) {
			g := given(t, c.preset, c.rows, c.bend)
			url := browsertest.Saved(t, written(t, g))
			b := open(t, url, 1200, 800)
			same(b, g, c.rows)
			b.Quiet(url)
		})
	}
}

// same compares all rows of a page.
func same(b *browsertest.Tab, g explorer.Given, rows data.Set) {
	b.Helper()
	ctx, labels := context.Background(), g.Spec.Reads(rows.Labels)
	values, err := g.Model.Values(rows.Rows)
	if err != nil {
		b.Fatal(err)
	}
	codes, err := g.Model.Encode(ctx, rows.Rows, labels...)
	if err != nil {
		b.Fatal(err)
	}
	rebuilt, err := g.Model.Rebuild(ctx, values, labels...)
	if err != nil {
		b.Fatal(err)
	}
	losses, err := g.Model.Score(ctx, rows.Rows, labels...)
	if err != nil {
		b.Fatal(err)
	}
	scores, err := g.Detector.Scores(ctx, g.Model, rows.Rows, labels...)
	if err != nil {
		b.Fatal(err)
	}
	b.Evaluate(`(() => {
		const { model, page } = explorer;
		const all = window.all = { codes: [], rebuilt: [], losses: [], scores: [], anomalous: [] };
		for (let i = 0; i < page.n; i++) {
			const j = model.judge(model.row(i), model.label(i));
			all.codes.push(...j.code);
			all.rebuilt.push(...j.output);
			all.losses.push(j.loss);
			all.scores.push(j.score);
			all.anomalous.push(j.anomalous ? 1 : 0);
		}
	})()`)
	close32 := func(what string, got []float64, want []float32) {
		b.Helper()
		worst, most := 0.0, 0.0
		for i, v := range want {
			worst, most = max(worst, math.Abs(got[i]-float64(v))), max(most, math.Abs(float64(v)))
		}
		if len(got) != len(want) || !(worst <= 1e-4*max(1, most)) {
			b.Errorf("%s: %d values for %d, off by up to %g", what, len(got), len(want), worst)
		}
	}
	close32("codes", b.Floats("new Float32Array(all.codes)", 32), codes)
	close32("rebuilt", b.Floats("new Float32Array(all.rebuilt)", 32), rebuilt)
	close64 := func(what string, got, want []float64) {
		b.Helper()
		worst := 0.0
		for i, v := range want {
			worst = max(worst, math.Abs(got[i]-v)/max(1, math.Abs(v)))
		}
		if len(got) != len(want) || !(worst <= 2e-6) {
			b.Errorf("%s: %d for %d, off by up to %g of themselves", what, len(got), len(want), worst)
		}
	}
	close64("losses", b.Floats("new Float64Array(all.losses)", 64), losses)
	close64("scores", b.Floats("new Float64Array(all.scores)", 64), scores)
	for i, got := range b.Floats("new Float64Array(all.anomalous)", 64) {
		if want := scores[i] > g.Detector.Threshold.Value; (got == 1) != want && math.Abs(scores[i]-g.Detector.Threshold.Value) > 1e-5*scores[i] {
			b.Errorf("row %d of score %v is anomalous: %v", i, scores[i], got)
		}
	}
}
