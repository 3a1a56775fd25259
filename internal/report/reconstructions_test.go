package report

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"testing"
)

// plain returns an image (C,H,W) with one value a channel.
func plain(h, w int, channels ...float32) []float32 {
	var values []float32
	for _, v := range channels {
		for range h * w {
			values = append(values, v)
		}
	}
	return values
}

func TestReconstructions(t *testing.T) {
	cases := []struct {
		name string
		grid Grid
		tile image.Point
		want [][2]color.RGBA // original and rebuilt of each column
	}{
		{
			name: "28 × 28 becomes 112 × 112",
			grid: Grid{
				Pixels: Pixels{C: 1, H: 28, W: 28, Hi: 1}, Captions: []string{"7", "a caption that is too long"},
				Originals: [][]float32{plain(28, 28, 0), plain(28, 28, 0.2)},
				Rebuilt:   [][]float32{plain(28, 28, 1), plain(28, 28, 0.5)},
			},
			tile: image.Pt(112, 112),
			want: [][2]color.RGBA{
				{{A: 255}, {R: 255, G: 255, B: 255, A: 255}},
				{{R: 51, G: 51, B: 51, A: 255}, {R: 128, G: 128, B: 128, A: 255}},
			},
		},
		{
			name: "colours, another range, values beyond it",
			grid: Grid{
				Pixels:    Pixels{C: 3, H: 20, W: 32, Lo: -1, Hi: 1},
				Originals: [][]float32{plain(20, 32, 1, -1, 0.2)},
				Rebuilt:   [][]float32{plain(20, 32, float32(math.Inf(-1)), 7, -0.2)},
			},
			tile: image.Pt(128, 80),
			want: [][2]color.RGBA{{{R: 255, B: 153, A: 255}, {G: 255, B: 102, A: 255}}},
		},
		{
			name: "two channels are red and green",
			grid: Grid{
				Pixels:    Pixels{C: 2, H: 20, W: 32, Hi: 1},
				Originals: [][]float32{plain(20, 32, 1, 0.2)}, Rebuilt: [][]float32{plain(20, 32, 0, 0.4)},
			},
			tile: image.Pt(128, 80),
			want: [][2]color.RGBA{{{R: 255, G: 51, A: 255}, {G: 102, A: 255}}},
		},
		{
			name: "the fourth channel is alpha, over white",
			grid: Grid{
				Pixels:    Pixels{C: 4, H: 20, W: 32, Hi: 1},
				Originals: [][]float32{plain(20, 32, 1, 0, 0.2, 1)}, Rebuilt: [][]float32{plain(20, 32, 1, 0, 0, 0.6)},
			},
			tile: image.Pt(128, 80),
			want: [][2]color.RGBA{{{R: 255, B: 51, A: 255}, {R: 255, G: 102, B: 102, A: 255}}},
		},
		{
			name: "of five channels the first three",
			grid: Grid{
				Pixels:    Pixels{C: 5, H: 20, W: 32, Hi: 1},
				Originals: [][]float32{plain(20, 32, 1, 0, 0.2, 0, 1)}, Rebuilt: [][]float32{plain(20, 32, 0, 0.4, 1, 0.1, 1)},
			},
			tile: image.Pt(128, 80),
			want: [][2]color.RGBA{{{R: 255, B: 51, A: 255}, {G: 102, B: 255, A: 255}}},
		},
		{
			name: "large images are reduced",
			grid: Grid{
				Pixels:    Pixels{C: 1, H: 448, W: 300, Hi: 1},
				Originals: [][]float32{plain(448, 300, 0)}, Rebuilt: [][]float32{plain(448, 300, 0.6)},
			},
			tile: image.Pt(150, 224),
			want: [][2]color.RGBA{{{A: 255}, {R: 153, G: 153, B: 153, A: 255}}},
		},
		{
			name: "one pixel",
			grid: Grid{Pixels: Pixels{C: 1, H: 1, W: 1, Hi: 1}, Originals: [][]float32{{0}}, Rebuilt: [][]float32{{0.6}}},
			tile: image.Pt(112, 112),
			want: [][2]color.RGBA{{{A: 255}, {R: 153, G: 153, B: 153, A: 255}}},
		},
		{
			name: "a strip",
			grid: Grid{Pixels: Pixels{C: 1, H: 1, W: 1000, Hi: 1}, Originals: [][]float32{plain(1, 1000, 0)}, Rebuilt: [][]float32{plain(1, 1000, 0)}},
			tile: image.Pt(1120, 24),
			want: [][2]color.RGBA{{{A: 255}, {A: 255}}},
		},
		{
			name: "standing strips",
			grid: Grid{
				Pixels:    Pixels{C: 1, H: 2048, W: 8, Hi: 1},
				Originals: [][]float32{plain(2048, 8, 0), plain(2048, 8, 0)}, Rebuilt: [][]float32{plain(2048, 8, 0.6), plain(2048, 8, 0)},
			},
			tile: image.Pt(24, 1120),
			want: [][2]color.RGBA{{{A: 255}, {R: 153, G: 153, B: 153, A: 255}}, {{A: 255}, {A: 255}}},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			img := picture(t, func(b *bytes.Buffer) error { return Reconstructions(b, c.grid) })
			size := img.Bounds().Size()
			const edge = 25 // pixels right and below
			for column, want := range c.want {
				for row, value := range want {
					// Tiles are counted from the lower right corner.
					end := size.Sub(image.Pt(edge, edge)).Sub(image.Pt(
						(len(c.want)-1-column)*(c.tile.X+gapPx), (1-row)*(c.tile.Y+gapPx)))
					area := image.Rectangle{Min: end.Sub(c.tile), Max: end}
					if got := count(img, area, value); got != area.Dx()*area.Dy() {
						t.Errorf("row %d, column %d: %d pixels are %v, want all of %v", row, column, got, value, c.tile)
					}
					around := area.Inset(-1)
					if got, want := count(img, around, color.White), 2*(around.Dx()+around.Dy())-4; got < want {
						t.Errorf("row %d, column %d: %d white pixels around it, want %d", row, column, got, want)
					}
				}
			}
			tiles := size.X - edge - len(c.want)*(c.tile.X+gapPx)
			if !drawn(img, image.Rect(0, 0, tiles, size.Y)) {
				t.Error("no names of the rows")
			}
			if captions := image.Rect(tiles, 0, size.X, size.Y-edge-2*c.tile.Y-gapPx); drawn(img, captions) != (c.grid.Captions != nil) {
				t.Errorf("captions drawn: %v", c.grid.Captions == nil)
			}
		})
	}
}

// TestLyingStrips: each pair of lines has the picture's whole width, its names
// and its caption.
// TestLongStrips draws images of one pixel by tens of thousands.
func TestLongStrips(t *testing.T) {
	const long = 70_000
	for _, g := range []Grid{
		{Pixels: Pixels{C: 1, H: 1, W: long, Hi: 1}, Originals: [][]float32{plain(1, long, 0)}, Rebuilt: [][]float32{plain(1, long, 0.6)}},
		{Pixels: Pixels{C: 1, H: long, W: 1, Hi: 1}, Originals: [][]float32{plain(long, 1, 0)}, Rebuilt: [][]float32{plain(long, 1, 0.6)}},
	} {
		img := picture(t, func(b *bytes.Buffer) error { return Reconstructions(b, g) })
		if got := count(img, img.Bounds(), color.RGBA{R: 153, G: 153, B: 153, A: 255}); got < stripPx*stripLeast { // some edge of a letter may have the same grey
			t.Errorf("%d × %d: %d grey pixels, want at least %d", g.H, g.W, got, stripPx*stripLeast)
		}
	}
}

func TestLyingStrips(t *testing.T) {
	black, grey := color.RGBA{A: 255}, color.RGBA{R: 153, G: 153, B: 153, A: 255}
	g := Grid{Pixels: Pixels{C: 1, H: 8, W: 2048, Hi: 1}, Captions: []string{"3", "4"}}
	for range g.Captions {
		g.Originals, g.Rebuilt = append(g.Originals, plain(8, 2048, 0)), append(g.Rebuilt, plain(8, 2048, 0.6))
	}
	img := picture(t, func(b *bytes.Buffer) error { return Reconstructions(b, g) })
	const edge = 25
	corner := img.Bounds().Max.Sub(image.Pt(edge+stripPx, edge))
	captions := 0
	for i := range g.Originals {
		last := len(g.Originals) - 1 - i
		caption := int(math.Ceil((labelSize + pad/2).Dots(dpi)))
		end := corner.Y - last*(2*(stripLeast+gapPx)+caption+stripLinePx)
		for y, want := range map[int]color.RGBA{end - stripLeast: grey, end - 2*stripLeast - gapPx: black} {
			area := image.Rect(corner.X, y, corner.X+stripPx, y+stripLeast)
			if got := count(img, area, want); got != stripPx*stripLeast {
				t.Errorf("pair %d: %d pixels are %v, want all of %v", i, got, want, area)
			}
			if !drawn(img, image.Rect(0, y, corner.X-1, y+stripLeast)) {
				t.Errorf("pair %d: no name of a line", i)
			}
		}
		top := end - 2*stripLeast - gapPx
		if drawn(img, image.Rect(corner.X, top-caption, corner.X+stripPx, top-1)) {
			captions++
		}
	}
	if captions != len(g.Captions) {
		t.Errorf("%d captions, want %d", captions, len(g.Captions))
	}
}

func TestReconstructionsKeepsEveryPixelASquare(t *testing.T) {
	pixels := []float32{0, 1, 1, 0} // a chessboard, 2 × 2
	g := Grid{Pixels: Pixels{C: 1, H: 2, W: 2, Hi: 1}, Originals: [][]float32{pixels}, Rebuilt: [][]float32{pixels}}
	img := picture(t, func(b *bytes.Buffer) error { return Reconstructions(b, g) })
	end := img.Bounds().Max.Sub(image.Pt(25, 25))
	for _, c := range []struct {
		x, y int // quarter of the tile
		want color.Color
	}{{0, 0, color.Black}, {1, 0, color.White}, {0, 1, color.White}, {1, 1, color.Black}} {
		corner := end.Sub(image.Pt((2-c.x)*56, (2-c.y)*56))
		if got := count(img, image.Rectangle{Min: corner, Max: corner.Add(image.Pt(56, 56))}, c.want); got != 56*56 {
			t.Errorf("quarter %d,%d: %d pixels of 56 × 56 are right", c.x, c.y, got)
		}
	}
}

func TestReconstructionsErrors(t *testing.T) {
	nan := float32(math.NaN())
	one := [][]float32{{0}}
	for _, c := range []struct {
		grid Grid
		want string
	}{
		{grid: Grid{Pixels: Pixels{C: 0, H: 1, W: 1, Hi: 1}, Originals: one, Rebuilt: one}, want: "report: reconstructions: 0 channels"},
		{grid: Grid{Pixels: Pixels{C: 1, H: 0, W: 1, Hi: 1}, Originals: one, Rebuilt: one}, want: "images of 0 × 1"},
		{grid: Grid{Pixels: Pixels{C: 1, H: 1, W: math.MaxInt, Hi: 1}, Originals: one, Rebuilt: one}, want: "has 1 values; want 1 × 1 × 9223372036854775807"},
		{grid: Grid{Pixels: Pixels{C: 1, H: 1, W: 1}, Originals: one, Rebuilt: one}, want: "pixels from 0 to 0"},
		{grid: Grid{Pixels: Pixels{C: 1, H: 1, W: 1, Lo: nan, Hi: 1}, Originals: one, Rebuilt: one}, want: "pixels from NaN"},
		{grid: Grid{Pixels: Pixels{C: 1, H: 1, W: 1, Hi: float32(math.Inf(1))}, Originals: one, Rebuilt: one}, want: "finite range"},
		{grid: Grid{Pixels: Pixels{C: 1, H: 1, W: 1, Hi: 1}}, want: "0 images"},
		{grid: Grid{Pixels: Pixels{C: 1, H: 1, W: 1, Hi: 1}, Originals: make([][]float32, 101)}, want: "101 images"},
		{grid: Grid{Pixels: Pixels{C: 1, H: 1, W: 1, Hi: 1}, Originals: one}, want: "0 rebuilt images; want 1"},
		{grid: Grid{Pixels: Pixels{C: 1, H: 1, W: 1, Hi: 1}, Originals: one, Rebuilt: one, Captions: []string{"", ""}}, want: "2 captions"},
		{grid: Grid{Pixels: Pixels{C: 1, H: 1, W: 2, Hi: 1}, Originals: one, Rebuilt: [][]float32{{0, 0}}}, want: "original image 0 has 1 values; want 1 × 1 × 2"},
		{grid: Grid{Pixels: Pixels{C: 1, H: 1, W: 1, Hi: 1}, Originals: one, Rebuilt: [][]float32{{nan}}}, want: "rebuilt image 0 has a value 0 that is NaN"},
	} {
		wantError(t, Reconstructions(&bytes.Buffer{}, c.grid), c.want)
	}
}

// A denoising run's picture has a third line, as high as the others.
func TestCorruptedLine(t *testing.T) {
	image := [][]float32{{0, 1, 0.5, 0.25}}
	g := Grid{Pixels: Pixels{C: 1, H: 2, W: 2, Hi: 1}, Originals: image, Rebuilt: image}
	height := func() int {
		t.Helper()
		var b bytes.Buffer
		if err := Reconstructions(&b, g); err != nil {
			t.Fatal(err)
		}
		c, err := png.DecodeConfig(&b)
		if err != nil {
			t.Fatal(err)
		}
		return c.Height
	}
	two := height()
	g.Corrupted = image
	if three := height(); three != two+g.tile().Y+gapPx {
		t.Errorf("%d pixels high with corrupted images, %d without", three, two)
	}
	g.Corrupted = append(g.Corrupted, image[0])
	if err := Reconstructions(io.Discard, g); err == nil {
		t.Error("two corrupted images of one are no error")
	}
}
