package session

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/internal/infer"
	"aegis/internal/run"
	"aegis/internal/vm"
	"aegis/internal/vm/cpu"
	"aegis/model/program"
)

// A run of an adversarial network says three losses everywhere, and what codes
// are like; its file makes rows of draws.
func TestAdversarialRun(t *testing.T) {
	cfg := config(t, "aae")
	cfg.Hidden, cfg.Discriminator, cfg.Prior, cfg.Latent = []int{20, 20}, []int{16}, "mixture:4", 2
	ds := blobs(90, 24, 8, 6)
	out := filepath.Join(t.TempDir(), "run")
	s, err := trained(context.Background(), cfg, ds, Options{Out: out})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"loss", "discriminator", "generator"} {
		if v, ok := s.Terms[name]; !ok || !(v > 0) {
			t.Errorf("summary: term %s is %v", name, v)
		}
	}
	if s.Terms["loss"] != *s.TrainLoss || s.TestTerms != nil {
		t.Errorf("terms %v and %v of a training loss %v", s.Terms, s.TestTerms, *s.TrainLoss)
	}
	var line Metrics
	text, err := os.ReadFile(filepath.Join(out, run.MetricsFile))
	if err == nil {
		err = json.Unmarshal([]byte(strings.SplitN(string(text), "\n", 2)[0]), &line)
	}
	if err != nil || len(line.Terms) != 3 {
		t.Errorf("metrics: %v (%v)", line.Terms, err)
	}
	m, err := infer.Load(filepath.Join(out, run.ModelFile), func(p *program.Program, params vm.Params) (vm.Runner, error) {
		return cpu.OpenRunner(p, 0, params, cpu.Options{Threads: 1})
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	codes, err := m.Encode(context.Background(), ds.Test.Rows)
	if err != nil {
		t.Fatal(err)
	}
	for d := range 2 {
		sum, squares := 0.0, 0.0
		for i := d; i < len(codes); i += 2 {
			sum, squares = sum+float64(codes[i]), squares+float64(codes[i])*float64(codes[i])
		}
		n := float64(ds.Test.N)
		deviation := math.Sqrt(squares/n - sum*sum/n/n)
		if math.Abs(s.CodeMeans[d]-sum/n) > 1e-5 || math.Abs(s.CodeDeviations[d]-deviation) > 1e-5 {
			t.Errorf("dimension %d: mean %v, deviation %v; want %v, %v", d, s.CodeMeans[d], s.CodeDeviations[d], sum/n, deviation)
		}
	}
	if len(s.Warnings) == 0 || !strings.Contains(s.Warnings[len(s.Warnings)-1], "far from their prior in 2 of 2 dimensions") {
		t.Errorf("warnings %q after two epochs", s.Warnings)
	}
	draws, err := m.Prior(7, 3)
	if err != nil || len(draws) != 14 {
		t.Fatalf("%d values (%v)", len(draws), err)
	}
	if rows, err := m.Decode(context.Background(), draws); err != nil || len(rows) != 7*48 {
		t.Errorf("%d values of rows (%v)", len(rows), err)
	}
	if _, err := m.Prior(-1, 3); err == nil {
		t.Error("-1 draws")
	}
}

func TestFarFromPrior(t *testing.T) {
	prior := []float64{1, 2}
	for _, c := range []struct {
		means, deviations []float64
		want              string
	}{
		{[]float64{0.2, -0.9}, []float64{0.8, 2.4}, ""},
		{[]float64{0.6, 0}, []float64{1, 2}, "in 1 of 2 dimensions (dimension 1 has mean 0.60 and standard deviation 1.00, the prior 0 and 1.00)"},
		{[]float64{0, 0}, []float64{1, 1.1}, "(dimension 2 has mean 0.00 and standard deviation 1.10, the prior 0 and 2.00)"},
		{[]float64{0, 0}, []float64{1.6, 2}, "dimension 1 has"},
		{[]float64{-0.7, 1.1}, []float64{0, 2}, "in 2 of 2 dimensions (dimension 1 has mean -0.70 and standard deviation 0.00"},
	} {
		got := strings.Join(farFromPrior(c.means, c.deviations, prior), "; ")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("means %v, deviations %v: %q, want %q", c.means, c.deviations, got, c.want)
		}
	}
}
