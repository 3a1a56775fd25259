package data

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
)

const (
	printBlock  = 64 << 10 // bytes that go into a fingerprint as one checksum
	printWhole  = 4 << 30  // up to so many bytes of rows are read whole
	printBlocks = 4096     // of more than that so many blocks are
)

// Fingerprint is by what sets are known again: a hash of their shapes, kinds of
// values, rows and labels in their order, of each 64 KiB the CRC-32C. Of rows of
// more than 4 GiB it reads the first and the last block and 4094 that lie evenly
// between: a set of another size is known by that, one of the same size that
// differs elsewhere is not.
func Fingerprint(sets ...Set) string {
	sum := sha256.New()
	for _, s := range sets {
		fmt.Fprintln(sum, s.N, s.Shape, s.IsBytes(), s.Labels != nil)
		printed(sum, s.Memory(), printWhole, printBlocks)
		printed(sum, s.Labels, printWhole, printBlocks)
	}
	const bytes = 16 // are enough to tell any two
	return hex.EncodeToString(sum.Sum(nil)[:bytes])
}

// printed adds the checksums of blocks to a hash: of all where there are no more
// than whole bytes, else of so many.
func printed(sum hash.Hash, memory []byte, whole int64, most int) {
	count := (len(memory) + printBlock - 1) / printBlock
	picked := count
	if int64(len(memory)) > whole {
		picked = min(count, most)
	}
	table := crc32.MakeTable(crc32.Castagnoli)
	var crcs []byte
	for i := range picked {
		at := i
		if picked < count {
			at = int(int64(i) * int64(count-1) / int64(picked-1))
		}
		block := memory[at*printBlock : min(len(memory), (at+1)*printBlock)]
		crcs = binary.LittleEndian.AppendUint32(crcs, crc32.Checksum(block, table))
	}
	sum.Write(crcs)
}
