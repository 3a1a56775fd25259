package images_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"os"
	"path/filepath"

	"aegis/data"
	"aegis/data/images"
)

// save writes a PNG of one colour.
func save(path string, height, width int, c color.Color) {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range height * width {
		m.Set(i%width, i/width, c)
	}
	err := os.MkdirAll(filepath.Dir(path), 0o777)
	if err != nil {
		log.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, m), f.Close()); err != nil {
		log.Fatal(err)
	}
}

// Images of any size become rows of one: sub-folders are classes.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "images")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	save(filepath.Join(dir, "sky", "1.png"), 30, 40, color.NRGBA{60, 120, 240, 255})
	save(filepath.Join(dir, "grass", "1.png"), 25, 20, color.NRGBA{40, 160, 60, 255})
	if err := os.WriteFile(filepath.Join(dir, "sky", "2.png"), []byte("no image"), 0o666); err != nil {
		log.Fatal(err)
	}

	s, err := images.Open(context.Background(), dir, images.Options{Height: 16, Width: 16, Fit: data.FitCrop})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for i := range s.Train.N {
		row := s.Train.ByteRow(i) // red, green and blue, one plane after the other
		fmt.Println(s.Classes[s.Train.Labels[i]], s.Train.Shape, row[0], row[256], row[512])
	}
	fmt.Println(s.Notes[0])
	// Output:
	// grass 3 channels of 16×16 40 160 60
	// sky 3 channels of 16×16 60 120 240
	// broken files are left out, 1 of 3: sky/2.png (this is no PNG, JPEG, GIF, BMP, WebP or TIFF image)
}
