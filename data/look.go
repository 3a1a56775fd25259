package data

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// lookAt is how much of a file is looked at to guess what it is.
const lookAt = 512

// What [Open] reads of single files.
const (
	npzKind = "a zip archive or npz"
	npyKind = "a NumPy array"
)

var signatures = []struct{ start, kind string }{
	{"\x89PNG", "a PNG image"},
	{"\xff\xd8\xff", "a JPEG image"},
	{"GIF8", "a GIF image"},
	{"BM", "a BMP image"},
	{"II*\x00", "a TIFF image"},
	{"MM\x00*", "a TIFF image"},
	{"PK\x03\x04", npzKind},
	{"PK\x05\x06", npzKind}, // without a file
	{"\x93NUMPY", npyKind},
	{"\x89HDF", "HDF5"},
	{"PAR1", "Parquet"},
	{"MATLAB 5", "a MATLAB file"},
	{"\x28\xb5\x2f\xfd", "zstd"},
	{"BZh", "bzip2"},
	{"\xfd7zXZ", "xz"},
	{"7z\xbc\xaf", "a 7-Zip archive"},
	{"Rar!", "a RAR archive"},
	{"%PDF", "PDF"},
	{"version https://git-lfs", "a Git LFS pointer without the file"},
}

// Look guesses from a file's first bytes, 512 of them are enough, what it is in
// words, empty where it cannot.
func Look(start []byte) string {
	for _, s := range signatures {
		if bytes.HasPrefix(start, []byte(s.start)) {
			return s.kind
		}
	}
	const pickle, newestPickle, tarMagic = 0x80, 5, 257
	switch {
	case len(start) == 0:
		return "an empty file"
	case bytes.HasPrefix(start, []byte("RIFF")) && len(start) >= 12 && string(start[8:12]) == "WEBP":
		return "a WebP image"
	case len(start) >= 4 && start[0] == 0 && start[1] == 0 && start[3] > 0:
		if name, ok := elementType(start[2]); ok {
			return fmt.Sprintf("%d-dimensional IDX of %s", start[3], name)
		}
	case len(start) >= 4 && start[2] == 0 && start[3] == 0 && start[0] > 0 && start[0] <= mostRank && start[1] == unsignedByte:
		return "IDX with its bytes in the wrong order"
	case len(start) >= 2 && start[0] == pickle && start[1] >= 2 && start[1] <= newestPickle:
		return "a Python pickle"
	case len(start) > tarMagic && bytes.HasPrefix(start[tarMagic:], []byte("ustar")):
		return "a tar archive"
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		return lookInto(start)
	}
	return lookAtText(start)
}

// lookAtStart looks at what a reader starts with.
func lookAtStart(r io.Reader) string {
	start := make([]byte, lookAt)
	n, err := io.ReadFull(r, start)
	if err != nil && n == 0 && err != io.EOF {
		return ""
	}
	return Look(start[:n])
}

// lookInto looks at what is in a gzip stream.
func lookInto(start []byte) string {
	var inside []byte
	if z, err := gzip.NewReader(bytes.NewReader(start)); err == nil {
		inside, _ = io.ReadAll(io.LimitReader(z, lookAt)) // it is cut off: what came is enough
	}
	if len(inside) == 0 {
		return "gzip"
	}
	kind := Look(inside)
	if kind == "" {
		return "gzip"
	}
	return "gzip of " + kind
}

func lookAtText(start []byte) string {
	for _, r := range string(start[:max(0, len(start)-utf8.UTFMax)]) {
		if r == utf8.RuneError || r < ' ' && !strings.ContainsRune("\t\r\n", r) {
			return ""
		}
	}
	if len(start) <= utf8.UTFMax && !utf8.Valid(start) || bytes.IndexByte(start, 0) >= 0 {
		return ""
	}
	text := strings.ToLower(strings.TrimSpace(string(start)))
	line, _, _ := strings.Cut(text, "\n")
	switch {
	case strings.HasPrefix(text, "<!doctype html"), strings.HasPrefix(text, "<html"):
		return "an HTML page"
	case strings.HasPrefix(text, "<"):
		return "XML"
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		return "JSON"
	case strings.Count(line, ",") > 0:
		return "CSV"
	}
	return "text"
}
