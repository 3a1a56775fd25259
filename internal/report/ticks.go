package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

// widen returns a range that shows [lo, hi] with a margin and is never empty.
func widen(lo, hi float64) (float64, float64) {
	const share, least = 0.04, 1e-5
	size := max(math.Abs(lo), math.Abs(hi))
	margin := share * (hi - lo)
	switch {
	case size == 0:
		margin = 1
	case hi-lo < least*size: // one value, but for rounding
		margin = 0.1 * size
	}
	return lo - margin, hi + margin
}

// linearTicks puts about n labels, multiples of 1, 2 or 5 times a power of
// ten and of unit at least, on an axis. Their distance is at most 1/n of it
// unless unit is more.
func linearTicks(n int, unit float64) plot.TickerFunc {
	return func(lo, hi float64) []plot.Tick {
		least := max((hi-lo)/float64(n), unit)
		exponent := math.Floor(math.Log10(least))
		step := math.Pow(10, exponent)
		for _, factor := range []float64{2, 5, 10} {
			if step < least*(1-1e-9) {
				step = factor * math.Pow(10, exponent)
			}
		}
		var ticks []plot.Tick
		const slack = 1e-9 // for rounding
		for i := math.Ceil(lo/step - slack); i <= hi/step+slack; i++ {
			ticks = append(ticks, plot.Tick{Value: i * step, Label: number(i*step, step, max(math.Abs(lo), math.Abs(hi)))})
		}
		return ticks
	}
}

// apartTicks puts at most about n labels on a horizontal axis, so few that they
// do not touch: the axis may be a quarter shorter than the room that it has.
func apartTicks(n int, room vg.Length) plot.TickerFunc {
	style := textStyle(tickSize, 0, 0)
	return func(lo, hi float64) []plot.Tick {
		for ; ; n-- {
			ticks := linearTicks(n, 0)(lo, hi)
			var wide vg.Length
			for _, t := range ticks {
				wide = max(wide, style.Width(t.Label)+pad)
			}
			if n == 1 || len(ticks) < 2 || vg.Length((ticks[1].Value-ticks[0].Value)/(hi-lo))*0.75*room >= wide {
				return ticks
			}
		}
	}
}

// percent is a share, of small ones with a digit more.
func percent(share float64) string {
	if share < 0.00995 {
		return fmt.Sprintf("%.1f %%", 100*share)
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}

// logTicks labels an axis of decimal logarithms with the numbers themselves:
// the powers of ten, on short axes some multiples too. It marks the others.
func logTicks(lo, hi float64) []plot.Tick {
	labelled := map[int]bool{1: true}
	if hi-lo < 4 {
		labelled[2], labelled[5] = true, true
	}
	if hi-lo < 1.5 {
		labelled[3] = true
	}
	every := int(math.Ceil((hi - lo) / 8)) // at most about eight powers
	var ticks []plot.Tick
	for e := int(math.Floor(lo)); e <= int(math.Ceil(hi)); e++ {
		for factor := 1; factor < 10 && e%every == 0; factor++ {
			value := float64(factor) * math.Pow(10, float64(e))
			t := plot.Tick{Value: math.Log10(value)}
			if labelled[factor] {
				t.Label = number(value, value, value)
			}
			if t.Value >= lo && t.Value <= hi && (t.Label != "" || every == 1) {
				ticks = append(ticks, t)
			}
		}
	}
	return ticks
}

// number prints v with the digits that set it apart from v + step, on an axis
// whose largest number, in size, is given.
func number(v, step, largest float64) string {
	const slack = 1e-9 // for rounding: the logarithm of 1000 may be below 3
	digits := func(v float64) int { return int(math.Floor(math.Log10(v) + slack)) }
	var s string
	switch {
	case math.Abs(v) < step/2:
		s = "0"
	case largest >= 1e5 || largest < 1e-3:
		s = strconv.FormatFloat(v, 'e', max(0, digits(math.Abs(v))-digits(step)), 64)
		mantissa, power, _ := strings.Cut(s, "e")
		sign := strings.TrimPrefix(power[:1], "+")
		s = mantissa + "e" + sign + strings.TrimLeft(power[1:], "0")
	default:
		s = strconv.FormatFloat(v, 'f', max(0, -digits(step)), 64)
	}
	return strings.ReplaceAll(s, "-", "−")
}
