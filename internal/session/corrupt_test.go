package session

import (
	"context"
	"math"
	"testing"

	"aegis/internal/run"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model/program"
)

// What a picture shows as corrupted is what evaluation reads: the loss of what
// is rebuilt of it is the loss that evaluation gives.
func TestCorrupted(t *testing.T) {
	ds := blobs(32, 9, 8, 6)
	for _, output := range []string{"sigmoid", "tanh"} {
		for _, kind := range []string{"gaussian:0.5", "mask:0.25", "saltpepper:0.25"} {
			t.Run(output+" "+kind, func(t *testing.T) {
				cfg := config(t, "fc12")
				cfg.Image, cfg.Output, cfg.Corrupt = [3]int{1, 8, 6}, output, kind
				p, err := cfg.Program()
				if err != nil {
					t.Fatal(err)
				}
				m, _, err := openCPU(cfg, p)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = m.Close() }()
				if err := m.Bind(vm.TestSet, ds.Test.Rows); err != nil {
					t.Fatal(err)
				}
				tr := &trainer{cfg: cfg, program: p}
				rows := train.Rows(ds.Test.N)
				corrupted, err := tr.corrupted(shown{set: vm.TestSet, from: ds.Test}, rows)
				if err != nil {
					t.Fatal(err)
				}
				rebuilt, clean := make([]float32, len(corrupted)), make([]float32, p.PixelCount())
				if err := m.Infer(context.Background(), program.Reconstruct, program.Feed{Values: corrupted}, rebuilt); err != nil {
					t.Fatal(err)
				}
				loss, differ := 0.0, 0
				for i := range ds.Test.N {
					p.Scaling.Read(clean, ds.Test.Rows, i)
					for at, v := range clean {
						loss += math.Pow(float64(rebuilt[i*len(clean)+at]-v), 2) / float64(len(corrupted))
						if corrupted[i*len(clean)+at] != v {
							differ++
						}
					}
				}
				terms, err := m.Evaluate(context.Background(), vm.TestSet, rows)
				if err != nil {
					t.Fatal(err)
				}
				if len(terms) != 2 || math.Abs(terms[0]-loss) > 1e-5*loss || terms[0] == terms[1] {
					t.Errorf("evaluation %v, want the loss on corrupted rows %v and another on clean ones", terms, loss)
				}
				if share := float64(differ) / float64(len(corrupted)); share < 0.05 {
					t.Errorf("%v of the values are corrupted", share)
				}
			})
		}
	}
}

// A regularised run says what its codes and losses are.
func TestRegularisedSummary(t *testing.T) {
	cfg := config(t, "fc12")
	cfg.Corrupt, cfg.Sparse, cfg.CodeL2, cfg.BatchNorm, cfg.Dropout, cfg.L2 = "mask:0.25", "topk:3", 1e-3, true, 0.1, 1e-4
	out := t.TempDir() + "/run"
	s, err := trained(context.Background(), cfg, blobs(64, 16, 8, 6), Options{Out: out})
	if err != nil {
		t.Fatal(err)
	}
	if s.Zeros == nil || *s.Zeros != 0.75 || s.CleanLoss == nil || s.TestLoss == nil || *s.CleanLoss == *s.TestLoss {
		t.Errorf("zeros %v, want 0.75 of 12 values; losses %v and %v, want two", s.Zeros, s.CleanLoss, s.TestLoss)
	}
	back, err := LoadConfig(out + "/" + run.ConfigFile)
	if err != nil || back.Regular != cfg.Regular {
		t.Errorf("the file has %+v (%v), want %+v", back.Regular, err, cfg.Regular)
	}
}
