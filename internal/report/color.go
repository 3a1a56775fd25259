package report

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/palette"
)

// classColor returns the colour of a class. The first six are from Okabe and
// Ito, "Color Universal Design" (2008); the other four were chosen so that any
// two of the ten stay apart under each kind of colour blindness, which a test
// holds. Further classes go around the hues by the golden angle.
func classColor(class byte) color.NRGBA {
	ten := [...]uint32{
		0x0072b2, 0xe69f00, 0x009e73, 0xd55e00, 0x56b4e9,
		0xcc79a7, 0x7722dd, 0x772200, 0xbbcc66, 0x404048,
	}
	if int(class) < len(ten) {
		rgb := ten[class]
		return color.NRGBA{R: uint8(rgb >> 16), G: uint8(rgb >> 8), B: uint8(rgb), A: 0xff}
	}
	const goldenAngle = 0.381966 // of a turn
	i := int(class) - len(ten)
	_, hue := math.Modf(float64(i) * goldenAngle)
	tone := [...]struct{ saturation, value float64 }{{0.85, 0.6}, {0.5, 0.85}, {0.95, 0.85}}[i%3]
	r, g, b, _ := palette.HSVA{H: hue, S: tone.saturation, V: tone.value, A: 1}.RGBA()
	return color.NRGBA{R: uint8(r >> 8), G: uint8(g >> 8), B: uint8(b >> 8), A: 0xff}
}

func white() color.NRGBA { return color.NRGBA{R: 0xff, G: 0xff, B: 0xff, A: 0xff} }

// mix returns a with a share of b in [0, 1]; the opacity is a's.
func mix(a, b color.NRGBA, share float64) color.NRGBA {
	channel := func(a, b uint8) uint8 {
		return uint8(math.Round(float64(a)*(1-share) + float64(b)*share))
	}
	return color.NRGBA{R: channel(a.R, b.R), G: channel(a.G, b.G), B: channel(a.B, b.B), A: a.A}
}

func opacity(c color.NRGBA, alpha float64) color.NRGBA {
	c.A = uint8(math.Round(255 * alpha))
	return c
}
