package main

import (
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// pictures writes landscapes by day and by night, and the sea, as JPEG and PNG
// of many sizes, a folder a kind.
func pictures(dir string) error {
	const each = 200
	for number, kind := range []string{"day", "night", "sea"} {
		if err := os.MkdirAll(filepath.Join(dir, kind), 0o777); err != nil {
			return err
		}
		for i := range each {
			r := rand.New(rand.NewPCG(uint64(number), uint64(i)))
			img := landscape(r, kind)
			name, encode := fmt.Sprintf("%03d.jpg", i), asJPEG
			if i%4 == 0 {
				name, encode = fmt.Sprintf("%03d.png", i), png.Encode
			}
			if err := write(filepath.Join(dir, kind, name), img, encode); err != nil {
				return err
			}
		}
	}
	return nil
}

func asJPEG(w io.Writer, img image.Image) error {
	return jpeg.Encode(w, img, &jpeg.Options{Quality: 90})
}

func write(path string, img image.Image, encode func(io.Writer, image.Image) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := encode(f, img); err != nil {
		return err
	}
	return f.Close()
}

// landscape draws a sky with a sun or a moon over hills or waves.
func landscape(r *rand.Rand, kind string) image.Image {
	width, height := 120+r.IntN(140), 100+r.IntN(120)
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	colours := map[string][4]color.RGBA{ // sky above and below, sun, ground
		"day":   {{90, 150, 230, 255}, {220, 235, 250, 255}, {255, 240, 150, 255}, {70, 130, 60, 255}},
		"night": {{10, 12, 40, 255}, {50, 50, 90, 255}, {240, 240, 220, 255}, {15, 25, 20, 255}},
		"sea":   {{120, 180, 230, 255}, {250, 210, 180, 255}, {255, 180, 110, 255}, {20, 80, 140, 255}},
	}[kind]
	sunX, sunY, sun := float64(width)*r.Float64(), float64(height)*(0.1+0.3*r.Float64()), float64(height)*(0.05+0.07*r.Float64())
	level, phase, wave := 0.5+0.15*r.Float64(), 7*r.Float64(), 1+3*r.Float64()
	for y := range height {
		for x := range width {
			fx, fy := float64(x)/float64(width), float64(y)/float64(height)
			c := mix(colours[0], colours[1], fy/level)
			if math.Hypot(float64(x)-sunX, float64(y)-sunY) < sun {
				c = colours[2]
			}
			hill := level + 0.08*math.Sin(2*math.Pi*wave*fx+phase) + 0.03*math.Sin(5*wave*fx)
			if kind == "sea" {
				hill = level + 0.01*math.Sin(40*fx+phase)
			}
			if fy > hill {
				c = mix(colours[3], color.RGBA{A: 255}, 0.5*(fy-hill)+0.08*math.Sin(90*fx*wave+60*fy))
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// mix is a colour between two.
func mix(a, b color.RGBA, share float64) color.RGBA {
	share = min(max(share, 0), 1)
	between := func(a, b uint8) uint8 { return uint8(float64(a) + share*(float64(b)-float64(a))) }
	return color.RGBA{R: between(a.R, b.R), G: between(a.G, b.G), B: between(a.B, b.B), A: 255}
}
