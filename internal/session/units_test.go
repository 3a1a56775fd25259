package session

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aegis/internal/numtest"
)

// A weight of the divergence that leaves nothing to say has a code that is dead,
// and a small one a code that is in use; the divergences of its dimensions are
// together that of the test set.
func TestCollapseIsSeen(t *testing.T) {
	for _, c := range []struct {
		beta float64
		dead bool
	}{{1000, true}, {0.001, false}} {
		cfg := config(t, "vae")
		cfg.Beta, cfg.Hidden, cfg.Latent, cfg.Epochs = c.beta, []int{16}, 3, 30
		s, err := trained(context.Background(), cfg, blobs(120, 40, 6, 6), Options{Out: filepath.Join(t.TempDir(), "run")})
		if err != nil {
			t.Fatal(err)
		}
		if s.ActiveUnits == nil || len(s.KLDimensions) != 3 {
			t.Fatalf("active units %v, divergences %v", s.ActiveUnits, s.KLDimensions)
		}
		warned := slices.ContainsFunc(s.Warnings, func(w string) bool { return strings.Contains(w, "every dimension of the code is dead") })
		if (*s.ActiveUnits == 0) != c.dead || warned != c.dead {
			t.Errorf("beta %v: %d active units, warnings %q", c.beta, *s.ActiveUnits, s.Warnings)
		}
		sum := 0.0
		for _, v := range s.KLDimensions {
			sum += v
		}
		numtest.Close(t, "divergence", []float64{sum}, []float64{s.TestTerms["kl"]}, 1e-4)
	}
	plain, err := trained(context.Background(), config(t, "fc12"), blobs(20, 8, 6, 6), Options{Out: filepath.Join(t.TempDir(), "run")})
	if err != nil || plain.ActiveUnits != nil || plain.KLDimensions != nil {
		t.Errorf("a code that is no distribution has %v active units (%v)", plain.ActiveUnits, err)
	}
}

// A dimension is in use where its means' variance over rows is above 0.01.
func TestDeadDimensions(t *testing.T) {
	got := deadDimensions([]float64{0.0101, 0.01, 2, math.NaN()})
	if !slices.Equal(got, []int{1, 3}) {
		t.Errorf("dead %v", got)
	}
}

func TestCollapsed(t *testing.T) {
	for _, c := range []struct {
		dead []int
		want string
	}{
		{[]int{}, ""},
		{[]int{0, 1, 2, 3}, ""},
		{[]int{0, 2, 3, 4, 6, 7}, "6 of the code's 8 dimensions are dead (1, 3–5, 7, 8): their"},
		{[]int{0, 1, 2, 3, 4, 5, 6, 7}, "every dimension of the code is dead: their"},
	} {
		if got := collapsed(c.dead, 8); (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("dead %v: %q, want %q", c.dead, got, c.want)
		}
	}
}
