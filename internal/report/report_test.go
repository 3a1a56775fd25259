package report

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg/draw"
)

// picture decodes what draw writes.
func picture(t *testing.T, draw func(*bytes.Buffer) error) image.Image {
	t.Helper()
	var b bytes.Buffer
	if err := draw(&b); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestTheSameDataGiveTheSameBytes(t *testing.T) {
	pixels := [][]float32{{0.1, 0.2}}
	for name, draw := range map[string]func(io.Writer) error{
		"loss": func(w io.Writer) error {
			return Loss(w, LossCurve{Epoch: []float64{1, 2}, Train: []float64{2, 1}, Val: []float64{3, 2}})
		},
		"reconstructions": func(w io.Writer) error {
			return Reconstructions(w, Grid{Pixels: Pixels{C: 1, H: 1, W: 2, Hi: 1}, Originals: pixels, Rebuilt: pixels})
		},
		"images": func(w io.Writer) error {
			return Images(w, Sheet{Pixels: Pixels{C: 1, H: 1, W: 2, Hi: 1}, Columns: 1, Images: pixels, Title: "samples"})
		},
		"terms": func(w io.Writer) error {
			return Terms(w, TermCurves{Epoch: []float64{1, 2}, Terms: []Term{{Name: "kl", Train: []float64{2, 1}}, {Name: "reconstruction", Train: []float64{3, 2}, Test: []float64{2, 1}}}})
		},
		"histograms": func(w io.Writer) error { return Latent(w, scattered(40, 1, 10)) },
		"plane":      func(w io.Writer) error { return Latent(w, scattered(40, 2, 10)) },
		"box":        func(w io.Writer) error { return Latent(w, scattered(40, 3, 10)) },
		"components": func(w io.Writer) error { return Latent(w, scattered(40, 9, 10)) },
	} {
		var first, second bytes.Buffer
		if err := errors.Join(draw(&first), draw(&second)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("%s: two pictures of the same data differ", name)
		}
	}
}

// count returns how many pixels of an area have a colour.
func count(img image.Image, area image.Rectangle, want color.Color) int {
	wr, wg, wb, _ := want.RGBA()
	n := 0
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			if r, g, b, _ := img.At(x, y).RGBA(); r == wr && g == wg && b == wb {
				n++
			}
		}
	}
	return n
}

// drawn tells whether an area holds anything but background.
func drawn(img image.Image, area image.Rectangle) bool {
	return count(img, area, color.White) < area.Dx()*area.Dy()
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

var errFull = errors.New("no space left")

type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, errFull }

func TestAFailedWriteIsReported(t *testing.T) {
	value := []float32{0.5}
	for name, err := range map[string]error{
		"loss":            Loss(fullWriter{}, LossCurve{Epoch: []float64{1}, Train: []float64{1}}),
		"reconstructions": Reconstructions(fullWriter{}, Grid{Pixels: Pixels{C: 1, H: 1, W: 1, Hi: 1}, Originals: [][]float32{value}, Rebuilt: [][]float32{value}}),
		"images":          Images(fullWriter{}, Sheet{Pixels: Pixels{C: 1, H: 1, W: 1, Hi: 1}, Columns: 1, Images: [][]float32{value}}),
		"terms":           Terms(fullWriter{}, TermCurves{Epoch: []float64{1}, Terms: []Term{{Name: "kl", Train: []float64{1}}}}),
		"latent":          Latent(fullWriter{}, Codes{N: 1, Z: 1, Values: value}),
	} {
		if !errors.Is(err, errFull) {
			t.Errorf("%s: error %v, want %v", name, err, errFull)
		} else {
			wantError(t, err, "report: "+name+": write")
		}
	}
}

func TestAPanicOfThePlottingLibraryIsAnError(t *testing.T) {
	var b bytes.Buffer
	err := render(&b, PNG, 10, 10, func(draw.Canvas) { panic("illegal range") })
	wantError(t, err, "draw: illegal range")
	if b.Len() != 0 {
		t.Errorf("%d bytes were written all the same", b.Len())
	}
}

func TestFit(t *testing.T) {
	s := textStyle(labelSize, 0, 0)
	wide := s.Width("automobile")
	for _, c := range []struct{ text, want string }{
		{text: "automobile", want: "automobile"},
		{text: "two\nlines", want: "two lines"},
		{text: "automobile, red", want: "automob…"},
		{text: "", want: ""},
	} {
		got := fit(s, c.text, wide)
		if got != c.want || s.Width(got) > wide {
			t.Errorf("%q is fitted as %q, %v wide; want %q, at most %v", c.text, got, s.Width(got), c.want, wide)
		}
	}
}

// lab returns a colour in CIE L*a*b* (D65) as it is seen through a matrix over
// linear RGB.
func lab(c color.NRGBA, seen [3][3]float64) [3]float64 {
	var linear, rgb [3]float64
	for i, v := range []uint8{c.R, c.G, c.B} {
		s := float64(v) / 255
		if linear[i] = math.Pow((s+0.055)/1.055, 2.4); s <= 0.04045 {
			linear[i] = s / 12.92
		}
	}
	for i, row := range seen {
		rgb[i] = min(max(row[0]*linear[0]+row[1]*linear[1]+row[2]*linear[2], 0), 1)
	}
	f := func(r, g, b, white float64) float64 {
		t := (r*rgb[0] + g*rgb[1] + b*rgb[2]) / white
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x, y, z := f(0.4124, 0.3576, 0.1805, 0.9505), f(0.2126, 0.7152, 0.0722, 1), f(0.0193, 0.1192, 0.9505, 1.089)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func TestTenColoursStayApart(t *testing.T) {
	// The matrices of Machado, Oliveira and Fernandes, "A Physiologically-based
	// Model for Simulation of Color Vision Deficiency" (2009), severity 1.
	for name, seen := range map[string][3][3]float64{
		"usual": {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
		"protanopia": {
			{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998},
		},
		"deuteranopia": {
			{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881},
		},
		"tritanopia": {
			{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900},
		},
	} {
		const least = 15 // about 2 is just seen when side by side
		for a := range byte(10) {
			for b := range a {
				p, q := lab(classColor(a), seen), lab(classColor(b), seen)
				if d := math.Sqrt(math.Pow(p[0]-q[0], 2) + math.Pow(p[1]-q[1], 2) + math.Pow(p[2]-q[2], 2)); d < least {
					t.Errorf("%s: classes %d and %d are %.1f apart, want %d", name, a, b, d, least)
				}
			}
		}
	}
}

func TestEveryClassHasAColourOfItsOwn(t *testing.T) {
	seen := make(map[color.NRGBA]int)
	for class := range 256 {
		c := classColor(byte(class))
		if other, ok := seen[c]; ok {
			t.Errorf("classes %d and %d are both %v", other, class, c)
		}
		if seen[c] = class; c.A != 0xff || lab(c, [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})[0] > 88 {
			t.Errorf("class %d is %v, hardly seen on white", class, c)
		}
	}
}
