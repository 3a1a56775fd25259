package report

import (
	"bytes"
	"image"
	"math"
	"testing"
)

func TestLoss(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	const train, val, test = 1, 2, 4 // whose colours must be seen
	cases := []struct {
		name  string
		curve LossCurve
		want  int
	}{
		{
			name: "everything", want: train | val | test,
			curve: LossCurve{
				Title: "title", Label: "MSE per pixel", Step: []float64{0, 0.5, 1, 1.5}, StepLoss: []float64{9, 2, 1, 0.5},
				Epoch: []float64{1, 2}, Train: []float64{2, 0.6}, Val: []float64{1, 0.5}, Test: []float64{nan, 0.7},
			},
		},
		{name: "one epoch", want: train, curve: LossCurve{Epoch: []float64{1}, Train: []float64{0.1}}},
		{name: "zero loss", want: train, curve: LossCurve{Epoch: []float64{1, 2}, Train: []float64{0, 0}}},
		{name: "below zero", want: val, curve: LossCurve{Epoch: []float64{1, 2}, Val: []float64{-80, 2}}},
		{name: "diverged", want: train, curve: LossCurve{Epoch: []float64{1, 2, 3}, Train: []float64{1, inf, nan}}},
		{name: "huge", want: train, curve: LossCurve{Epoch: []float64{1, 2, 3}, Train: []float64{1, 1e99, 1e300}}},
		{name: "one step", curve: LossCurve{Step: []float64{0.5}, StepLoss: []float64{3}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			img := picture(t, func(b *bytes.Buffer) error { return Loss(b, c.curve) })
			if img.Bounds() != image.Rect(0, 0, 1400, 900) {
				t.Fatalf("size %v", img.Bounds())
			}
			below := image.Rect(150, 200, 1400, 760) // the title and the legend
			if !drawn(img, below) {
				t.Error("there is no curve")
			}
			for bit, class := range map[int]byte{train: 0, val: 3, test: 2} {
				if got, want := count(img, below, classColor(class)) > 0, c.want&bit != 0; got != want {
					t.Errorf("colour of class %d seen: %v, want %v", class, got, want)
				}
			}
		})
	}
}

func TestLossBaseline(t *testing.T) {
	for name, c := range map[string]struct {
		curve LossCurve
		seen  bool
	}{
		"several epochs": {LossCurve{Epoch: []float64{1, 2}, Train: []float64{3, 1}, Baseline: 2, BaselineLabel: "mean image"}, true},
		"above all":      {LossCurve{Epoch: []float64{1, 2}, Train: []float64{3, 1}, Baseline: 500, BaselineLabel: "mean image"}, true},
		"one epoch":      {LossCurve{Epoch: []float64{1}, Train: []float64{3}, Baseline: 2, BaselineLabel: "mean image"}, true},
		"zero":           {LossCurve{Epoch: []float64{1, 2}, Train: []float64{3, 1}, BaselineLabel: "mean image"}, true},
		"no label":       {LossCurve{Epoch: []float64{1, 2}, Train: []float64{3, 1}, Baseline: 2}, false},
		"not measured":   {LossCurve{Epoch: []float64{1, 2}, Train: []float64{3, 1}, Baseline: math.NaN(), BaselineLabel: "mean image"}, false},
	} {
		img := picture(t, func(b *bytes.Buffer) error { return Loss(b, c.curve) })
		if got := count(img, image.Rect(150, 70, 1400, 820), baselineColor()) >= 20; got != c.seen {
			t.Errorf("%s: the line is seen: %v, want %v", name, got, c.seen)
		}
	}
}

func TestLossAxes(t *testing.T) {
	epochs := []float64{1, 2, 3}
	for _, c := range []struct {
		name                   string
		train                  []float64
		xMin, xMax, yMin, yMax float64
		y                      string // labels
	}{
		{name: "a decade is linear", train: []float64{10, 5, 1}, xMax: 3, yMin: 0.64, yMax: 10.36, y: "2 4 6 8 10"},
		{
			name: "more is logarithmic", train: []float64{100, 5, 1}, xMax: 3, yMin: -0.08, yMax: 2.08,
			y: "1 2 5 10 20 50 100",
		},
		{name: "0 has no logarithm", train: []float64{100, 5, 0}, xMax: 3, yMin: -4, yMax: 104, y: "0 20 40 60 80 100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, err := LossCurve{Epoch: epochs, Train: c.train}.series()
			if err != nil {
				t.Fatal(err)
			}
			p := newPlot("", "")
			scaleLoss(p, all)
			for _, r := range []struct{ got, want float64 }{
				{p.X.Min, c.xMin}, {p.X.Max, c.xMax}, {p.Y.Min, c.yMin}, {p.Y.Max, c.yMax},
			} {
				if math.Abs(r.got-r.want) > 1e-9 {
					t.Errorf("range x %v to %v, y %v to %v; want x %v to %v, y %v to %v",
						p.X.Min, p.X.Max, p.Y.Min, p.Y.Max, c.xMin, c.xMax, c.yMin, c.yMax)
				}
			}
			if got := labels(p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max)); got != c.y {
				t.Errorf("labels %q, want %q", got, c.y)
			}
		})
	}
}

func TestLossLeavesItsInputAlone(t *testing.T) {
	c := LossCurve{Epoch: []float64{1, 2}, Train: []float64{100, 1}}
	if err := Loss(&bytes.Buffer{}, c); err != nil {
		t.Fatal(err)
	}
	if c.Train[0] != 100 || c.Train[1] != 1 {
		t.Errorf("the losses became %v", c.Train)
	}
}

func TestLossMarksSinglePointsAndFewOnes(t *testing.T) {
	many := make([]float64, 41)
	for i := range many {
		many[i] = float64(i + 1)
	}
	for _, c := range []struct {
		curve LossCurve
		want  bool
	}{
		{curve: LossCurve{Epoch: many, Train: many}, want: false},
		{curve: LossCurve{Epoch: many[:40], Train: many[:40]}, want: true},
		{curve: LossCurve{Step: many, StepLoss: many}, want: false},
		{curve: LossCurve{Step: many[:1], StepLoss: many[:1]}, want: true},
	} {
		all, err := c.curve.series()
		if err != nil || len(all) != 1 || all[0].mark != c.want {
			t.Errorf("%d steps, %d epochs: %+v (%v), want marks %v", len(c.curve.Step), len(c.curve.Epoch), all, err, c.want)
		}
	}
}

func TestLossErrors(t *testing.T) {
	for want, c := range map[string]LossCurve{
		"report: loss: no finite value":           {},
		"report: loss: no finite value; want":     {Epoch: []float64{1}, Train: []float64{math.NaN()}},
		"validation: 1 values at 2 places":        {Epoch: []float64{1, 2}, Val: []float64{1}},
		"train, by step: 2 values at 0 places":    {StepLoss: []float64{1, 2}},
		"test: 2 values at 1 places; want as man": {Epoch: []float64{1}, Test: []float64{1, 2}},
	} {
		wantError(t, Loss(&bytes.Buffer{}, c), want)
	}
}
