package reportpage

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"

	"aegis/internal/run"
)

// Picture is one that the run left.
type Picture struct {
	Name, Alt     string
	Width, Height int
	URL           template.URL // data: the picture itself
}

// mostPicture bounds the bytes of a picture that is put into the page.
const mostPicture = 8 << 20

// pictures are those that the run left.
func (r *left) pictures(v *Page) error {
	for _, p := range []struct{ name, alt string }{
		{run.ReconstructionsFile, "Rows, and what the model rebuilds of them"},
		{run.SamplesFile, "What codes drawn from the prior decode to"},
		{run.GridFile, "What a grid of codes decodes to"},
		{run.LatentFile, "Codes, by class where rows have classes"},
		{run.LossFile, "Losses over epochs"},
		{run.TermsFile, "Terms of the loss over epochs"},
	} {
		info, err := os.Stat(r.path(p.name))
		if errors.Is(err, fs.ErrNotExist) || err == nil && (!info.Mode().IsRegular() || info.Size() > mostPicture) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reportpage: %w", err)
		}
		text, err := os.ReadFile(r.path(p.name))
		if err != nil {
			return fmt.Errorf("reportpage: %w", err)
		}
		size, err := png.DecodeConfig(bytes.NewReader(text))
		if err != nil { // it is damaged, or none of the run's
			continue
		}
		v.Pictures = append(v.Pictures, Picture{p.name, p.alt, size.Width, size.Height, dataURL(text)})
	}
	return nil
}

// dataURL is a PNG as the source of an image. Its letters are those of base64
// alone, so that it is safe where it stands.
func dataURL(text []byte) template.URL {
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(text))
}

// largest is how many pixels an image on a card is wide or high at most.
const largest = 160

// picture is an image of bytes (C,H,W), grey of one channel, colours of three; of
// others the first. A large one is made smaller.
func picture(pixels []byte, c, height, width int) (template.URL, error) {
	plane := height * width
	step := (max(height, width) + largest - 1) / largest
	h, w := (height+step-1)/step, (width+step-1)/step
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			var sums [3]int
			n := 0
			for dy := y * step; dy < min(height, (y+1)*step); dy++ {
				for dx := x * step; dx < min(width, (x+1)*step); dx++ {
					n++
					for k := range sums {
						at := dy*width + dx
						if c == 3 {
							at += k * plane
						}
						sums[k] += int(pixels[at])
					}
				}
			}
			img.SetRGBA(x, y, color.RGBA{byte(sums[0] / n), byte(sums[1] / n), byte(sums[2] / n), 0xff})
		}
	}
	return encoded(img)
}

func encoded(img image.Image) (template.URL, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return "", fmt.Errorf("reportpage: %w", err)
	}
	return dataURL(b.Bytes()), nil
}
