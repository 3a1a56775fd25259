package table

import (
	"bytes"
	"compress/gzip"
	"io"
)

// Is says whether a file that starts so, plain or in gzip, is a table of text: a
// table has at least two columns in its lines, or one of numbers. UTF-16 counts
// as one, which [Open] refuses with a better error than others could.
func Is(start []byte) bool {
	if bytes.HasPrefix(start, []byte{0x1f, 0x8b}) {
		start = inflated(start)
	}
	if bytes.HasPrefix(start, []byte{0xff, 0xfe}) || bytes.HasPrefix(start, []byte{0xfe, 0xff}) {
		return true
	}
	start = bytes.TrimLeft(bytes.TrimPrefix(start, []byte(utf8BOM)), " \r\n")
	if len(start) == 0 || bytes.IndexByte([]byte("<{["), start[0]) >= 0 {
		return false
	}
	for _, c := range start {
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' || c == 0x7f {
			return false
		}
	}
	if whole := bytes.LastIndexByte(start, '\n'); whole >= 0 {
		start = start[:whole+1] // what is cut off is no line
	}
	_, cells, err := delimited(start, 1, "", Options{})
	if err != nil {
		return false
	}
	if len(cells[0]) > 1 {
		return fitOf(cells).alike > 0.5 || ragged(cells)
	}
	for _, line := range cells[1:] {
		if len(line) > 1 || ofText(line[0], false).kind == text {
			return false
		}
	}
	return len(cells) > 1
}

// ragged says that all lines but the first are as wide, and not as wide as that.
func ragged(cells [][]string) bool {
	rest := cells[1:]
	return len(rest) > 0 && fitOf(rest).alike == 1
}

// inflated returns what the start of a gzip stream holds.
func inflated(start []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(start))
	if err != nil {
		return nil
	}
	const most = 1 << 16
	inside, _ := io.ReadAll(io.LimitReader(z, most)) // it is cut off: what came is enough
	return inside
}
