package analysis

import (
	"context"
	"math"
	"reflect"
	"slices"
	"testing"
)

func TestProbe(t *testing.T) {
	want := readGolden(t).Probe
	m, classes := made(goldenRows, 10)
	test, testClasses := made(20, 20)
	p, err := FitProbe(context.Background(), m, classes, ProbeOptions{L2: 0.01})
	if err != nil || !p.Converged {
		t.Fatal(err, p)
	}
	near(t, "weights", p.Weights, want.Weights, 1e-4)
	chances, err := p.Probabilities(test)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "probabilities", chances, want.Chances, 1e-4)
	guesses, err := p.Predict(test)
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for i, g := range guesses {
		if slices.Max(want.Chances[3*i:3*i+3]) != want.Chances[3*i+int(g)] {
			t.Errorf("row %d: guess %d of %v", i, g, want.Chances[3*i:3*i+3])
		}
		if g == testClasses[i] {
			right++
		}
	}
	if got, err := Accuracy(guesses, testClasses); err != nil || got != float64(right)/20 {
		t.Errorf("accuracy %v, %v of %d right", got, err, right)
	}
}

// TestProbeApart has classes that a line parts, a column that never changes and
// labels with gaps.
func TestProbeApart(t *testing.T) {
	m := Matrix{[]float32{0, 7, 1, 7, 10, 7, 11, 7}, 4, 2}
	labels := []int32{-3, -3, 9, 9}
	p, err := FitProbe(context.Background(), m, labels, ProbeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Predict(m); err != nil || !reflect.DeepEqual(got, labels) {
		t.Errorf("%v, %v, want %v", got, err, labels)
	}
	if _, err := FitProbe(context.Background(), m, make([]int32, 4), ProbeOptions{}); err == nil {
		t.Error("one class: no error")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := FitProbe(ctx, m, labels, ProbeOptions{}); err == nil {
		t.Error("a context that has ended: no error")
	}
}

func TestProbeThreads(t *testing.T) {
	m, classes := blobs(500, 8, 5)
	threads(t, func(a, b *Probe) bool { return reflect.DeepEqual(a, b) }, func() *Probe {
		p, err := FitProbe(context.Background(), m, classes, ProbeOptions{Iterations: 10})
		if err != nil {
			t.Fatal(err)
		}
		return p
	})
}

func TestGMM(t *testing.T) {
	want := readGolden(t).Mixture
	m, classes := made(goldenRows, 10)
	test, _ := made(20, 20)
	g, err := fitGMM(context.Background(), m, classes, GMMOptions{K: goldenClasses, Regularise: 1e-3, Tolerance: 1e-9, Iterations: 1000})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "weights", g.Weights, want.Weights, 1e-3)
	near(t, "means", g.Means, want.Means, 1e-3)
	densities, err := g.LogDensities(context.Background(), test)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "densities", densities, want.Densities, 1e-2)
}

// TestGMMSample fits a mixture to what another one draws.
func TestGMMSample(t *testing.T) {
	g := &GMM{K: 2, P: 2, Weights: []float64{0.25, 0.75}, Means: []float64{-5, 0, 5, 1}, Factors: []float64{1, 0, 0.5, 0.5, 0.2, 0, 0, 2}}
	const n = 20000
	values := g.Sample(n, 1)
	if !slices.Equal(values[:20], g.Sample(10, 1)) || slices.Equal(values[:20], g.Sample(10, 2)) {
		t.Error("rows are not those of their seed and number")
	}
	back, err := FitGMM(context.Background(), Matrix{values, n, 2}, GMMOptions{K: 2})
	if err != nil {
		t.Fatal(err)
	}
	if back.Weights[0] > back.Weights[1] { // in the order of g
		slices.Reverse(back.Weights)
		back.Means = append(back.Means[2:], back.Means[:2]...)
		back.Factors = append(back.Factors[4:], back.Factors[:4]...)
	}
	near(t, "weights", back.Weights, g.Weights, 0.02)
	near(t, "means", back.Means, g.Means, 0.05)
	near(t, "factors", back.Factors, g.Factors, 0.05)
}

// TestGMMFewRows has fewer rows than columns, and a column that never changes.
func TestGMMFewRows(t *testing.T) {
	m, _ := blobs(30, 64, 3)
	for i := range m.Rows {
		m.Values[i*64] = 5
	}
	g, err := FitGMM(context.Background(), m, GMMOptions{K: 5})
	if err != nil {
		t.Fatal(err)
	}
	if notFinite(g.Sample(50, 0)) >= 0 || g.Likelihood-g.Likelihood != 0 {
		t.Errorf("not finite: likelihood %v", g.Likelihood)
	}
	same := Matrix{make([]float32, 12), 4, 3}
	if _, err := FitGMM(context.Background(), same, GMMOptions{K: 2}); err != nil {
		t.Errorf("equal rows: %v", err)
	}
}

func TestGMMThreads(t *testing.T) {
	m, _ := blobs(900, 6, 4)
	threads(t, func(a, b *GMM) bool { return reflect.DeepEqual(a, b) }, func() *GMM {
		g, err := FitGMM(context.Background(), m, GMMOptions{K: 4, Iterations: 5})
		if err != nil {
			t.Fatal(err)
		}
		return g
	})
}

func TestAffinities(t *testing.T) {
	want := readGolden(t).Affinities
	m, _ := made(goldenRows, 10)
	pool, err := newPool()
	if err != nil {
		t.Fatal(err)
	}
	p, err := affinities(context.Background(), pool, m, 10)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want {
		if math.Abs(float64(p[i])-w) > 1e-4*w+1e-9 {
			t.Fatalf("affinity %d is %v, want %v", i, p[i], w)
		}
	}
}

// TestTSNE places well parted clusters: each row's neighbours are of its own.
func TestTSNE(t *testing.T) {
	m, classes := blobs(300, 10, 5)
	for i := range m.Values {
		m.Values[i] += 4 * float32(int(classes[i/10])*(i%10)%5)
	}
	calls := 0
	y, err := TSNE(context.Background(), m, TSNEOptions{Iterations: 300, Progress: func(int, int) { calls++ }})
	if err != nil || calls != 300 {
		t.Fatal(err, calls)
	}
	placed := Matrix{y, 300, 2}
	found, err := NearestNeighbours(context.Background(), placed, placed, 6)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range found.Rows {
		if classes[r] != classes[i/6] {
			t.Fatalf("row %d lies beside row %d of another cluster", i/6, r)
		}
	}
}

// TestTSNEGradient holds the forces to finite differences of Kullback and
// Leibler's divergence.
func TestTSNEGradient(t *testing.T) {
	const n = 12
	m, _ := made(n, 30)
	pool, err := newPool()
	if err != nil {
		t.Fatal(err)
	}
	s := &tsne{pool: pool, n: n}
	if s.p, err = affinities(context.Background(), pool, m, 3); err != nil {
		t.Fatal(err)
	}
	if err := s.begin(context.Background(), m, 0); err != nil {
		t.Fatal(err)
	}
	y := uniform(2*n, 90)
	divergence := func() (kl float64) {
		var total float64
		q := make([]float64, n*n)
		for i := range q {
			if a, b := i/n, i%n; a != b {
				q[i] = 1 / (1 + math.Pow(y[2*a]-y[2*b], 2) + math.Pow(y[2*a+1]-y[2*b+1], 2))
				total += q[i]
			}
		}
		for i, v := range q {
			if v > 0 {
				kl += float64(s.p[i]) * math.Log(float64(s.p[i])*total/v)
			}
		}
		return kl
	}
	s.y = narrow(y)
	for i := range n {
		s.forces(i)
	}
	for i := range y {
		got := 4 * (float64(s.attract[i]) - float64(s.repel[i])/sum(s.sums))
		at := y[i]
		y[i] = at + 1e-5
		up := divergence()
		y[i] = at - 1e-5
		want := (up - divergence()) / 2e-5
		y[i] = at
		near(t, "gradient", one(got), one(want), 1e-5)
	}
}

func TestTSNESmall(t *testing.T) {
	for name, m := range map[string]Matrix{
		"four":       {[]float32{1, 2, 3, 4}, 4, 1},
		"equal rows": {make([]float32, 40), 20, 2},
	} {
		y, err := TSNE(context.Background(), m, TSNEOptions{Iterations: 60})
		if err != nil || notFinite(y) >= 0 {
			t.Errorf("%s: %v, %v", name, y, err)
		}
	}
	if _, err := TSNE(context.Background(), Matrix{[]float32{1, 2, 3}, 3, 1}, TSNEOptions{}); err == nil {
		t.Error("three rows: no error")
	}
}

func TestTSNEThreads(t *testing.T) {
	m, _ := blobs(200, 6, 4)
	threads(t, slices.Equal, func() []float32 {
		y, err := TSNE(context.Background(), m, TSNEOptions{Iterations: 30})
		if err != nil {
			t.Fatal(err)
		}
		return y
	})
}

func BenchmarkProbe(b *testing.B) {
	m, classes := blobs(60000, 12, 10)
	for b.Loop() {
		if _, err := FitProbe(context.Background(), m, classes, ProbeOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGMM(b *testing.B) {
	for _, p := range []int{12, 128} {
		m, _ := blobs(60000, p, 10)
		b.Run(map[int]string{12: "12", 128: "128"}[p], func(b *testing.B) {
			for b.Loop() {
				if _, err := FitGMM(context.Background(), m, GMMOptions{K: 20}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkTSNE(b *testing.B) {
	m, _ := blobs(5000, 12, 10)
	for b.Loop() {
		if _, err := TSNE(context.Background(), m, TSNEOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
