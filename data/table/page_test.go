package table

import (
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"aegis/data"
)

// TestPageValues goes over values: those that are more, or take more, than they
// say are refused.
func TestPageValues(t *testing.T) {
	differences, err := new(delta.BinaryPackedEncoding).EncodeInt32(nil, numbersTo(1000))
	if err != nil {
		t.Fatal(err)
	}
	texts, offsets := []byte{}, []uint32{0}
	for i := range 300 {
		texts = append(texts, strings.Repeat("a", i%7)...)
		offsets = append(offsets, uint32(len(texts)))
	}
	prefixed, err := new(delta.ByteArrayEncoding).EncodeByteArray(nil, texts, offsets)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		encoding format.Encoding
		bytes    string
		there    int64
		want     string // in the error, empty: none
	}{
		"plain":            {format.Plain, "", 5, ""},
		"dictionary":       {format.RLEDictionary, "\x02\x14\x01\x03\xff\xff", 18, ""},
		"none":             {format.RLEDictionary, "", 0, ""},
		"few":              {format.RLEDictionary, "\x02\x14\x01", 11, "10 numbers where 11 are"},
		"many":             {plainDictionary, "\x02\x80\x80\x80\x08\x01", 10, "more than 8388608 numbers where 10 are"},
		"many runs":        {format.RLEDictionary, "\x00" + strings.Repeat("\x90\x03", 10), 10, "numbers where 10 are"},
		"wide":             {format.RLEDictionary, "\x21\x02\x01", 1, "numbers of 33 bits"},
		"cut off":          {format.RLEDictionary, "\x08\x02", 1, "EOF"},
		"truths":           {format.RLE, "\x02\x00\x00\x00\x0a\x01", 5, ""},
		"truths cut off":   {format.RLE, "\x03\x00\x00\x00\x0a\x01", 5, "EOF"},
		"differences":      {format.DeltaBinaryPacked, string(differences), 1000, ""},
		"more differences": {format.DeltaBinaryPacked, string(differences), 999, "1000 numbers where 999 are"},
		"no block":         {format.DeltaLengthByteArray, "\x00\x04\x01\x00", 9, "in blocks of 0 in 4"},
		"no parts":         {format.DeltaLengthByteArray, "\x80\x01\x00\x01\x00", 9, "in blocks of 128 in 0"},
		"blocks cut off":   {format.DeltaLengthByteArray, "\x80\x01\x04\x09\x00\x00\x01", 9, "EOF"},
		"prefixes":         {format.DeltaByteArray, string(prefixed), 300, ""},
		"more prefixes":    {format.DeltaByteArray, string(prefixed), 299, "300 numbers where 299 are"},
	} {
		w := walk{[]byte(c.bytes)}
		err := w.values(c.encoding, c.there)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func numbersTo(n int32) (numbers []int32) {
	for i := range n {
		numbers = append(numbers, i*i)
	}
	return numbers
}

// TestPageOnes counts which values are there.
func TestPageOnes(t *testing.T) {
	for bytes, want := range map[string]int64{
		"\x14\x01": 10, "\x14\x00": 0, "\x05\xff\xff": 10, "\x05\x0f\x01": 5, "\x05\x00\xfc": 0, "\x10\x01\x03\x02": 9, "\x14\x01\x03\xff": 10,
	} {
		w := walk{[]byte(bytes)}
		if got, err := w.runs(1, 10); got != want || err != nil {
			t.Errorf("%x: %d are there, error %v; want %d", bytes, got, err, want)
		}
	}
}

// TestPageBombs inflates pages to no more than they say.
func TestPageBombs(t *testing.T) {
	page := bytes.Repeat([]byte("aegis"), 1000)
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write(page)
	_ = w.Close()
	packer, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var f inflater
	for codec, packed := range map[format.CompressionCodec][]byte{
		format.Snappy: snappy.Encode(nil, page), format.Gzip: z.Bytes(), format.Zstd: packer.EncodeAll(page, nil),
	} {
		for _, size := range []int64{int64(len(page)), int64(len(page)) - 1, int64(len(page)) + 1, 0, -1, 1 << 50} {
			got, err := f.inflate(codec, packed, size)
			if want := size == int64(len(page)); (err == nil) != want || want && !bytes.Equal(got, page) {
				t.Errorf("%v of %d bytes: %d, error %v", codec, size, len(got), err)
			}
		}
		if _, err := f.inflate(codec, packed[:len(packed)/2], int64(len(page))); err == nil {
			t.Errorf("%v: half a page is no error", codec)
		}
	}
}

// TestPageHeaders refuses what stands before pages, where it does not fit them.
func TestPageHeaders(t *testing.T) {
	const first, second, dictionary = 0, 1, 2
	levels := "\x06\x01\x02\x00" // three values are there, one is not
	pages := []struct {
		h     format.PageHeader
		bytes string
	}{
		first:      {format.PageHeader{Type: format.DataPage, DataPageHeader: &format.DataPageHeader{NumValues: 4, DefinitionLevelEncoding: format.RLE}}, "\x04\x00\x00\x00" + levels + strings.Repeat("x", 12)},
		second:     {format.PageHeader{Type: format.DataPageV2, DataPageHeaderV2: &format.DataPageHeaderV2{NumValues: 4, NumNulls: 1, NumRows: 4, DefinitionLevelsByteLength: 4}}, levels + strings.Repeat("x", 12)},
		dictionary: {format.PageHeader{Type: format.DictionaryPage, DictionaryPageHeader: &format.DictionaryPageHeader{NumValues: 3}}, strings.Repeat("x", 12)},
	}
	for name, c := range map[string]struct {
		page int
		bend func(*format.PageHeader)
		want string // in the error, empty: none
	}{
		"first":               {first, func(*format.PageHeader) {}, ""},
		"second":              {second, func(*format.PageHeader) {}, ""},
		"dictionary":          {dictionary, func(*format.PageHeader) {}, ""},
		"long":                {first, func(h *format.PageHeader) { h.CompressedPageSize = 1 << 30 }, "1073741824 bytes"},
		"negative":            {first, func(h *format.PageHeader) { h.CompressedPageSize = -1 }, "-1 bytes"},
		"negative inside":     {first, func(h *format.PageHeader) { h.UncompressedPageSize = -1 }, "of -1"},
		"another kind":        {first, func(h *format.PageHeader) { h.Type = format.DictionaryPage }, "with the header of another"},
		"no kind":             {first, func(h *format.PageHeader) { h.Type = format.IndexPage }, "with the header of another"},
		"two kinds":           {first, func(h *format.PageHeader) { h.DictionaryPageHeader = pages[dictionary].h.DictionaryPageHeader }, "with the header of another"},
		"many":                {first, func(h *format.PageHeader) { h.DataPageHeader.NumValues = 1 << 30 }, "1073741824 values for 4 rows"},
		"fewer than none":     {first, func(h *format.PageHeader) { h.DataPageHeader.NumValues = -4 }, "-4 values"},
		"levels":              {first, func(h *format.PageHeader) { h.DataPageHeader.DefinitionLevelEncoding = format.BitPacked }, "levels written BIT_PACKED"},
		"few":                 {first, func(h *format.PageHeader) { h.DataPageHeader.NumValues = 3 }, ""},
		"missing":             {second, func(h *format.PageHeader) { h.DataPageHeaderV2.NumNulls = 5 }, "5 of them missing"},
		"none missing":        {second, func(h *format.PageHeader) { h.DataPageHeaderV2.NumNulls = 0 }, "3 values are there, 4 by its header"},
		"lists":               {second, func(h *format.PageHeader) { h.DataPageHeaderV2.RepetitionLevelsByteLength = 17 }, "levels of 17 and 4 bytes in 16"},
		"long levels":         {second, func(h *format.PageHeader) { h.DataPageHeaderV2.DefinitionLevelsByteLength = 1 << 30 }, "levels of 0 and 1073741824"},
		"negative levels":     {second, func(h *format.PageHeader) { h.DataPageHeaderV2.DefinitionLevelsByteLength = -1 }, "levels of 0 and -1"},
		"no levels":           {second, func(h *format.PageHeader) { h.DataPageHeaderV2.DefinitionLevelsByteLength = 0 }, "0 numbers where 4 are"},
		"long dictionary":     {dictionary, func(h *format.PageHeader) { h.DictionaryPageHeader.NumValues = 1 << 30 }, "a dictionary of 1073741824 values in 12 bytes"},
		"negative dictionary": {dictionary, func(h *format.PageHeader) { h.DictionaryPageHeader.NumValues = -1 }, "a dictionary of -1 values"},
		"dictionary of runs":  {dictionary, func(h *format.PageHeader) { h.DictionaryPageHeader.Encoding = format.RLE }, "written RLE"},
	} {
		page := pages[c.page]
		h := page.h
		copyOf(&h.DataPageHeader)
		copyOf(&h.DataPageHeaderV2)
		copyOf(&h.DictionaryPageHeader)
		h.CompressedPageSize, h.UncompressedPageSize = int32(len(page.bytes)), int32(len(page.bytes))
		c.bend(&h)
		file, err := thrift.Marshal(new(thrift.CompactProtocol), &h)
		if err != nil {
			t.Fatal(err)
		}
		file = append(file, page.bytes...)
		p := pageReader{pageChecker: &pageChecker{file: bytes.NewReader(file)}, optional: true, rows: 4}
		err = p.run(0, int64(len(file)))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func copyOf[T any](p **T) {
	if *p != nil {
		of := **p
		*p = &of
	}
}

// TestPageCompression names a compression that is not read.
func TestPageCompression(t *testing.T) {
	type row struct{ A, B int32 }
	file := parquetOf(t, []row{{1, 2}}, 1, parquet.Compression(&parquet.Brotli))
	var unsupported *data.UnsupportedError
	if _, err := openBytes(t, file, Options{}); !errors.As(err, &unsupported) || !strings.Contains(err.Error(), "got BROTLI; write the file with one of these") {
		t.Errorf("error %v", err)
	}
}
