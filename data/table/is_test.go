package table

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
)

func TestIs(t *testing.T) {
	for name, c := range map[string]struct {
		start string
		want  bool
	}{
		"CSV":          {"a,b\n1,2\n3,4\n5,", true},
		"TSV":          {"a\tb\n1\t2\n", true},
		"semicolons":   {"1,5;2\n3;4\n", true},
		"BOM":          {"\ufeffa,b\n1,2\n", true},
		"UTF-16":       {"\xff\xfea\x00", true},
		"Latin 1":      {"Gr\xf6\xdfe,b\n1,2\n", true},
		"a column":     {"a\n1\n2\n", true},
		"one line":     {"a,b,c", true},
		"wide header":  {"a,b,\n1,2\n3,4\n5,6", true},
		"thin header":  {"a;b\n1;2;3\n4;5;6\n", true},
		"wide, words":  {"Sir,\nI write\nto you\n", false},
		"one word":     {"hello", false},
		"words":        {"hello\nworld\n", false},
		"prose":        {"Dear Sir, or Madam,\nI write to you\nwith regards\nand more\n", false},
		"empty":        {"", false},
		"JSON":         {"{\"a\": 1,\n\"b\": 2}\n", false},
		"HTML":         {"<html>,\n,\n", false},
		"PNG":          {"\x89PNG\r\n\x1a\n,,,", false},
		"NumPy":        {"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order'", false},
		"Parquet":      {"PAR1\x15\x04\x15", false},
		"zeros":        {"\x00\x00\x08\x03", false},
		"part of gzip": {packed(strings.Repeat("1,2\n", 100))[:30], true},
		"gzip of IDX":  {packed("\x00\x00\x08\x03\x00"), false},
	} {
		if got := Is([]byte(c.start)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func packed(text string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return out.String()
}
