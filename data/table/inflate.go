package table

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"

	"aegis/data/memory"
)

// inflater inflates pages, and makes room for no more than they say.
type inflater struct {
	out  []byte
	zstd *zstd.Decoder
}

// inflate inflates a page that has size bytes. It is valid until the next.
func (f *inflater) inflate(codec format.CompressionCodec, page []byte, size int64) ([]byte, error) {
	if codec == format.Uncompressed {
		return page, nil
	}
	if size < 0 {
		return nil, fmt.Errorf("%d bytes", size)
	}
	if err := memory.Fits(uint64(size)); err != nil {
		return nil, err
	}
	var from io.Reader
	var err error
	switch codec {
	case format.Snappy:
		return f.snappy(page, size)
	case format.Gzip:
		from, err = gzip.NewReader(bytes.NewReader(page))
	case format.Zstd:
		from, err = f.unzstd(page)
	default:
		return nil, fmt.Errorf("compressed as %v", codec)
	}
	if err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(f.out[:0])
	n, err := io.Copy(out, io.LimitReader(from, size+1))
	f.out = out.Bytes()
	if err == nil && n != size {
		err = fmt.Errorf("%d bytes or more where %d are", n, size)
	}
	return f.out, err
}

// snappy says itself how long it is.
func (f *inflater) snappy(page []byte, size int64) ([]byte, error) {
	if n, read := binary.Uvarint(page); read <= 0 || n != uint64(size) {
		return nil, fmt.Errorf("%d bytes where %d are", n, size)
	}
	out, err := snappy.Decode(f.out[:cap(f.out)], page)
	if err == nil {
		f.out = out
	}
	return out, err
}

func (f *inflater) unzstd(page []byte) (io.Reader, error) {
	const window = 128 << 20 // bytes that a text may go back, which take memory
	if f.zstd != nil {
		return f.zstd, f.zstd.Reset(bytes.NewReader(page))
	}
	var err error
	f.zstd, err = zstd.NewReader(bytes.NewReader(page), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(window))
	return f.zstd, err
}

// inflates says that pages of a compression can be read. The library makes ever
// more room for damaged ones of the others.
func inflates(codec format.CompressionCodec) bool {
	return codec == format.Uncompressed || codec == format.Snappy || codec == format.Gzip || codec == format.Zstd
}
