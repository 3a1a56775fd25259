package images

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/bep/imagemeta"
)

// orientation reads the orientation of EXIF, 1 where there is none: an image is
// not lost by metadata that are broken.
func orientation(r io.ReadSeeker, k kind) (found int, err error) {
	format, ok := map[kind]imagemeta.ImageFormat{
		pngKind: imagemeta.PNG, jpegKind: imagemeta.JPEG, webpKind: imagemeta.TIFF, tiffKind: imagemeta.TIFF,
	}[k]
	found = 1
	if !ok {
		return found, nil
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return found, err
	}
	if k == webpKind {
		exif := webpEXIF(r)
		if exif == nil {
			return found, nil
		}
		r = bytes.NewReader(exif)
	}
	// A panic or error of the library leaves what was found so far.
	defer func() { _ = recover() }()
	_, _ = imagemeta.Decode(imagemeta.Options{
		R: r, ImageFormat: format, Sources: imagemeta.EXIF,
		ShouldHandleTag: func(tag imagemeta.TagInfo) bool { return tag.Tag == "Orientation" && tag.Namespace == "IFD0" },
		HandleTag: func(tag imagemeta.TagInfo) error {
			if v, ok := tag.Value.(uint16); ok && v >= 1 && v <= 8 {
				found = int(v)
			}
			return imagemeta.ErrStopWalking
		},
		Warnf: func(string, ...any) {},
	})
	return found, nil
}

// webpEXIF returns the EXIF of a WebP file, nil where there is none. It walks
// the chunks itself: imagemeta v1.0.1 loses its place behind one of odd length.
func webpEXIF(r io.ReadSeeker) []byte {
	const riff, chunk, most = 12, 8, 1 << 20
	if _, err := r.Seek(riff, io.SeekStart); err != nil {
		return nil
	}
	for first := true; ; first = false {
		var head [chunk]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil
		}
		name, size := string(head[:4]), int64(binary.LittleEndian.Uint32(head[4:]))
		if first && name != "VP8X" { // only this kind has more than pixels
			return nil
		}
		if name == "EXIF" && size <= most {
			exif := make([]byte, size)
			if _, err := io.ReadFull(r, exif); err != nil {
				return nil
			}
			return bytes.TrimPrefix(exif, []byte("Exif\x00\x00"))
		}
		if _, err := r.Seek(size+size&1, io.SeekCurrent); err != nil {
			return nil
		}
	}
}
