package report

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

func labels(ticks []plot.Tick) string {
	var s []string
	for _, t := range ticks {
		if !t.IsMinor() {
			s = append(s, t.Label)
		}
	}
	return strings.Join(s, " ")
}

func TestLinearTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		n      int
		unit   float64
		want   string
	}{
		{lo: 0, hi: 1, n: 10, want: "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0"},
		{lo: -3.2, hi: 7, n: 6, want: "−2 0 2 4 6"},
		{lo: 0, hi: 1, n: 10, unit: 1, want: "0 1"},
		{lo: 0, hi: 5, n: 10, unit: 1, want: "0 1 2 3 4 5"},
		{lo: 0, hi: 30, n: 10, unit: 1, want: "0 5 10 15 20 25 30"},
		{lo: 0.9, hi: 1.1, n: 10, unit: 1, want: "1"},
		{lo: 0.0101, hi: 0.0119, n: 4, want: "0.0105 0.0110 0.0115"},
		{lo: 0, hi: 2e6, n: 4, want: "0 5e5 1.0e6 1.5e6 2.0e6"},
		{lo: -2e-7, hi: 1e-7, n: 3, want: "−2e−7 −1e−7 0 1e−7"},
		{lo: 99.998, hi: 100.002, n: 4, want: "99.998 99.999 100.000 100.001 100.002"},
		{lo: -3e38, hi: 3e38, n: 3, want: "−2e38 0 2e38"},
	} {
		if got := labels(linearTicks(c.n, c.unit)(c.lo, c.hi)); got != c.want {
			t.Errorf("[%v, %v] in %d: %q, want %q", c.lo, c.hi, c.n, got, c.want)
		}
	}
}

func TestLogTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64 // of the values
		want   string
	}{
		{lo: 0.004, hi: 0.09, want: "0.005 0.01 0.02 0.03 0.05 0.1"},
		{lo: 0.5, hi: 300, want: "0.5 1 2 5 10 20 50 100 200"},
		{lo: 1e-6, hi: 2, want: "1e−6 1e−5 1e−4 0.001 0.01 0.1 1"},
		{lo: 1e-20, hi: 1e20, want: "1e−18 1e−12 1e−6 1 1e6 1e12 1e18"},
	} {
		lo, hi := widen(math.Log10(c.lo), math.Log10(c.hi))
		ticks := logTicks(lo, hi)
		if got := labels(ticks); got != c.want {
			t.Errorf("[%v, %v]: %q, want %q", c.lo, c.hi, got, c.want)
		}
		for _, tick := range ticks {
			if tick.Value < lo || tick.Value > hi {
				t.Errorf("[%v, %v]: tick %q lies outside", c.lo, c.hi, tick.Label)
			}
		}
	}
}

func TestWiden(t *testing.T) {
	for _, c := range []struct{ lo, hi float64 }{
		{lo: 0, hi: 0},
		{lo: 1, hi: 1},
		{lo: -7, hi: -7},
		{lo: 0, hi: 10},
		{lo: 1, hi: 1 + 1e-12},
		{lo: -3e38, hi: 3e38},
		{lo: 1e-45, hi: 1e-45},
		{lo: -1e100, hi: 1e100},
	} {
		lo, hi := widen(c.lo, c.hi)
		if !(lo < c.lo && c.hi < hi) || math.IsInf(hi-lo, 0) {
			t.Errorf("[%v, %v] is widened to [%v, %v]", c.lo, c.hi, lo, hi)
		}
		if n := len(linearTicks(10, 0)(lo, hi)); n < 4 || n > 12 {
			t.Errorf("[%v, %v] gets %d ticks", lo, hi, n)
		}
	}
}

// TestApartTicks: labels that would touch are fewer.
func TestApartTicks(t *testing.T) {
	for _, c := range []struct {
		room vg.Length
		want string
	}{{300, "1000 1200 1400"}, {70, "1000 1500"}, {10, "1000"}} {
		if got := labels(apartTicks(4, c.room)(860, 1560)); got != c.want {
			t.Errorf("room of %v: %q, want %q", c.room, got, c.want)
		}
	}
}

func TestPercent(t *testing.T) {
	for share, want := range map[float64]string{0.994: "99 %", 0.0096: "1.0 %", 0.012: "1 %", 0.0004: "0.0 %", 0.002: "0.2 %"} {
		if got := percent(share); got != want {
			t.Errorf("%v: %q, want %q", share, got, want)
		}
	}
}
