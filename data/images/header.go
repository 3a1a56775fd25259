package images

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// header is what a file says of its image before the pixels.
type header struct {
	kind          kind
	width, height int // as they are stored
	colour        bool
	orientation   int // of EXIF, 1 to 8
}

// upright are the sizes of the image when it is turned.
func (h header) upright() size {
	if h.orientation > 4 {
		return size{h.width, h.height}
	}
	return size{h.height, h.width}
}

// size is that of an image.
type size struct{ height, width int }

func (s size) String() string { return fmt.Sprintf("%d×%d", s.height, s.width) }

// readHeader reads the header of an image file. An image that is too large is
// an error, before any of it is decoded.
func readHeader(r io.ReadSeeker) (h header, err error) {
	start := make([]byte, lookAt)
	n, err := io.ReadFull(r, start)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return h, err
	}
	if n == 0 {
		return h, errors.New("the file is empty")
	}
	if h.kind = kindOf(start[:n]); h.kind == "" {
		return h, errNoImage
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return h, err
	}
	read := map[kind]func(io.Reader) (image.Config, error){
		pngKind: png.DecodeConfig, jpegKind: jpeg.DecodeConfig, gifKind: gif.DecodeConfig,
		bmpKind: bmp.DecodeConfig, webpKind: webp.DecodeConfig, tiffKind: tiff.DecodeConfig,
	}[h.kind]
	config, err := read(r)
	if err != nil {
		return h, ended(err)
	}
	h.width, h.height = config.Width, config.Height
	if h.width < 1 || h.height < 1 || h.width > mostPixels/h.height {
		return h, fmt.Errorf("%d×%d pixels; want at least 1 and at most %d in all", h.height, h.width, mostPixels)
	}
	h.colour = hasColour(config.ColorModel)
	const pngColour = 25 // where PNG says which of its colour types it has
	if h.kind == pngKind && n > pngColour && (start[pngColour] == 0 || start[pngColour] == 4) {
		h.colour = false // grey with alpha is decoded as colour
	}
	h.orientation, err = orientation(r, h.kind)
	return h, err
}

// ended tells of a file that is cut short in words.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file is cut short: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// hasColour says whether a colour model, or palette, has more than greys.
func hasColour(m color.Model) bool {
	if palette, ok := m.(color.Palette); ok {
		for _, c := range palette {
			if r, g, b, _ := c.RGBA(); r != g || g != b {
				return true
			}
		}
		return false
	}
	return m != color.GrayModel && m != color.Gray16Model
}

// headerOf reads the header of a file on disk. Its pixels may be broken still.
func headerOf(path string) (h header, err error) {
	if err := regular(path); err != nil {
		return h, err
	}
	f, err := os.Open(path)
	if err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	err = safely(func() error { h, err = readHeader(f); return err })
	return h, err
}

// regular refuses what is no file, such as a pipe, which would wait.
func regular(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("this is no regular file")
	}
	return err
}

// safely makes an error of a panic: decoders meet files that nobody made well.
func safely(f func() error) (err error) {
	defer func() {
		if caught := recover(); caught != nil {
			err = fmt.Errorf("the decoder failed: %v", caught)
		}
	}()
	return f()
}
