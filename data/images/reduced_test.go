package images

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"

	"aegis/data"
)

// waves are JPEGs of 70×50 pixels, by how their colours are sampled.
var waves = []string{"wave444.jpg", "wave422.jpg", "wave440.jpg", "wave420.jpg", "waverestart.jpg", "wavegrey.jpg"}

// A JPEG of any sampling becomes what the means of all its pixels are, by each
// reduction.
func TestReducedJPEG(t *testing.T) {
	for _, name := range waves {
		file := testFile(t, name)
		whole, err := jpeg.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		want := planar{planes: [3]plane{{across: 1, down: 1}}, count: 1}
		switch m := whole.(type) {
		case *image.YCbCr:
			want = planarOf(m, false)
		case *image.Gray:
			want.planes[0].pix, want.planes[0].stride = m.Pix, m.Stride
		}
		for _, by := range []int{2, 4, 8} {
			got, ok := reducedJPEG(file, size{50, 70}, by, false)
			if !ok || got.count != want.count {
				t.Errorf("%s by %d: %d planes, want %d", name, by, got.count, want.count)
				continue
			}
			if p := got.planes[0]; p.width != 70/by || p.height != 50/by {
				t.Errorf("%s by %d: %d×%d pixels", name, by, p.height, p.width)
			}
			for i := range got.count {
				if far := farthest(got.planes[i], want.planes[i]); far > 1 {
					t.Errorf("%s by %d, plane %d: a mean is %.1f away", name, by, i, far)
				}
			}
		}
	}
}

// farthest compares the pixels of a plane with means of those of a finer one.
func farthest(p, fine plane) (far float64) {
	across, down := int(p.across/fine.across), int(p.down/fine.down)
	for y := range p.height {
		for x := range p.width {
			sum := 0
			for i := range down {
				for _, v := range fine.pix[(y*down+i)*fine.stride+x*across:][:across] {
					sum += int(v)
				}
			}
			d := float64(p.pix[y*p.stride+x]) - float64(sum)/float64(across*down)
			far = max(far, d, -d)
		}
	}
	return far
}

// Rows of a photograph that was reduced are those of all its pixels, but for
// what rounding, and pixels that two of a row share, make of them.
func TestReducedRow(t *testing.T) {
	form := data.ImageForm{Channels: 3, Height: 5, Width: 9, Fit: data.FitCrop}
	for _, name := range waves {
		for _, form.Channels = range []int{1, 3} {
			file := testFile(t, name)
			got, err := rowOf(file, form)
			if err != nil {
				t.Fatal(err)
			}
			m, err := jpeg.Decode(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			want, err := rowOf(pngOf(t, m), form)
			if err != nil {
				t.Fatal(err)
			}
			sum := 0
			for i, v := range got {
				d := int(v) - int(want[i])
				if sum += max(d, -d); max(d, -d) > 10 {
					t.Errorf("%s, %d channels: value %d is %d, want %d", name, form.Channels, i, v, want[i])
				}
			}
			if mean := float64(sum) / float64(len(got)); mean > 1.2 {
				t.Errorf("%s, %d channels: %.2f away on average", name, form.Channels, mean)
			}
		}
	}
}

// How far an image is reduced leaves two pixels for each of a row.
func TestReduction(t *testing.T) {
	for _, c := range []struct{ height, width, want int }{
		{255, 400, 1}, {256, 400, 2}, {511, 512, 2}, {512, 512, 4}, {1023, 1024, 4}, {5000, 1024, 8}, {5000, 100, 1},
	} {
		h := header{height: c.height, width: c.width, orientation: 1}
		at := place(h, data.ImageForm{Channels: 3, Height: 64, Width: 64, Fit: data.FitCrop})
		if got := reduction(at, at.stored(1)); got != c.want {
			t.Errorf("%d×%d: by %d, want %d", c.height, c.width, got, c.want)
		}
	}
}

// What is cut short, or not baseline, is left to another decoder.
func TestReducedOnlyWhole(t *testing.T) {
	for _, name := range waves {
		file := testFile(t, name)
		for n := range file {
			if _, ok := reducedJPEG(file[:n], size{50, 70}, 4, false); ok {
				t.Errorf("%s: %d of %d bytes are a whole image", name, n, len(file))
			}
		}
		if _, ok := reducedJPEG(file, size{50, 71}, 4, false); ok {
			t.Errorf("%s: it has another size", name)
		}
	}
	for _, name := range []string{"progressive.jpg", "cmyk.jpg"} {
		if _, ok := reducedJPEG(testFile(t, name), size{32, 64}, 4, false); ok {
			t.Errorf("%s is no baseline JPEG of three planes", name)
		}
	}
}

// FuzzReducedJPEG holds it to what the standard library takes: a file that only
// one of them decodes is broken.
func FuzzReducedJPEG(f *testing.F) {
	for _, name := range append(waves, "progressive.jpg", "cmyk.jpg") {
		f.Add(testFile(f, name))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		config, err := jpeg.DecodeConfig(bytes.NewReader(file))
		if err != nil || config.Width*config.Height > 1<<18 {
			return
		}
		for _, by := range []int{2, 8} {
			if config.Width < 2*by || config.Height < 2*by {
				return
			}
			_, ok := reducedJPEG(file, size{config.Height, config.Width}, by, by == 8)
			if !ok {
				return
			}
			if _, err := jpeg.Decode(bytes.NewReader(file)); err != nil {
				t.Fatalf("by %d: it is decoded, the standard library says: %v", by, err)
			}
		}
	})
}
