package table

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"aegis/data/memory"
)

// pageChecker looks through the pages of a Parquet file before the library reads
// them: it makes room for what a page says that it holds.
type pageChecker struct {
	file io.ReaderAt
	size int64           // of the file
	done map[[2]int]bool // columns of row groups that are checked
	inflater
}

// check says what is wrong with the pages of a column of a row group.
func (c *pageChecker) check(group int, column *parquet.Column, m *format.ColumnMetaData, rows int64) error {
	at := [2]int{group, column.Index()}
	if c.done[at] {
		return nil
	}
	from := m.DataPageOffset
	if m.DictionaryPageOffset != 0 {
		from = m.DictionaryPageOffset
	}
	if from < 0 || m.TotalCompressedSize < 0 || from > c.size || m.TotalCompressedSize > c.size-from {
		return fmt.Errorf("%d bytes from %d on in a file of %d", m.TotalCompressedSize, from, c.size)
	}
	if first := column.Compression(); first != nil && first.CompressionCodec() != m.Codec {
		return fmt.Errorf("compressed as %v behind %v", m.Codec, first)
	}
	if column.MaxRepetitionLevel() > 0 || column.MaxDefinitionLevel() > 1 {
		return errors.New("lists, or values in others")
	}
	chunk := pageReader{pageChecker: c, codec: m.Codec, optional: column.MaxDefinitionLevel() > 0, rows: rows}
	if err := chunk.run(from, m.TotalCompressedSize); err != nil {
		return err
	}
	if c.done == nil {
		c.done = map[[2]int]bool{}
	}
	c.done[at] = true
	return nil
}

// pageReader goes through the pages of one column of a row group, which holds no
// lists.
type pageReader struct {
	*pageChecker
	codec    format.CompressionCodec
	optional bool
	rows     int64 // that no page has had yet
	page     []byte
}

func (p *pageReader) run(at, rest int64) error {
	for rest > 0 {
		h, n, err := p.header(at, rest)
		if err != nil {
			return fmt.Errorf("page at byte %d: %w", at, err)
		}
		at, rest = at+n, rest-n
		packed := int64(h.CompressedPageSize)
		if packed < 0 || packed > rest || h.UncompressedPageSize < 0 {
			return fmt.Errorf("page at byte %d: %d bytes, of %d, where %d are left", at, packed, h.UncompressedPageSize, rest)
		}
		if err := p.read(at, h); err != nil {
			return fmt.Errorf("page at byte %d: %w", at, err)
		}
		at, rest = at+packed, rest-packed
	}
	return nil
}

// header reads what stands before a page, and says how many bytes that is.
func (p *pageReader) header(at, rest int64) (h *format.PageHeader, n int64, err error) {
	const usual, most = 1 << 12, 1 << 24
	for window := int64(usual); ; window *= 16 {
		text := make([]byte, min(window, rest))
		if n, err := p.file.ReadAt(text, at); n < len(text) {
			return nil, 0, err
		}
		w := walk{text}
		err = w.structure(reflect.TypeFor[format.PageHeader]())
		if errors.Is(err, io.ErrUnexpectedEOF) && window < min(rest, most) {
			continue // it has long statistics
		}
		if err != nil {
			return nil, 0, err
		}
		text = text[:len(text)-len(w.rest)]
		h = new(format.PageHeader)
		return h, int64(len(text)), thrift.Unmarshal(new(thrift.CompactProtocol), text, h)
	}
}

// read reads a page and looks through it.
func (p *pageReader) read(at int64, h *format.PageHeader) error {
	if cap(p.page) < int(h.CompressedPageSize) {
		p.page = make([]byte, h.CompressedPageSize)
	}
	page := p.page[:h.CompressedPageSize]
	if n, err := p.file.ReadAt(page, at); n < len(page) {
		return err
	}
	v1, v2, dictionary := h.DataPageHeader, h.DataPageHeaderV2, h.DictionaryPageHeader
	size := int64(h.UncompressedPageSize)
	switch {
	case h.Type == format.DataPage && v1 != nil && v2 == nil && dictionary == nil:
		return p.data(page, size, v1)
	case h.Type == format.DataPageV2 && v1 == nil && v2 != nil && dictionary == nil:
		return p.data2(page, size, v2)
	case h.Type == format.DictionaryPage && v1 == nil && v2 == nil && dictionary != nil:
		return p.dictionary(page, size, dictionary)
	}
	return fmt.Errorf("kind %v with the header of another", h.Type)
}

// values takes rows for the values of a page.
func (p *pageReader) values(n int32) (int64, error) {
	if n < 0 || int64(n) > p.rows {
		return 0, fmt.Errorf("%d values for %d rows", n, p.rows)
	}
	p.rows -= int64(n)
	const each = 16 // bytes that a value takes while it is read, or fewer
	return int64(n), memory.Fits(each * uint64(n))
}

func (p *pageReader) dictionary(page []byte, size int64, h *format.DictionaryPageHeader) error {
	page, err := p.inflate(p.codec, page, size)
	if err != nil {
		return err
	}
	const most = 8 // values in a byte, of any kind
	if e := h.Encoding; e != format.Plain && e != plainDictionary || h.NumValues < 0 || int(h.NumValues) > most*len(page) {
		return fmt.Errorf("a dictionary of %d values in %d bytes, written %v", h.NumValues, len(page), e)
	}
	return nil
}

// data looks through a page of the first version: levels that say which values
// are there, behind their length, and the values, compressed together.
func (p *pageReader) data(page []byte, size int64, h *format.DataPageHeader) error {
	there, err := p.values(h.NumValues)
	if err != nil {
		return err
	}
	if page, err = p.inflate(p.codec, page, size); err != nil {
		return err
	}
	w := walk{page}
	if p.optional {
		if h.DefinitionLevelEncoding != format.RLE {
			return fmt.Errorf("levels written %v", h.DefinitionLevelEncoding)
		}
		levels, err := w.sized()
		if err != nil {
			return err
		}
		if there, err = levels.runs(1, there); err != nil {
			return err
		}
	}
	return w.values(h.Encoding, there)
}

// data2 looks through a page of the second version: levels as they are, and
// values that may be compressed.
func (p *pageReader) data2(page []byte, size int64, h *format.DataPageHeaderV2) error {
	n, err := p.values(h.NumValues)
	if err != nil {
		return err
	}
	lists, levels := h.RepetitionLevelsByteLength, h.DefinitionLevelsByteLength
	if h.NumNulls < 0 || int64(h.NumNulls) > n || lists < 0 || levels < 0 || int64(lists)+int64(levels) > int64(len(page)) {
		return fmt.Errorf("%d values, %d of them missing, with levels of %d and %d bytes in %d", n, h.NumNulls, lists, levels, len(page))
	}
	there := n - int64(h.NumNulls)
	if p.optional {
		w := walk{page[lists:][:levels]}
		if found, err := w.runs(1, n); err != nil || found != there {
			return cmp.Or(err, fmt.Errorf("%d values are there, %d by its header", found, there))
		}
	}
	page = page[lists+levels:]
	if h.IsCompressed == nil || *h.IsCompressed {
		if page, err = p.inflate(p.codec, page, size-int64(lists)-int64(levels)); err != nil {
			return err
		}
	}
	w := walk{page}
	return w.values(h.Encoding, there)
}
