package report

import (
	"bytes"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"testing"
)

// scattered returns n codes of z values, evenly spread, in classes.
func scattered(n, z, classes int) Codes {
	r := rand.New(rand.NewPCG(1, 2))
	l := Codes{Title: "title", N: n, Z: z, Values: make([]float32, n*z)}
	for i := range l.Values {
		l.Values[i] = 20*r.Float32() - 10
	}
	for i := range n {
		l.Labels = append(l.Labels, byte(i%classes))
	}
	return l
}

func TestLatent(t *testing.T) {
	for _, z := range []int{1, 2, 3, 8, 200} {
		for _, c := range []struct {
			name    string
			n       int
			classes int
			change  func(*Codes)
		}{
			{name: "ten classes", n: 200, classes: 10},
			{name: "all classes", n: 600, classes: 256},
			{name: "no labels", n: 50, classes: 1, change: func(l *Codes) { l.Labels, l.Title = nil, "" }},
			{name: "one code", n: 1, classes: 1},
			{name: "two codes", n: 2, classes: 2},
			{name: "constant", n: 30, classes: 3, change: func(l *Codes) {
				for i := range l.Values {
					l.Values[i] = -3
				}
			}},
			{name: "zero", n: 30, classes: 3, change: func(l *Codes) { clear(l.Values) }},
			{name: "constant but for one value", n: 30, classes: 3, change: func(l *Codes) {
				clear(l.Values)
				l.Values[0] = math.SmallestNonzeroFloat32
			}},
			{name: "the largest numbers", n: 30, classes: 3, change: func(l *Codes) {
				for i := range l.Values {
					l.Values[i] *= math.MaxFloat32 / 10
				}
			}},
		} {
			t.Run(fmt.Sprintf("%d/%s", z, c.name), func(t *testing.T) {
				l := scattered(c.n, z, c.classes)
				if c.change != nil {
					c.change(&l)
				}
				img := picture(t, func(b *bytes.Buffer) error { return Latent(b, l) })
				if img.Bounds() != image.Rect(0, 0, latentWidthPx, latentHeightPx) {
					t.Fatalf("size %v", img.Bounds())
				}
				if !drawn(img, image.Rect(145, 75, 1225, 1030)) {
					t.Error("there are no codes")
				}
				legend := image.Rect(1240, 50, latentWidthPx, latentHeightPx)
				for class := range min(c.classes, 10) {
					if z == 1 || l.Labels == nil || c.classes > 10 {
						break // no legend, or one that starts further left
					}
					if count(img, legend, classColor(byte(class))) < 50 {
						t.Errorf("class %d is not in the legend", class)
					}
				}
			})
		}
	}
}

// A README must be able to carry the picture of a whole test set.
func TestLatentOfManyCodesIsSmall(t *testing.T) {
	const limit = 850_000 // bytes
	for _, z := range []int{1, 2, 3, 8} {
		var b bytes.Buffer
		if err := Latent(&b, scattered(12_000, z, 10)); err != nil {
			t.Fatal(err)
		}
		if b.Len() > limit {
			t.Errorf("%d values a code: %d bytes, want at most %d", z, b.Len(), limit)
		}
	}
}

func TestLatentErrors(t *testing.T) {
	bad := func(i int, v float64) Codes {
		l := scattered(3, 2, 1)
		l.Values[i] = float32(v)
		return l
	}
	for _, c := range []struct {
		codes Codes
		want  string
	}{
		{codes: Codes{}, want: "report: latent: 0 values for 0 codes of 0"},
		{codes: Codes{N: 1}, want: "0 values for 1 codes of 0"},
		{codes: Codes{N: -1, Z: -1, Values: make([]float32, 1)}, want: "1 values for -1 codes of -1"},
		{codes: Codes{N: 2, Z: 2, Values: make([]float32, 5)}, want: "5 values for 2 codes of 2"},
		{codes: Codes{N: math.MaxInt, Z: 2}, want: "0 values for"},
		{codes: Codes{N: 2, Z: 1, Values: make([]float32, 2), Labels: make([]byte, 1)}, want: "1 labels"},
		{codes: bad(3, math.NaN()), want: "code 1: value 1 is NaN"},
		{codes: bad(0, math.Inf(1)), want: "code 0: value 0 is +Inf"},
		{codes: bad(5, math.Inf(-1)), want: "code 2: value 1 is -Inf"},
	} {
		wantError(t, Latent(&bytes.Buffer{}, c.codes), c.want)
	}
}

func TestSampleIsEvenAndKeepsLabels(t *testing.T) {
	const n = 25_000
	l := Codes{N: n, Z: 2, Values: make([]float32, 2*n), Labels: make([]byte, n)}
	for i := range n {
		l.Values[2*i], l.Values[2*i+1], l.Labels[i] = float32(i), float32(-i), byte(i)
	}
	values, labels := l.sample()
	if len(values) != 2*maxPoints || len(labels) != maxPoints {
		t.Fatalf("%d values, %d labels; want %d codes", len(values), len(labels), maxPoints)
	}
	for i, label := range labels {
		v, second := values[2*i], values[2*i+1]
		if want := i * 5 / 2; int(v) != want || second != -v || label != byte(want) {
			t.Fatalf("code %d is row %v (%v, label %d), want row %d", i, v, second, label, want)
		}
	}
}

func TestBoxIsSeenFromItsNearEdge(t *testing.T) {
	_, _, nearest := vec{1, -1, 1}.view()
	for _, corner := range []vec{{1, 1, 1}, {1, 1, -1}, {1, -1, -1}, {-1, 1, 1}, {-1, 1, -1}, {-1, -1, 1}, {-1, -1, -1}} {
		if _, _, near := corner.view(); near >= nearest {
			t.Errorf("corner %v is nearer than (1,−1,1)", corner)
		}
	}
	right, _, _ := vec{1, 0, 0}.view()
	_, up, _ := vec{0, 0, 1}.view()
	if right <= 0 || up <= 0 {
		t.Errorf("x goes right by %v, z up by %v; want both above 0", right, up)
	}
}

// Of two codes on one line of sight the near one is drawn last, whatever
// their order in the data.
func TestBoxDrawsNearCodesOverFarOnes(t *testing.T) {
	sinA, cosA := math.Sincos(azimuth)
	sinE, cosE := math.Sincos(elevation)
	toViewer := []float32{float32(cosA * cosE), float32(sinA * cosE), float32(sinE)}
	near := Codes{N: 1, Z: 3, Values: toViewer, Labels: []byte{1}} // orange
	far := Codes{N: 1, Z: 3, Labels: []byte{2}}                    // green
	for _, v := range toViewer {
		far.Values = append(far.Values, -v)
	}
	for _, order := range [][2]Codes{{near, far}, {far, near}} {
		l := Codes{N: 4, Z: 3, Values: []float32{1, 1, 1, -1, -1, -1}, Labels: []byte{0, 0}} // span the box
		for _, c := range order {
			l.Values, l.Labels = append(l.Values, c.Values...), append(l.Labels, c.Labels...)
		}
		img := picture(t, func(b *bytes.Buffer) error { return Latent(b, l) })
		orange, green := 0, 0
		for y := range latentHeightPx {
			for x := range 1200 { // where the legend is not
				r, g, b, _ := img.At(x, y).RGBA()
				switch {
				case r > g+0x1000 && g > b+0x1000:
					orange++
				case g > r+0x1000 && g > b+0x800:
					green++
				}
			}
		}
		if orange < 100 || green > orange/10 {
			t.Errorf("%d pixels of the near code, %d of the far one behind it", orange, green)
		}
	}
}

func TestHistograms(t *testing.T) {
	p := points{axes: [][]float64{{0, 1, 1, 10}}, labels: []byte{7, 2, 7, 7}}
	rows := p.histograms()
	if len(rows) != 2 || rows[0].label != 2 || rows[1].label != 7 {
		t.Fatalf("rows %+v, want classes 2 and 7", rows)
	}
	sum := func(h *histogram) (n int) {
		for _, c := range h.counts {
			n += c
		}
		return n
	}
	if sum(rows[0]) != 1 || sum(rows[1]) != 3 || rows[1].counts[0] != 1 || rows[1].counts[len(rows[1].counts)-1] != 1 {
		t.Errorf("counts %v and %v", rows[0].counts, rows[1].counts)
	}
	if all := (points{axes: p.axes}).histograms(); len(all) != 1 || sum(all[0]) != 4 || all[0].peak() != 2 {
		t.Errorf("without labels %+v, want one histogram of 4 codes", all)
	}
}
