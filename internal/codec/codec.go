// Package codec keeps codes in few bytes: each value in 8 bits between the
// least and the largest of its dimension in a block of rows, and each dimension
// of a block Huffman-coded by itself (huff0 of klauspost/compress).
//
// A file, numbers little-endian:
//
//	"AEGISCOD"  version u32
//	SHA-256 of the model's file (32)  z u32  rows a block u32
//	number of sides u32, each side of a decoded row u32
//	checksum u32
//	blocks:  rows u32 (not 0)  bytes u32  payload  checksum u32
//	end:     0 u32  rows of all blocks u64  checksum u32
//
// A payload is lo and hi (float32) of each dimension and then each dimension's
// plane: kind u8, bytes u32 and the bytes: the rows' values as they are, one
// value that all have, or Huffman-coded.
//
// Each checksum is CRC-32C of all bytes of the file before it, so that it
// covers the order of blocks as well. What follows the end is an error too.
package codec

import (
	"fmt"
	"hash/crc32"
)

const (
	magic   = "AEGISCOD"
	version = 1

	// MaxZ is the most values in a code, MaxSides the most sides of a row.
	MaxZ     = 1 << 16
	MaxSides = 8

	maxBlockRows = 1 << 16
	maxBlock     = 1 << 24 // values in a block
	rangeBytes   = 8       // lo and hi
	planeBytes   = 5       // kind and length
)

// kinds of planes
const (
	planeRaw = iota
	planeOne
	planeHuffman
)

// Header is what a file says of its codes.
type Header struct {
	Model     [32]byte // SHA-256 of the file of the model that made and reads them
	Z         int      // values in a code
	Shape     []int    // of a decoded row, such as (1,28,28)
	BlockRows int      // rows in a block; 0 is as many as 4,096, fewer of long codes
}

// check holds a header to its limits.
func (h *Header) check() error {
	if h.Z < 1 || h.Z > MaxZ || len(h.Shape) > MaxSides || h.BlockRows < 1 || h.BlockRows > maxBlockRows || h.BlockRows*h.Z > maxBlock {
		return fmt.Errorf("want 1 to %d values in a code, at most %d sides and 1 to %d rows and %d values in a block, got %d values, %d sides and %d rows",
			MaxZ, MaxSides, maxBlockRows, maxBlock, h.Z, len(h.Shape), h.BlockRows)
	}
	size := 1
	for _, side := range h.Shape {
		if side < 1 || side > 1<<30/size {
			return fmt.Errorf("want sides of 1 and more and at most %d values in a row, got %v", 1<<30, h.Shape)
		}
		size *= side
	}
	return nil
}

// DamagedError is the error of a file that was written whole and is no longer
// so: cut short, changed or longer.
type DamagedError struct {
	Offset int64  // of what could not be read, from the start of the file
	What   string // what is wrong there
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("codec: read: the file is damaged: %s at byte %d; none of its codes can be trusted", e.What, e.Offset)
}

// ForeignError is the error of a file that is none of this package, or of a
// version that it does not know.
type ForeignError struct{ Got string }

func (e *ForeignError) Error() string {
	return fmt.Sprintf("codec: read: want a file of compressed codes of version %d, got %s", version, e.Got)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
