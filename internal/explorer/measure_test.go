package explorer_test

import (
	"testing"

	"aegis/data"
	"aegis/data/philox"
	"aegis/internal/browsertest"
)

// many are rows of a few values, as many as a map has to bear.
func many(n int) data.Set {
	s := data.Set{Rows: data.Rows{N: n, Shape: data.Shape{W: 6}}}
	draw := philox.Stream{Seed: 5, Purpose: philox.For("test")}
	for i := range n {
		for j := range 6 {
			s.Floats = append(s.Floats, float32(draw.Uint32(0, uint32(i), uint32(j))%2000)/500-2+float32(i%10))
		}
		s.Labels = append(s.Labels, byte(i%10))
	}
	return s
}

// BenchmarkPan moves and zooms a map of 60,000 points and reports the time that
// the script takes for a frame.
func BenchmarkPan(b *testing.B) {
	g := given(b, "fc3", many(60_000), standardOf(many(1)))
	g.Points = 60_000
	v := open(b, browsertest.Saved(b, written(b, g)), 1400, 900)
	for range b.N {
		v.Evaluate(`times = []; new Promise((done) => {
			const step = (k) => {
				if (k > 0) times.push(explorer.map.drawMs);
				if (k === 120) return done();
				if (k % 2) explorer.map.panBy(Math.cos(k / 9) * 9, Math.sin(k / 9) * 9); else explorer.map.zoomBy(k < 60 ? 1.02 : 1 / 1.02);
				requestAnimationFrame(() => requestAnimationFrame(() => step(k + 1)));
			};
			step(0);
		})`)
		v.Until("times.length === 120")
	}
	b.ReportMetric(v.Number("times.sort((a, b) => a - b)[60]"), "median-ms/frame")
	b.ReportMetric(v.Number("times[114]"), "95%-ms/frame")
	b.ReportMetric(v.Number("times[6]"), "5%-ms/frame")
}

// BenchmarkDecode reports the time that a decoding and a whole drag event take.
func BenchmarkDecode(b *testing.B) {
	for _, preset := range []string{"fc3", "fc12", "fc64", "deep30", "vae", "conv", "conv-vae"} {
		b.Run(preset, func(b *testing.B) {
			g := given(b, preset, digits(b, 200), nil)
			v := open(b, browsertest.Saved(b, written(b, g)), 1400, 900)
			for range b.N {
				v.Evaluate(`times = []; whole = []; for (let k = 0; k < 300; k++) {
					const from = performance.now();
					explorer.map["events"].moved(Math.cos(k), Math.sin(k));
					whole.push(performance.now() - from);
					times.push(explorer.state.decodeMs);
				} times.sort((a, b) => a - b); whole.sort((a, b) => a - b);`)
			}
			b.ReportMetric(v.Number("times[150]"), "decode-ms")
			b.ReportMetric(v.Number("whole[150]"), "drag-median-ms")
			b.ReportMetric(v.Number("whole[285]"), "drag-95%-ms")
		})
	}
}
