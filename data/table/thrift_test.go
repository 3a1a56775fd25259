package table

import (
	"reflect"
	"strings"
	"testing"
)

// TestThrift refuses structures that claim more than there is, or that the
// library would read as others.
func TestThrift(t *testing.T) {
	type known struct {
		A int32   `thrift:"1,required"`
		B string  `thrift:"2"`
		C bool    `thrift:"3"`
		D *bool   `thrift:"4"`
		E float64 `thrift:"5"`
		F []int32 `thrift:"6"`
		G *known  `thrift:"7"`
	}
	for name, c := range map[string]struct {
		bytes string
		want  string // in the error, empty: none
	}{
		"empty":         {bytes: "\x00"},
		"fields":        {bytes: "\x15\x02\x18\x01x\x11\x12\x17\x01\x02\x03\x04\x05\x06\x07\x08\x19\x25\x02\x04\x1c\x15\x02\x00\x00"},
		"far field":     {bytes: "\x05\x80\x02\x02\x00"},
		"unknown list":  {bytes: "\x09\x20\x25\x02\x04\x00"},
		"long list":     {bytes: "\x69\xf5\x0f" + strings.Repeat("\x02", 15) + "\x00"},
		"empty list":    {bytes: "\x69\x00\x00"},
		"map":           {bytes: "\x8b\x01\x85a\x00\x02\x00", want: "EOF"},
		"a map":         {bytes: "\x8b\x01\x55\x02\x04\x00"},
		"empty map":     {bytes: "\x8b\x00\x00"},
		"none":          {bytes: "", want: "EOF"},
		"no end":        {bytes: "\x15\x02", want: "EOF"},
		"claimed list":  {bytes: "\x69\xf5\xff\xff\xff\x7f\x02\x00", want: "a list of 268435455 in 2 bytes"},
		"claimed map":   {bytes: "\x8b\xff\xff\xff\x7f\x11\x00", want: "a list of 268435455 in 1 bytes"},
		"claimed text":  {bytes: "\x28\xff\x01x\x00", want: "EOF"},
		"type":          {bytes: "\x8d\x00", want: "a value of type 13"},
		"deep":          {bytes: strings.Repeat("\x7c", 100), want: "structures 65 deep"},
		"other type":    {bytes: "\x18\x01x\x00", want: "a field 1 of type 8"},
		"other list":    {bytes: "\x69\x16\x02\x00", want: "a list of type 6"},
		"other within":  {bytes: "\x7c\x16\x02\x00\x00", want: "a field 1 of type 6"},
		"unknown truth": {bytes: "\x81\x00", want: "a field 8 of type 1"},
		"number":        {bytes: "\x05\x80\x80\x04\x02\x00", want: "a field 32768"},
	} {
		w := walk{[]byte(c.bytes)}
		err := w.structure(reflect.TypeFor[known]())
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}
