package session

import (
	"math"
	"slices"
	"strings"
	"testing"

	"aegis/model"
	"aegis/model/op"
	"aegis/model/program"
)

func TestWarnings(t *testing.T) {
	good, bad, same, worse, far := 0.5, 0.0151, -0.001, -3.0, -164209.847
	nan := math.NaN()
	healthy := findings{better: &good, in: 1, out: 0.5, code: constants{1, 8}, dead: []deadLayer{{"encoder.0", 3, 10}}, activation: "relu"}
	for name, c := range map[string]struct {
		bend func(*findings)
		want []string
	}{
		"healthy":          {bend: func(*findings) {}},
		"all images alike": {bend: func(f *findings) { f.better = nil }},
		"hardly better":    {bend: func(f *findings) { f.better = &bad }, want: []string{"hardly better than the mean image: its loss is 1.5 % lower"}},
		"no better":        {bend: func(f *findings) { f.better = &same }, want: []string{"no better than the mean image: its loss is as high"}},
		"worse":            {bend: func(f *findings) { f.better = &worse }, want: []string{"4.00 times as high"}},
		"far worse":        {bend: func(f *findings) { f.better = &far }, want: []string{"its loss is more than 1000 times as high"}},
		"not a number":     {bend: func(f *findings) { f.better = &nan }, want: []string{"no better"}},
		"outputs alike":    {bend: func(f *findings) { f.out = 0 }, want: []string{"answers alike"}},
		"collapsed":        {bend: func(f *findings) { f.code.constant = 8 }, want: []string{"collapsed"}},
		"half a code":      {bend: func(f *findings) { f.code.constant = 4 }, want: []string{"4 of the code's 8"}},
		"dead":             {bend: func(f *findings) { f.dead[0].dead = 9 }, want: []string{"9 of the 10 units of encoder.0 are dead"}},
	} {
		f := healthy
		f.dead = slices.Clone(f.dead)
		c.bend(&f)
		got := warnings(f, "")
		if len(got) != len(c.want) || len(got) > 0 && (!strings.Contains(got[0], c.want[0]) || !strings.Contains(got[0], "try")) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestDeadUnits gives a layer of three units one that no image wakes.
func TestDeadUnits(t *testing.T) {
	relu, err := op.ParseActivation("relu")
	if err != nil {
		t.Fatal(err)
	}
	layers := []model.Layer{
		{Name: "encoder.0", Kind: model.Linear, In: []int{2}, Out: []int{3}, Activation: relu},
		{Name: "encoder.2", Kind: model.Linear, In: []int{3}, Out: []int{2}, Activation: relu},
		{Name: "decoder.0", Kind: model.Linear, In: []int{2}, Out: []int{2}},
	}
	params := map[string]program.Tensor{
		"encoder.0.weight": {Data: []float32{1, 0, 0, 1, 1, 1}}, "encoder.0.bias": {Data: []float32{0, 0, -5}},
		"encoder.2.weight": {Data: []float32{1, 1, 0, 0, 0, 1}}, "encoder.2.bias": {Data: []float32{0, 0}},
	}
	got := deadUnits(layers, params, [][]float32{{1, 0}, {0, 1}})
	if want := []deadLayer{{"encoder.0", 1, 3}, {"encoder.2", 1, 2}}; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	layers[0].Norm = "encoder.1" // what wakes a unit comes behind it
	if got := deadUnits(layers, params, [][]float32{{1, 0}}); got != nil {
		t.Errorf("batch norm: %+v, want none", got)
	}
	layers[0].Norm = ""
	layers[0].Activation.Kind = op.Tanh // nothing is known of what does not die
	if got := deadUnits(layers, params, [][]float32{{1, 0}}); got != nil {
		t.Errorf("tanh: %+v, want none", got)
	}
}
