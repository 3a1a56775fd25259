package table

import (
	"encoding/binary"
	"fmt"
	"io"
	"reflect"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// checkFooter checks what is at a file's end, and returns the file as the library
// reads it right: some, such as Arrow, write that the root of all columns is
// repeated, which says nothing, and the library would look for lists.
func checkFooter(r io.ReaderAt, size int64) (io.ReaderAt, int64, error) {
	text, err := footer(r, size)
	if err != nil {
		return nil, 0, err
	}
	w := walk{text}
	if err := w.structure(reflect.TypeFor[format.FileMetaData]()); err != nil {
		return nil, 0, err
	}
	var m format.FileMetaData
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), text, &m); err != nil {
		return nil, 0, err
	}
	if len(m.Schema) == 0 || m.Schema[0].RepetitionType == nil {
		return r, size, nil
	}
	m.Schema[0].RepetitionType = nil
	end, err := thrift.Marshal(new(thrift.CompactProtocol), &m)
	if err != nil {
		return nil, 0, err
	}
	at := size - int64(len(text)+footerTail)
	end = binary.LittleEndian.AppendUint32(end, uint32(len(end)))
	end = append(end, parquetMagic...)
	return &otherEnd{r, at, end}, at + int64(len(end)), nil
}

// footerTail is the bytes behind a footer: its length, and the magic bytes again.
const footerTail = 4 + len(parquetMagic)

// footer reads a file's end, by its length.
func footer(r io.ReaderAt, size int64) ([]byte, error) {
	var end [footerTail]byte
	if size < int64(len(parquetMagic)+footerTail) {
		return nil, io.ErrUnexpectedEOF
	}
	if _, err := r.ReadAt(end[:], size-int64(footerTail)); err != nil && err != io.EOF {
		return nil, err
	}
	if string(end[4:]) != parquetMagic {
		return nil, fmt.Errorf("%q at the end", end[4:])
	}
	n := int64(binary.LittleEndian.Uint32(end[:]))
	if n > size-int64(len(parquetMagic)+footerTail) {
		return nil, fmt.Errorf("an end of %d bytes in %d", n, size)
	}
	text := make([]byte, n)
	_, err := r.ReadAt(text, size-int64(footerTail)-n)
	return text, err
}

// otherEnd is a file with other bytes from a place on.
type otherEnd struct {
	file io.ReaderAt
	at   int64
	end  []byte
}

func (o *otherEnd) ReadAt(p []byte, from int64) (n int, err error) {
	if from < o.at {
		n, err = o.file.ReadAt(p[:min(int64(len(p)), o.at-from)], from)
		if err != nil || n == len(p) {
			return n, err
		}
	}
	skip := min(max(from-o.at, 0), int64(len(o.end)))
	more := copy(p[n:], o.end[skip:])
	if n += more; n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
