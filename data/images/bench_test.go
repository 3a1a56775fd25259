package images

import (
	"image"
	"math/rand/v2"
	"testing"

	"aegis/data"
)

// photograph is an image of smooth colours and noise.
func photograph(height, width int) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	r := rand.New(rand.NewPCG(1, 2))
	for i := 0; i < len(m.Pix); i += 4 {
		x, y := i/4%width, i/4/width
		noise := r.IntN(20)
		m.Pix[i], m.Pix[i+1], m.Pix[i+2], m.Pix[i+3] = byte(x*200/width+noise), byte(y*200/height+noise), byte((x+y)*90/(width+height)+noise), 255
	}
	return m
}

func BenchmarkDecode(b *testing.B) {
	m := photograph(600, 800)
	for name, file := range map[string][]byte{"jpeg": jpegOf(b, m), "png": pngOf(b, m)} {
		b.Run(name, func(b *testing.B) {
			form := data.ImageForm{Channels: 3, Height: 64, Width: 64, Fit: data.FitCrop}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := rowOf(file, form); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
