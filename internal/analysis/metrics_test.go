package analysis

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"
)

func TestRanking(t *testing.T) {
	want := readGolden(t).Ranking
	r, err := Rank(want.Scores, want.Labels)
	if err != nil {
		t.Fatal(err)
	}
	d := r.At(3)
	near(t, "AUC, AP", []float64{r.ROCAUC(), r.AveragePrecision()}, []float64{want.AUC, want.AP}, 1e-12)
	near(t, "precision, recall, F1", []float64{d.Precision, d.Recall, d.F1}, []float64{want.Precision, want.Recall, want.F1}, 1e-12)
	near(t, "best F1", one(r.Best().F1), one(want.Best), 1e-12)
	if at := r.At(r.Best().Threshold); at != r.Best() {
		t.Errorf("at the best threshold %v, not %v", at, r.Best())
	}
}

func TestRankingByHand(t *testing.T) {
	for name, c := range map[string]struct {
		scores  []float64
		labels  []bool
		auc, ap float64
	}{
		"apart":     {[]float64{1, 2, 3, 4}, []bool{false, false, true, true}, 1, 1},
		"all wrong": {[]float64{4, 3, 2, 1}, []bool{false, false, true, true}, 0, (1./3 + 2./4) / 2},
		"all equal": {[]float64{1, 1, 1, 1}, []bool{false, true, false, true}, 0.5, 0.5},
		"one tie":   {[]float64{1, 2, 2, 3}, []bool{false, false, true, true}, 0.875, (1 + 2./3) / 2},
		"infinite":  {[]float64{math.Inf(-1), 0, math.Inf(1)}, []bool{false, false, true}, 1, 1},
	} {
		r, err := Rank(c.scores, c.labels)
		if err != nil {
			t.Fatal(err)
		}
		near(t, name, []float64{r.ROCAUC(), r.AveragePrecision()}, []float64{c.auc, c.ap}, 1e-15)
	}
	r, _ := Rank([]float64{1, 2, 3, 4}, []bool{false, true, false, true})
	for _, c := range []struct {
		threshold float64
		want      Decision
	}{
		{9, Decision{}},
		{4, Decision{Precision: 1, Recall: 0.5, F1: 2. / 3}},
		{3.5, Decision{Precision: 1, Recall: 0.5, F1: 2. / 3}},
		{2, Decision{Precision: 2. / 3, Recall: 1, F1: 0.8, FalseAlarms: 0.5}},
		{-9, Decision{Precision: 0.5, Recall: 1, F1: 2. / 3, FalseAlarms: 1}},
	} {
		c.want.Threshold = c.threshold
		if got := r.At(c.threshold); got != c.want {
			t.Errorf("at %v: %+v, want %+v", c.threshold, got, c.want)
		}
	}
	if _, err := Rank([]float64{1, 2}, []bool{true, true}); !errors.Is(err, ErrOneClass) {
		t.Errorf("one class: %v", err)
	}
	if _, err := Rank([]float64{1, math.NaN()}, []bool{true, false}); err == nil {
		t.Error("NaN: no error")
	}
}

func TestAgreement(t *testing.T) {
	want := readGolden(t).Clusters
	_, classes := made(goldenRows, 10)
	c, err := Compare(want.Guesses, classes)
	if err != nil {
		t.Fatal(err)
	}
	match, _ := c.BestMatch()
	near(t, "NMI, ARI, match", []float64{c.NMI(), c.ARI(), match}, []float64{want.NMI, want.ARI, want.Match}, 1e-12)

	renamed, _ := Compare([]int32{7, 7, -1, -1, 30}, []int32{0, 0, 5, 5, 2})
	match, to := renamed.BestMatch()
	if renamed.NMI() < 1-1e-15 || renamed.ARI() != 1 || match != 1 || !reflect.DeepEqual(to, []int{2, 0, 1}) {
		t.Errorf("other names: %v, %v, %v, %v", renamed.NMI(), renamed.ARI(), match, to)
	}
	more, _ := Compare([]int32{0, 1, 2, 2}, []int32{0, 0, 1, 1})
	if match, to := more.BestMatch(); match != 0.75 || slices.Sorted(slices.Values(to))[0] != -1 {
		t.Errorf("three labels for two: %v, %v", match, to)
	}
}

// TestAssignment tries all ways.
func TestAssignment(t *testing.T) {
	for n := 1; n <= 6; n++ {
		for salt := range uint32(20) {
			cost := uniform(n*n, 100+salt)
			best := math.Inf(1)
			permute(n, func(order []int) { best = min(best, total(cost, order)) })
			if got := total(cost, assignment(cost, n)); math.Abs(got-best) > 1e-12 {
				t.Fatalf("%d by %d: %v, want %v", n, n, got, best)
			}
		}
	}
}

func total(cost []float64, order []int) (sum float64) {
	for i, j := range order {
		sum += cost[i*len(order)+j]
	}
	return sum
}

func permute(n int, see func([]int)) {
	order := make([]int, 0, n)
	var next func()
	next = func() {
		if len(order) == n {
			see(order)
			return
		}
		for j := range n {
			if !slices.Contains(order, j) {
				order = append(order, j)
				next()
				order = order[:len(order)-1]
			}
		}
	}
	next()
}

func TestQuantile(t *testing.T) {
	want := readGolden(t).Quantiles
	sorted := uniform(37, 80)
	slices.Sort(sorted)
	for i, w := range want {
		near(t, "quantile", one(Quantile(sorted, float64(i)/8)), one(w), 1e-15)
	}
	if !math.IsNaN(Quantile(nil, 0.5)) || !math.IsNaN(Quantile(sorted, 1.1)) || !math.IsNaN(Quantile(sorted, math.NaN())) {
		t.Error("no value, or no place: want NaN")
	}
}

func TestSketch(t *testing.T) {
	for _, n := range []int{1, 2, 37, 5000, 200000} {
		values := uniform(n, 81)
		for i, v := range values {
			values[i] = -math.Log(1 - v) // a long upper tail
		}
		s, err := NewSketch(values)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(); err != nil || len(s.Q) > 2500 {
			t.Fatalf("%d values: %d quantiles, %v", n, len(s.Q), err)
		}
		slices.Sort(values)
		for _, q := range []float64{0, 0.001, 0.01, 0.3, 0.5, 0.77, 0.99, 0.999, 0.9999, 1} {
			got, want := s.Quantile(q), Quantile(values, q)
			// Linear between quantiles a 64th of a halving apart.
			if math.Abs(got-want) > 0.01*max(0.1, want) {
				t.Errorf("%d values: quantile %v is %v, want %v", n, q, got, want)
			}
			if v := s.Quantile(q); n > 1000 && math.Abs(s.Share(v)-q) > 1e-4 {
				t.Errorf("%d values: share below %v is %v, want %v", n, v, s.Share(v), q)
			}
		}
		text, err := json.Marshal(s)
		if err != nil || len(text) > 120000 {
			t.Errorf("%d values: %d bytes of JSON, %v", n, len(text), err)
		}
	}
	if _, err := NewSketch([]float64{1, math.Inf(1)}); err == nil {
		t.Error("an infinite value: no error")
	}
	s, _ := NewSketch([]float64{1, 1, 1, 1})
	if s.Share(1) != 0.5 || s.Share(0) != 0 || s.Share(2) != 1 {
		t.Errorf("equal values: shares %v, %v, %v", s.Share(0), s.Share(1), s.Share(2))
	}
	s.Values[3] = 0
	if s.Check() == nil {
		t.Error("falling values: no error")
	}
}

func TestSSIM(t *testing.T) {
	for _, c := range readGolden(t).Images {
		n := c.Shape[0] * c.Shape[1] * c.Shape[2]
		u, v := uniform(n, 70), uniform(n, 71)
		a, b := make([]float32, n), make([]float32, n)
		for i := range a {
			a[i], b[i] = float32(u[i]), float32(0.7*u[i]+0.3*v[i])
		}
		s, err := NewSSIM(c.Shape[0], c.Shape[1], c.Shape[2], 1)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // its memory is used again
			got, err := s.Of(a, b)
			if err != nil {
				t.Fatal(err)
			}
			near(t, "SSIM", one(got), one(c.SSIM), 1e-9)
		}
		if same, _ := s.Of(a, a); math.Abs(same-1) > 1e-12 {
			t.Errorf("%v: an image beside itself has %v", c.Shape, same)
		}
		if _, err := s.Of(a, b[1:]); err == nil {
			t.Error("a short image: no error")
		}
	}
}

// TestSSIMEach: each pair of many has what it has alone.
func TestSSIMEach(t *testing.T) {
	const n, size = 3*ssimPairs + 5, 2 * 13 * 14
	s, err := NewSSIM(2, 13, 14, 1)
	if err != nil {
		t.Fatal(err)
	}
	a, b := narrow(uniform(n*size, 70)), narrow(uniform(n*size, 71))
	all := make([]float64, n)
	if err := s.Each(context.Background(), all, a, b); err != nil {
		t.Fatal(err)
	}
	for i, got := range all {
		if want, _ := s.Of(a[i*size:(i+1)*size], b[i*size:(i+1)*size]); got != want {
			t.Fatalf("pair %d: %v, alone %v", i, got, want)
		}
	}
	if err := s.Each(context.Background(), all[1:], a, b); err == nil {
		t.Error("more images than results: no error")
	}
}

func TestErrorsOfValues(t *testing.T) {
	a, b := []float32{0, 1, 2, 3}, []float32{0, 3, 2, 0}
	near(t, "MSE, MAE, PSNR", []float64{MSE(a, b), MAE(a, b), PSNR(0.01, 1), PSNR(1, 255)}, []float64{13. / 4, 5. / 4, 20, 48.130803608679}, 1e-12)
	if !math.IsInf(PSNR(0, 1), 1) {
		t.Error("PSNR of no error is finite")
	}
}

func TestInterpolate(t *testing.T) {
	dst := make([]float32, 2)
	for name, c := range map[string]struct {
		way       func(dst, a, b []float32, t float64)
		a, b      []float32
		t         float64
		wantX, wy float64
	}{
		"linear":          {Lerp, []float32{1, 0}, []float32{0, 1}, 0.25, 0.75, 0.25},
		"a third of 90°":  {Slerp, []float32{2, 0}, []float32{0, 2}, 1. / 3, math.Sqrt(3), 1},
		"start":           {Slerp, []float32{2, 1}, []float32{0, 2}, 0, 2, 1},
		"end":             {Slerp, []float32{2, 1}, []float32{0, 2}, 1, 0, 2},
		"same way":        {Slerp, []float32{1, 1}, []float32{3, 3}, 0.5, 2, 2},
		"from nothing":    {Slerp, []float32{0, 0}, []float32{3, 1}, 0.5, 1.5, 0.5},
		"opposite":        {Slerp, []float32{1, 0}, []float32{-1, 0}, 0.5, 0, 0},
		"lengths between": {Slerp, []float32{1, 0}, []float32{0, 3}, 0.5, math.Sqrt(0.5), 3 * math.Sqrt(0.5)},
	} {
		c.way(dst, c.a, c.b, c.t)
		near(t, name, wide(dst), []float64{c.wantX, c.wy}, 1e-6)
	}
}
