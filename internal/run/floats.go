package run

import (
	"encoding/binary"
	"io"
	"math"
	"slices"
	"unsafe"
)

const chunkSize = 1 << 16 // bytes converted at a time

// littleEndian says that values lie in memory as they do in a file.
func littleEndian() bool { return binary.NativeEndian.Uint16([]byte{1, 0}) == 1 }

// bytesOf is the memory of values.
func bytesOf(values []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*float32Size)
}

// writeFloats writes values as a file has them, in large pieces where nothing is
// to be converted.
func writeFloats(w io.Writer, values []float32) error {
	if littleEndian() {
		_, err := w.Write(bytesOf(values))
		return err
	}
	return convertFloats(w, values)
}

// convertFloats is writeFloats on any machine.
func convertFloats(w io.Writer, values []float32) error {
	chunk := make([]byte, 0, min(chunkSize, len(values)*float32Size))
	for part := range slices.Chunk(values, chunkSize/float32Size) {
		chunk = chunk[:0]
		for _, v := range part {
			chunk = binary.LittleEndian.AppendUint32(chunk, math.Float32bits(v))
		}
		if _, err := w.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}

// readFloats reads values as a file has them.
func readFloats(dst []float32, r io.Reader) error {
	raw := bytesOf(dst)
	if _, err := io.ReadFull(r, raw); err != nil || littleEndian() {
		return err
	}
	restoreFloats(dst)
	return nil
}

// restoreFloats turns the bytes of a file, which lie where the values should,
// into values, on any machine.
func restoreFloats(values []float32) {
	raw := bytesOf(values)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[i*float32Size:]))
	}
}
