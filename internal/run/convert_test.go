package run

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"testing"
)

// TestConvert reads the same values out of floats of all types.
func TestConvert(t *testing.T) {
	nan := float32(math.NaN())
	for dtype, c := range map[string]struct {
		bits []uint64
		size int
		want []float32
	}{
		"F16": {
			[]uint64{0x3c00, 0xc100, 0x0001, 0x83ff, 0x0400, 0x7bff, 0x8000, 0x7c00, 0x7e00},
			2,
			[]float32{1, -2.5, 0x1p-24, -1023 * 0x1p-24, 0x1p-14, 65504, 0, float32(math.Inf(1)), nan},
		},
		"BF16": {[]uint64{0x3f80, 0xc020, 0x0001, 0x7f80, 0x7fc0}, 2, []float32{1, -2.5, 0x1p-133, float32(math.Inf(1)), nan}},
		"F32":  {[]uint64{0x3f800000, 0xc0200000}, 4, []float32{1, -2.5}},
		"F64":  {[]uint64{math.Float64bits(1), math.Float64bits(-2.5), math.Float64bits(1e300), math.Float64bits(0.1)}, 8, []float32{1, -2.5, float32(math.Inf(1)), 0.1}},
	} {
		file := oneTensor(t, dtype, c.size, c.bits)
		got, err := file.Convert("a")
		if err != nil || len(got.Data) != len(c.want) {
			t.Errorf("%s: %v, %v", dtype, got, err)
			continue
		}
		for i, want := range c.want {
			if v := got.Data[i]; v != want && !(v != v && want != want) {
				t.Errorf("%s, value %d: %v, want %v", dtype, i, v, want)
			}
		}
		if info := file.List(); len(info) != 1 || info[0].Name != "a" || info[0].Type != dtype || info[0].Shape[0] != len(c.want) {
			t.Errorf("%s: %+v", dtype, info)
		}
	}
	file := oneTensor(t, "I64", 8, []uint64{1})
	var unsupported *UnsupportedError
	if _, err := file.Convert("a"); !errors.As(err, &unsupported) {
		t.Errorf("whole numbers: %v", err)
	}
	if _, err := file.Convert("b"); err == nil {
		t.Error("a tensor that is not there was read")
	}
}

// oneTensor is a file of one tensor, a.
func oneTensor(t *testing.T, dtype string, size int, bits []uint64) *TensorFile {
	t.Helper()
	head := fmt.Appendf(nil, `{"a":{"dtype":%q,"shape":[%d],"data_offsets":[0,%d]}}`, dtype, len(bits), size*len(bits))
	text := append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...)
	for _, v := range bits {
		text = append(text, binary.LittleEndian.AppendUint64(nil, v)[:size]...)
	}
	file, err := NewTensorFile(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	return file
}
