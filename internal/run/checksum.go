package run

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
)

// A file of a model has a checksum in its metadata, which other readers of
// safetensors pass over: CRC-32C of the whole file, its own digits read as
// zeros. Files of version 0.1.0 have none.
const (
	checksumKey  = "crc32c"
	noChecksum   = "00000000"
	versionKey   = "aegis"
	firstVersion = "0.1.0"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ofModel says whether metadata are those of a model or a program.
func ofModel(metadata map[string]string) bool {
	_, network := metadata[ConfigKey]
	_, program := metadata[ProgramKey]
	return network || program
}

// digits finds the checksum in a header, −1 where it has none.
func digits(head []byte) int {
	mark := fmt.Appendf(nil, "%q:\"", checksumKey)
	at := bytes.LastIndex(head, mark) // keys are sorted: a configuration comes before
	if at < 0 || at+len(mark)+len(noChecksum) > len(head) {
		return -1
	}
	return at + len(mark)
}

// seal writes the checksum of a file into its header, which has zeros in its
// place; sum is that of the header and of what follows it.
func seal(head []byte, sum uint32) {
	copy(head[digits(head):], fmt.Sprintf("%08x", sum))
}

// checkSum reads a whole file where its metadata have a checksum, and says where
// it is another one, or where a model's file has none.
func checkSum(r io.ReaderAt, size int64, head []byte, metadata map[string]string) error {
	text, ok := metadata[checksumKey]
	if !ok {
		if ofModel(metadata) && metadata[versionKey] != firstVersion {
			return broken("a model without its checksum; get the file once more")
		}
		return nil
	}
	want, err := strconv.ParseUint(text, 16, 32)
	at := digits(head)
	if err != nil || len(text) != len(noChecksum) || at < 0 {
		return broken("checksum %q; want eight hexadecimal digits", text)
	}
	zeroed := bytes.Clone(head)
	copy(zeroed[at:], noChecksum)
	sum := summing(crc32.Update(crc32.Checksum(prefixOf(head), castagnoli), castagnoli, zeroed))
	from := int64(prefixSize + len(head))
	if _, err := io.Copy(&sum, io.NewSectionReader(r, from, size-from)); err != nil {
		return fmt.Errorf("safetensors: read: %w", err)
	}
	if uint32(sum) != uint32(want) {
		return broken("it was changed since it was written (checksum %08x, want %s); get the file once more", uint32(sum), text)
	}
	return nil
}

// prefixOf is what stands before a header.
func prefixOf(head []byte) []byte {
	return binary.LittleEndian.AppendUint64(nil, uint64(len(head)))
}

// summing is a checksum of what is written to it.
type summing uint32

func (s *summing) Write(b []byte) (int, error) {
	*s = summing(crc32.Update(uint32(*s), castagnoli, b))
	return len(b), nil
}
