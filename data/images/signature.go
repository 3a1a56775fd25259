package images

import (
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// kind is a format of image files.
type kind string

// The formats that are read.
const (
	pngKind  kind = "PNG"
	jpegKind kind = "JPEG"
	gifKind  kind = "GIF"
	bmpKind  kind = "BMP"
	webpKind kind = "WebP"
	tiffKind kind = "TIFF"
)

// lookAt is how many bytes tell a format.
const lookAt = 32

// kindOf tells a format by a file's first bytes, "" of what is no image.
func kindOf(start []byte) kind {
	is := func(at int, text string) bool {
		return len(start) >= at+len(text) && string(start[at:at+len(text)]) == text
	}
	switch {
	case is(0, "\x89PNG\r\n\x1a\n"):
		return pngKind
	case is(0, "\xff\xd8\xff"):
		return jpegKind
	case is(0, "GIF87a"), is(0, "GIF89a"):
		return gifKind
	case is(0, "BM") && is(6, "\x00\x00\x00\x00") && bitmapHeader(start):
		return bmpKind
	case is(0, "RIFF") && is(8, "WEBP"):
		return webpKind
	case is(0, "II*\x00"), is(0, "MM\x00*"):
		return tiffKind
	}
	return ""
}

// bitmapHeader says that the second header of a BMP file has a size that there
// is. Text can begin with BM too.
func bitmapHeader(start []byte) bool {
	const at = 14
	return len(start) >= at+4 &&
		slices.Contains([]uint32{12, 40, 52, 56, 64, 108, 124}, binary.LittleEndian.Uint32(start[at:]))
}

// kindOfFile looks at a regular file, which a link may lead to.
func kindOfFile(path string) (kind, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() { // a pipe would wait
		return "", nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	start := make([]byte, lookAt)
	n, err := io.ReadFull(f, start)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", err
	}
	return kindOf(start[:n]), nil
}

// namedImage says that a name is one of an image file.
func namedImage(name string) bool {
	return slices.Contains([]string{
		".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".webp", ".tif", ".tiff",
		".heic", ".heif", ".avif", ".jxl", ".jp2", // none of them is read: who has some is told
	}, strings.ToLower(filepath.Ext(name)))
}

// hidden says that a file or folder is none of its user's.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || name == "__MACOSX" || strings.EqualFold(name, "Thumbs.db")
}

// Holds says that there is an image in a folder, or up to two folders below. A
// file is one by its content, whatever it is called.
func Holds(dir string) bool {
	const deepest, most = 2, 20000 // files that are looked at
	looked := 0
	level := []string{dir}
	for depth := 0; depth <= deepest; depth++ {
		var below []string
		for _, dir := range level {
			entries, err := os.ReadDir(dir)
			if err != nil {
				continue
			}
			for _, e := range entries {
				path := filepath.Join(dir, e.Name())
				if hidden(e.Name()) || looked == most {
					continue
				}
				if e.IsDir() {
					if !isRun(path) {
						below = append(below, path)
					}
					continue
				}
				looked++
				if k, err := kindOfFile(path); err == nil && k != "" {
					return true
				}
			}
		}
		level = below
	}
	return false
}

// isLink says that an entry of a folder is a symbolic link.
func isLink(e fs.DirEntry) bool { return e.Type()&fs.ModeSymlink != 0 }
