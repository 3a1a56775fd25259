package run

import (
	"bytes"
	"io"
	"math"
	"slices"
	"testing"

	"aegis/model/program"
)

// TestFloats holds what a machine of the file's byte order does to what any
// machine does, to the bit.
func TestFloats(t *testing.T) {
	for _, n := range []int{0, 1, 5, chunkSize/float32Size - 1, 2*chunkSize/float32Size + 3} {
		values := make([]float32, n)
		for i := range values {
			values[i] = math.Float32frombits(uint32(i) * 0x9e3779b9) // NaN among them
		}
		var file, converted bytes.Buffer
		if err := writeFloats(&file, values); err != nil {
			t.Fatal(err)
		}
		if err := convertFloats(&converted, values); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(file.Bytes(), converted.Bytes()) {
			t.Errorf("%d values: other bytes than when each is converted", n)
		}
		back := make([]float32, n)
		if err := readFloats(back, &file); err != nil {
			t.Fatal(err)
		}
		copied := slices.Clone(back)
		restoreFloats(copied)
		for _, got := range [][]float32{back, copied} {
			if !bytes.Equal(bytesOf(got), bytesOf(values)) {
				t.Errorf("%d values: others come back", n)
			}
		}
	}
}

// BenchmarkEncode writes a model of 64 MiB, its checksum with it, to nowhere.
func BenchmarkEncode(b *testing.B) {
	tensors := map[string]program.Tensor{"a": {Shape: []int{1 << 24}, Data: make([]float32, 1<<24)}}
	b.SetBytes(1 << 26)
	for b.Loop() {
		if err := EncodeTensors(io.Discard, tensors, map[string]string{ConfigKey: "{}"}); err != nil {
			b.Fatal(err)
		}
	}
}
