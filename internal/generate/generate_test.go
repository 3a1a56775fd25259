package generate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"aegis/data"
	"aegis/internal/generate"
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

// loaded is an untrained model of images of 2×3.
func loaded(t *testing.T, preset string, bend func(*model.Spec)) *infer.Model {
	t.Helper()
	spec, err := model.Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	spec.Image, spec.Hidden, spec.Latent = [3]int{1, 2, 3}, []int{5}, 2
	bend(&spec)
	p, err := spec.Program()
	if err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := run.EncodeTensors(&file, p.Start(1).Tensors, map[string]string{"config": string(config)}); err != nil {
		t.Fatal(err)
	}
	m, err := infer.LoadBytes(file.Bytes(), onCPU)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func as(*model.Spec) {}

func unnormed(s *model.Spec) { s.BatchNorm = false }

func images(n int) data.Set {
	s := data.Set{Rows: data.Rows{N: n, Shape: data.Shape{C: 1, H: 2, W: 3}, Bytes: make([]byte, 6*n)}}
	for i := range s.Bytes {
		s.Bytes[i] = byte(i * 37)
	}
	for i := range n {
		s.Labels = append(s.Labels, byte(i%3))
	}
	return s
}

// TestFit: a mixture of one component has the mean of the codes, of all rows or
// of a class, and its range is theirs.
func TestFit(t *testing.T) {
	m, all, ctx := loaded(t, "fc12", as), images(60), context.Background()
	for _, class := range []string{"", "1"} {
		c, err := generate.Fit(ctx, m, data.NewReader(all), generate.FitOptions{Components: 1, Class: class})
		if err != nil {
			t.Fatal(err)
		}
		codes, err := m.Encode(ctx, all.Rows)
		if err != nil {
			t.Fatal(err)
		}
		var first []float32
		for i := range all.N {
			if class == "" || all.Labels[i] == 1 {
				first = append(first, codes[2*i])
			}
		}
		if c.Rows != len(first) || c.Min[0] != slices.Min(first) || c.Max[0] != slices.Max(first) {
			t.Errorf("class %q: %d rows from %v to %v; want %d from %v to %v", class, c.Rows, c.Min[0], c.Max[0], len(first), slices.Min(first), slices.Max(first))
		}
		want, got := 0.0, 0.0
		for _, v := range first {
			want += float64(v) / float64(len(first))
		}
		const n = 20_000
		_, drawn, err := generate.Rows(ctx, m, n, generate.Options{Codes: c})
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			got += float64(drawn[2*i]) / n
		}
		if span := float64(c.Max[0] - c.Min[0]); math.Abs(got-want) > 0.02*span {
			t.Errorf("class %q: draws have the mean %v, codes %v", class, got, want)
		}
	}
}

// TestFitOfMany: of more rows than are fitted some are drawn.
func TestFitOfMany(t *testing.T) {
	const n = 20_005
	c, err := generate.Fit(context.Background(), loaded(t, "fc12", as), data.NewReader(images(n)), generate.FitOptions{Components: 1})
	if err != nil {
		t.Fatal(err)
	}
	if c.Rows != 20_000 || c.Of != n {
		t.Errorf("%d of %d rows are fitted", c.Rows, c.Of)
	}
}

// TestRows: row i is the same however many there are, and is what its code
// decodes to.
func TestRows(t *testing.T) {
	ctx := context.Background()
	for name, m := range map[string]*infer.Model{"vae": loaded(t, "vae", as), "aae": loaded(t, "aae", unnormed)} {
		rows, codes, err := generate.Rows(ctx, m, 9, generate.Options{Seed: 5})
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := m.Decode(ctx, codes)
		if err != nil || !slices.Equal(decoded, rows) {
			t.Errorf("%s: rows are not what codes decode to (%v)", name, err)
		}
		few, _, err := generate.Rows(ctx, m, 4, generate.Options{Seed: 5})
		if err != nil || !slices.Equal(few, rows[:len(few)]) {
			t.Errorf("%s: four rows are not the first of nine (%v)", name, err)
		}
	}
}

func TestInterpolate(t *testing.T) {
	ctx := context.Background()
	a, b := images(4).Slice(0, 2), images(4).Slice(2, 4)
	length := func(code []float32) float64 { return math.Hypot(float64(code[0]), float64(code[1])) }
	for name, spherical := range map[string]bool{"fc12": false, "vae": true} {
		m := loaded(t, name, as)
		rows, codes, err := generate.Interpolate(ctx, m, a, b, 3)
		if err != nil {
			t.Fatal(err)
		}
		rebuilt, err := m.Reconstruct(ctx, images(4).Rows)
		if err != nil {
			t.Fatal(err)
		}
		for at, row := range map[int]int{0: 0, 2: 2, 3: 1, 5: 3} { // both ends of both ways
			if !slices.Equal(rows[6*at:][:6], rebuilt[6*row:][:6]) {
				t.Errorf("%s: %v at place %d; rebuilt of row %d is %v", name, rows[6*at:][:6], at, row, rebuilt[6*row:][:6])
			}
		}
		middle := (codes[0] + codes[4]) / 2
		if straight := math.Abs(float64(codes[2]-middle)) < 1e-6; straight == spherical {
			t.Errorf("%s: the middle of %v and %v is %v", name, codes[:2], codes[4:6], codes[2:4])
		}
		if l := length(codes[2:]); spherical && (l < 0.99*min(length(codes), length(codes[4:])) || l > 1.01*max(length(codes), length(codes[4:]))) {
			t.Errorf("%s: the middle of %v and %v is %v", name, codes[:2], codes[4:6], codes[2:4])
		}
	}
}

func TestGrid(t *testing.T) {
	ctx := context.Background()
	for name, m := range map[string]*infer.Model{
		"vae": loaded(t, "vae", as), "mixture": loaded(t, "aae", func(s *model.Spec) { s.Prior, s.BatchNorm = "mixture:4", false }), "plain": loaded(t, "fc12", as),
	} {
		o := generate.Options{}
		if name == "plain" {
			var err error
			if o.Codes, err = generate.Fit(ctx, m, data.NewReader(images(9)), generate.FitOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		g, err := generate.NewGrid(ctx, m, 4, o)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSorted(g.X) || !slices.IsSorted(g.Y) || len(g.Rows) != 16*6 || g.Codes[0] != g.X[0] || g.Codes[1] != g.Y[3] || g.Codes[31] != g.Y[0] {
			t.Errorf("%s: %+v", name, g)
		}
		if c := o.Codes; c != nil && (g.X[0] != c.Min[0] || g.Y[3] != c.Max[1]) {
			t.Errorf("%s: %v, %v beside %+v", name, g.X, g.Y, c)
		}
	}
}

func TestErrors(t *testing.T) {
	ctx, set := context.Background(), images(4)
	plain, wide, vae := loaded(t, "fc12", as), loaded(t, "fc12", func(s *model.Spec) { s.Latent = 3 }), loaded(t, "vae", as)
	fitted, err := generate.Fit(ctx, plain, data.NewReader(set), generate.FitOptions{})
	if err != nil || fitted.Components != 4 {
		t.Fatalf("%+v: %v", fitted, err)
	}
	cvae := loaded(t, "cvae", func(s *model.Spec) { s.Classes = 3 })
	unlabelled := data.Set{Rows: set.Rows}
	fit := func(m *infer.Model, s data.Set, o generate.FitOptions) error {
		_, err := generate.Fit(ctx, m, data.NewReader(s), o)
		return err
	}
	draw := func(m *infer.Model, n int, o generate.Options) error {
		_, _, err := generate.Rows(ctx, m, n, o)
		return err
	}
	between := func(m *infer.Model, a, b data.Set, steps int) error {
		_, _, err := generate.Interpolate(ctx, m, a, b, steps)
		return err
	}
	grid := func(m *infer.Model, n int, o generate.Options) error {
		_, err := generate.NewGrid(ctx, m, n, o)
		return err
	}
	for want, err := range map[string]error{
		"-1 components":                  fit(plain, set, generate.FitOptions{Components: -1}),
		"no rows of class 9":             fit(plain, set, generate.FitOptions{Class: "9"}),
		"have no labels":                 fit(plain, unlabelled, generate.FitOptions{Class: "1"}),
		"plain model, whose codes":       draw(plain, 3, generate.Options{}),
		"the model has 3":                draw(wide, 3, generate.Options{Codes: fitted}),
		"-1 rows":                        draw(vae, -1, generate.Options{}),
		"class 7; the model knows":       draw(cvae, 3, generate.Options{Class: "7"}),
		"class 1, but vae reads no":      draw(vae, 3, generate.Options{Class: "1"}),
		"class 1, but fc12 reads no":     draw(plain, 3, generate.Options{Class: "1", Codes: fitted}),
		"class 2, but vae reads no":      grid(vae, 5, generate.Options{Class: "2"}),
		"4 rows and 1":                   between(vae, set, set.Slice(0, 1), 5),
		"in 1 steps":                     between(vae, set, set, 1),
		"want one for each of 4 rows":    between(cvae, unlabelled, unlabelled, 3),
		"codes of 3 dimensions":          grid(wide, 5, generate.Options{}),
		"grid: fc12 is a plain":          grid(plain, 5, generate.Options{}),
		"1 codes a side":                 grid(vae, 1, generate.Options{}),
		"choose the class":               grid(cvae, 5, generate.Options{}),
		"the model is empty":             draw(nil, 3, generate.Options{}),
		"grid of codes of 0 dimensions;": grid(nil, 3, generate.Options{}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
