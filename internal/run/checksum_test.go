package run

import (
	"bytes"
	"strings"
	"testing"

	"aegis/model/program"
)

// TestDamagedModel changes each byte of a model's file in turn, and cuts it at
// each: all is an error.
func TestDamagedModel(t *testing.T) {
	tensors := map[string]program.Tensor{"a": {Shape: []int{2, 3}, Data: []float32{1, 2, 3, 4, 5, 6}}, "b": {Shape: []int{1}, Data: []float32{7}}}
	var file bytes.Buffer
	if err := EncodeTensors(&file, tensors, map[string]string{ConfigKey: `{"a":"crc32c","b":1}`, versionKey: "0.2.0"}); err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()
	open := func(text []byte) error {
		_, err := NewTensorFile(bytes.NewReader(text), int64(len(text)))
		return err
	}
	if err := open(whole); err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		for _, bit := range []byte{1, 0x10, 0x80} {
			damaged := bytes.Clone(whole)
			damaged[i] ^= bit
			if open(damaged) == nil {
				t.Errorf("byte %d (%q) was changed by %#x, and nothing is said", i, whole[i], bit)
			}
		}
		if open(whole[:i]) == nil {
			t.Errorf("it was cut at byte %d, and nothing is said", i)
		}
	}
}

// TestWithoutChecksum: files of the first version have none, and files that are
// no model's.
func TestWithoutChecksum(t *testing.T) {
	for name, c := range map[string]struct {
		metadata string
		want     string
	}{
		"the first version": {`"aegis":"0.1.0","config":"{}"`, ""},
		"a later one":       {`"aegis":"0.2.0","config":"{}"`, "without its checksum"},
		"none":              {`"config":"{}"`, "without its checksum"},
		"a program":         {`"program":"{}"`, "without its checksum"},
		"another's":         {`"format":"pt"`, ""},
		"no digits":         {`"config":"{}","crc32c":"12"`, "want eight hexadecimal digits"},
		"another sum":       {`"config":"{}","crc32c":"00000012"`, "it was changed"},
	} {
		head := `{"__metadata__":{` + c.metadata + `}}`
		text := append(prefixOf([]byte(head)), head...)
		_, err := NewTensorFile(bytes.NewReader(text), int64(len(text)))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}
