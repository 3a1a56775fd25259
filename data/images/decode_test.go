package images

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"aegis/data"
)

// quadrants are the colours of the images of testdata.
var quadrants = [4]color.NRGBA{{200, 30, 40, 255}, {30, 180, 60, 255}, {20, 60, 220, 255}, {240, 240, 240, 255}}

// paint fills the quadrants of an image with colours.
func paint[T draw.Image](m T, colours [4]color.NRGBA) T {
	b := m.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			m.Set(x, y, colours[2*(2*y/b.Dy())+2*x/b.Dx()])
		}
	}
	return m
}

// encoded encodes an image.
func encoded[T image.Image](t testing.TB, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := encode(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func pngOf(t testing.TB, m image.Image) []byte {
	return encoded[image.Image](t, func(w *bytes.Buffer) error { return png.Encode(w, m) })
}

func jpegOf(t testing.TB, m image.Image) []byte {
	return encoded[image.Image](t, func(w *bytes.Buffer) error { return jpeg.Encode(w, m, &jpeg.Options{Quality: 98}) })
}

func bmpOf(t testing.TB, m image.Image) []byte {
	return encoded[image.Image](t, func(w *bytes.Buffer) error { return bmp.Encode(w, m) })
}

func gifOf(t testing.TB, m image.Image) []byte {
	return encoded[image.Image](t, func(w *bytes.Buffer) error { return gif.Encode(w, m, nil) })
}

func tiffOf(t testing.TB, m image.Image, c tiff.CompressionType) []byte {
	return encoded[image.Image](t, func(w *bytes.Buffer) error { return tiff.Encode(w, m, &tiff.Options{Compression: c}) })
}

func testFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rowOf decodes one file into a form.
func rowOf(file []byte, form data.ImageForm) (row []byte, err error) {
	err = safely(func() error {
		h, err := readHeader(bytes.NewReader(file))
		if err != nil {
			return err
		}
		p, err := decodeImage(h, file, form)
		if err != nil {
			return err
		}
		f := fitter{form: form}
		row = make([]byte, form.Shape().Size())
		f.fit(row, p)
		return nil
	})
	return row, err
}

// near says that the quadrants of a row of 2×2 have colours, to a distance.
func near(row []byte, channels int, want [4]color.NRGBA, most int) error {
	for i, c := range want {
		values := []byte{c.R, c.G, c.B}
		if channels == 1 {
			values = []byte{luma(c.R, c.G, c.B)}
		}
		for k, v := range values {
			if d := int(row[4*k+i]) - int(v); d > most || -d > most {
				return fmt.Errorf("quadrant %d, channel %d: %d, want %d", i, k, row[4*k+i], v)
			}
		}
	}
	return nil
}

// An image of any format and type of colour becomes what it shows.
func TestDecode(t *testing.T) {
	const w, h = 16, 8
	box := image.Rect(0, 0, w, h)
	glass := quadrants
	glass[0].A = 0
	glass[1].A = 128
	overWhite := quadrants
	overWhite[0] = color.NRGBA{255, 255, 255, 255}
	overWhite[1] = color.NRGBA{142, 217, 157, 255}
	clear := quadrants
	clear[0] = overWhite[0]
	grey := quadrants
	for i, c := range grey {
		y := luma(c.R, c.G, c.B)
		grey[i] = color.NRGBA{y, y, y, 255}
	}
	colours := append(color.Palette{color.Transparent}, palette.Plan9[:200]...)
	for _, c := range quadrants {
		colours = append(colours, c)
	}
	seeThrough := color.Palette{glass[0], glass[1], glass[2], glass[3]}
	part := image.NewPaletted(image.Rect(8, 0, 16, 8), colours)
	draw.Draw(part, part.Bounds(), paint(image.NewNRGBA(box), quadrants), part.Bounds().Min, draw.Src)
	animated := encoded[image.Image](t, func(out *bytes.Buffer) error {
		second := image.NewPaletted(box, colours)
		return gif.EncodeAll(out, &gif.GIF{Image: []*image.Paletted{part, second}, Delay: []int{1, 1}, Config: image.Config{Width: w, Height: h, ColorModel: colours}})
	})
	left := quadrants
	left[0], left[2] = overWhite[0], overWhite[0]
	cases := []struct {
		name string
		file []byte
		want [4]color.NRGBA
		most int // distance
		grey bool
	}{
		{"PNG NRGBA", pngOf(t, paint(image.NewNRGBA(box), quadrants)), quadrants, 0, false},
		{"PNG alpha", pngOf(t, paint(image.NewNRGBA(box), glass)), overWhite, 1, false},
		{"PNG premultiplied", pngOf(t, paint(image.NewRGBA(box), glass)), overWhite, 1, false},
		{"PNG 16 bits", pngOf(t, paint(image.NewNRGBA64(box), quadrants)), quadrants, 0, false},
		{"PNG 16 bits alpha", pngOf(t, paint(image.NewNRGBA64(box), glass)), overWhite, 1, false},
		{"PNG grey", pngOf(t, paint(image.NewGray(box), quadrants)), grey, 1, true},
		{"PNG grey 16 bits", pngOf(t, paint(image.NewGray16(box), quadrants)), grey, 1, true},
		{"PNG palette", pngOf(t, paint(image.NewPaletted(box, seeThrough), glass)), overWhite, 1, false},
		{"JPEG", jpegOf(t, paint(image.NewNRGBA(image.Rect(0, 0, 64, 32)), quadrants)), quadrants, 4, false},
		{"JPEG grey", jpegOf(t, paint(image.NewGray(image.Rect(0, 0, 64, 32)), quadrants)), grey, 3, true},
		{"JPEG progressive", testFile(t, "progressive.jpg"), quadrants, 4, false},
		{"JPEG CMYK", testFile(t, "cmyk.jpg"), quadrants, 6, false},
		{"GIF", gifOf(t, paint(image.NewPaletted(box, colours), quadrants)), quadrants, 0, false},
		{"GIF first frame, a part", animated, left, 0, false},
		{"BMP", bmpOf(t, paint(image.NewRGBA(box), quadrants)), quadrants, 0, false},
		{"BMP grey", bmpOf(t, paint(image.NewGray(box), quadrants)), grey, 1, true},
		{"BMP palette", bmpOf(t, paint(image.NewPaletted(box, colours[1:]), quadrants)), quadrants, 0, false},
		{"TIFF", tiffOf(t, paint(image.NewNRGBA(box), quadrants), tiff.Uncompressed), quadrants, 0, false},
		{"TIFF deflate", tiffOf(t, paint(image.NewRGBA(box), quadrants), tiff.Deflate), quadrants, 0, false},
		{"TIFF grey", tiffOf(t, paint(image.NewGray(box), quadrants), tiff.Uncompressed), grey, 1, true},
		{"TIFF grey 16 bits", tiffOf(t, paint(image.NewGray16(box), quadrants), tiff.Uncompressed), grey, 1, true},
		{"TIFF palette", tiffOf(t, paint(image.NewPaletted(box, colours), quadrants), tiff.Uncompressed), quadrants, 0, false},
		{"WebP lossless", testFile(t, "lossless.webp"), quadrants, 0, false},
		{"WebP lossy", testFile(t, "lossy.webp"), quadrants, 4, false},
		{"WebP alpha", testFile(t, "alpha.webp"), clear, 0, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h, err := readHeader(bytes.NewReader(c.file))
			if err != nil {
				t.Fatal(err)
			}
			if h.colour == c.grey {
				t.Errorf("colour %v, want %v", h.colour, !c.grey)
			}
			for _, channels := range []int{1, 3} {
				row, err := rowOf(c.file, data.ImageForm{Channels: channels, Height: 2, Width: 2, Fit: data.FitStretch})
				if err == nil {
					err = near(row, channels, c.want, c.most+(3-channels)/2)
				}
				if err != nil {
					t.Errorf("%d channels: %v", channels, err)
				}
			}
		})
	}
}

// orientedJPEG puts EXIF with an orientation behind the start of a JPEG.
func orientedJPEG(file []byte, orientation int) []byte {
	exif := append([]byte("Exif\x00\x00"), tiffOrientation(orientation)...)
	segment := append([]byte{0xff, 0xe1, 0, byte(len(exif) + 2)}, exif...)
	return append(append(bytes.Clone(file[:2]), segment...), file[2:]...)
}

// tiffOrientation is a TIFF header with one tag.
func tiffOrientation(orientation int) []byte {
	return []byte{'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, byte(orientation), 0, 0, 0, 0, 0, 0}
}

// orientedPNG puts a chunk eXIf behind the header.
func orientedPNG(file []byte, orientation int) []byte {
	exif := tiffOrientation(orientation)
	chunk := append([]byte("eXIf"), exif...)
	whole := binary.BigEndian.AppendUint32(nil, uint32(len(exif)))
	whole = append(whole, chunk...)
	whole = binary.BigEndian.AppendUint32(whole, crc32.ChecksumIEEE(chunk))
	const header = 8 + 25
	return append(append(bytes.Clone(file[:header]), whole...), file[header:]...)
}

// Each orientation of EXIF turns the quadrants 0 1 / 2 3.
func TestOrientation(t *testing.T) {
	turned := [9][4]int{1: {0, 1, 2, 3}, 2: {1, 0, 3, 2}, 3: {3, 2, 1, 0}, 4: {2, 3, 0, 1}, 5: {0, 2, 1, 3}, 6: {2, 0, 3, 1}, 7: {3, 1, 2, 0}, 8: {1, 3, 0, 2}}
	plain := paint(image.NewNRGBA(image.Rect(0, 0, 64, 32)), quadrants)
	type oriented struct {
		name        string
		file        []byte
		orientation int
	}
	cases := []oriented{{"WebP", testFile(t, "turned.webp"), 6}, {"TIFF", testFile(t, "turned.tiff"), 6}}
	for o := 1; o <= 8; o++ {
		cases = append(cases, oriented{"JPEG", orientedJPEG(jpegOf(t, plain), o), o}, oriented{"PNG", orientedPNG(pngOf(t, plain), o), o})
	}
	cases = append(cases, oriented{"JPEG of no orientation", orientedJPEG(jpegOf(t, plain), 9), 1})
	for _, c := range cases {
		t.Run(fmt.Sprintf("%s %d", c.name, c.orientation), func(t *testing.T) {
			var want [4]color.NRGBA
			for i, q := range turned[c.orientation] {
				want[i] = quadrants[q]
			}
			h, err := readHeader(bytes.NewReader(c.file))
			if err != nil || (h.upright().width > h.upright().height) != (c.orientation <= 4) {
				t.Errorf("upright %v, error %v", h.upright(), err)
			}
			for _, fit := range data.Fits() {
				form := data.ImageForm{Channels: 3, Height: 2, Width: 2, Fit: fit}
				if fit == data.FitPad { // of the shape that the image has
					form.Height, form.Width = h.upright().height/4, h.upright().width/4
				}
				row, err := rowOf(c.file, form)
				if err != nil {
					t.Fatal(err)
				}
				if fit != data.FitPad {
					err = near(row, 3, want, 4)
				} else {
					err = near(corners(row, form), 3, want, 4)
				}
				if err != nil {
					t.Errorf("%s: %v", fit, err)
				}
			}
		})
	}
}

// corners are the four corners of a row as one of 2×2.
func corners(row []byte, f data.ImageForm) []byte {
	var out []byte
	area := f.Height * f.Width
	for c := range f.Channels {
		p := row[c*area:][:area]
		out = append(out, p[0], p[f.Width-1], p[area-f.Width], p[area-1])
	}
	return out
}

// The geometry of each way to fit, on a grey ramp of 8×4: pixel (y,x) is 10x+y.
func TestFit(t *testing.T) {
	ramp := image.NewGray(image.Rect(0, 0, 8, 4))
	for i := range ramp.Pix {
		ramp.Pix[i] = byte(10*(i%8) + i/8)
	}
	cases := []struct {
		name string
		fit  data.Fit
		h, w int
		want []byte
	}{
		{"same", data.FitCrop, 4, 8, ramp.Pix},
		{"crop, half the size", data.FitCrop, 2, 2, []byte{26, 46, 28, 48}}, // of columns 2 to 5: averages of 2×2, 25.5 and so on
		{"crop, tall", data.FitCrop, 4, 2, []byte{30, 40, 31, 41, 32, 42, 33, 43}},
		{"pad", data.FitPad, 4, 4, []byte{0, 0, 0, 0, 6, 26, 46, 66, 8, 28, 48, 68, 0, 0, 0, 0}},
		{"stretch", data.FitStretch, 1, 2, []byte{17, 57}},
		{"stretch wider", data.FitStretch, 1, 16, []byte{2, 4, 9, 14, 19, 24, 29, 34, 39, 44, 49, 54, 59, 64, 69, 72}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			row, err := rowOf(pngOf(t, ramp), data.ImageForm{Channels: 1, Height: c.h, Width: c.w, Fit: c.fit})
			if err != nil || !bytes.Equal(row, c.want) {
				t.Errorf("got %v, want %v, error %v", row, c.want, err)
			}
		})
	}
}

// Lines of one pixel become even grey when they shrink by any factor: nothing
// aliases.
func TestNoAliasing(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 240, 240))
	for i := range m.Pix {
		m.Pix[i] = byte(255 * (i % 2))
	}
	row, err := rowOf(pngOf(t, m), data.ImageForm{Channels: 1, Height: 9, Width: 9, Fit: data.FitCrop})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range row {
		if v < 120 || v > 135 {
			t.Errorf("pixel %d is %d, want about 127", i, v)
		}
	}
}

// A file that is cut anywhere, or is no image, is an error; one whose pixels
// were all there may show what the whole one does.
func TestBroken(t *testing.T) {
	form := data.ImageForm{Channels: 3, Height: 4, Width: 4, Fit: data.FitCrop}
	small := paint(image.NewPaletted(image.Rect(0, 0, 12, 10), palette.Plan9), quadrants)
	for name, file := range map[string][]byte{
		"png": pngOf(t, small), "jpeg": jpegOf(t, small), "gif": gifOf(t, small), "bmp": bmpOf(t, small),
		"tiff": tiffOf(t, small, tiff.Deflate), "webp": testFile(t, "lossless.webp"), "lossy": testFile(t, "lossy.webp"),
	} {
		t.Run(name, func(t *testing.T) {
			whole, err := rowOf(file, form)
			if err != nil {
				t.Fatal(err)
			}
			for n := range file {
				if row, err := rowOf(file[:n], form); err == nil && !bytes.Equal(row, whole) {
					t.Errorf("%d of %d bytes are another image", n, len(file))
				}
			}
		})
	}
	if _, err := rowOf([]byte("a note"), form); err == nil || !strings.Contains(err.Error(), "no PNG") {
		t.Errorf("text: %v", err)
	}
	if _, err := rowOf(testFile(t, "cmyk.tiff"), form); err == nil || !strings.Contains(err.Error(), "unsupported feature: color model") {
		t.Errorf("TIFF of printing colours: %v", err)
	}
	if _, err := rowOf(nil, form); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("nothing: %v", err)
	}
}

// A header of huge sizes is refused before anything is decoded.
func TestHuge(t *testing.T) {
	file := pngOf(t, image.NewGray(image.Rect(0, 0, 4, 4)))
	binary.BigEndian.PutUint32(file[16:], 1<<20)
	binary.BigEndian.PutUint32(file[20:], 1<<20)
	binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(file[12:29]))
	_, err := rowOf(file, data.ImageForm{Channels: 1, Height: 2, Width: 2, Fit: data.FitCrop})
	if err == nil || !strings.Contains(err.Error(), "1048576×1048576 pixels; want") {
		t.Error(err)
	}
}
