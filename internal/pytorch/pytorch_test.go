package pytorch

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"aegis/internal/run"
	"aegis/model/program"
)

// file is a state dict: of each name a shape, all values of a tensor alike and
// counted from 1 in the order that is given.
func file(t *testing.T, tensors ...program.Param) *run.TensorFile {
	t.Helper()
	all := make(map[string]program.Tensor)
	for i, p := range tensors {
		values := make([]float32, p.Size())
		for j := range values {
			values[j] = float32(i + 1)
		}
		all[p.Name] = program.Tensor{Shape: p.Shape, Data: values}
	}
	var b bytes.Buffer
	if err := run.EncodeTensors(&b, all, nil); err != nil {
		t.Fatal(err)
	}
	f, err := run.NewTensorFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// weights are tensors of one shape.
func weights(names ...string) (all []program.Param) {
	for _, name := range names {
		all = append(all, program.Param{Name: name, Shape: []int{2, 2}})
	}
	return all
}

// TestOrder: all tensors have one shape, so that their names alone decide.
func TestOrder(t *testing.T) {
	ours := weights("encoder.0.weight", "encoder.2.weight", "decoder.0.weight")
	heads := weights("encoder.0.weight", "mu.weight", "logvar.weight", "decoder.0.weight")
	for name, c := range map[string]struct {
		ours    []program.Param
		theirs  string // in the order that is right
		renamed map[string]string
		err     string
	}{
		"its own":         {ours: ours, theirs: "encoder.0.weight encoder.2.weight decoder.0.weight"},
		"wrapped":         {ours: ours, theirs: "module.encoder.0.weight module.encoder.2.weight module.decoder.0.weight"},
		"wrapped twice":   {ours: ours, theirs: "module.model.encoder.0.weight module.model.encoder.2.weight module.model.decoder.0.weight"},
		"with dropout":    {ours: ours, theirs: "encoder.0.weight encoder.3.weight decoder.0.weight"},
		"numbers":         {ours: ours, theirs: "9.weight 10.weight 11.weight"},
		"nested":          {ours: ours, theirs: "0.0.weight 0.10.weight 1.0.weight"},
		"halves":          {ours: ours, theirs: "enc1.weight enc2.weight dec1.weight"},
		"heads":           {ours: heads, theirs: "encoder.fc.weight encoder.fc_mu.weight encoder.fc_logvar.weight decoder.fc.weight"},
		"short heads":     {ours: heads, theirs: "enc.0.weight mu.weight lv.weight dec.0.weight"},
		"given":           {ours: ours, theirs: "c.weight a.weight b.weight", renamed: map[string]string{"a": "encoder.2", "c.weight": "encoder.0.weight"}},
		"given, wrapped":  {ours: ours, theirs: "module.c.weight module.a.weight module.b.weight", renamed: map[string]string{"module.a": "encoder.2", "c": "encoder.0"}},
		"unknown order":   {ours: ours, theirs: "a.weight b.weight c.weight", err: "their names do not say which is encoder.0 and which encoder.2"},
		"too many":        {ours: ours, theirs: "1.weight 2.weight 3.weight 4.weight", err: "no place for"},
		"too few":         {ours: ours, theirs: "1.weight 2.weight", err: "nothing in the file is decoder.0 (weight [2 2])"},
		"given twice":     {ours: ours, theirs: "a.weight b.weight c.weight", renamed: map[string]string{"a": "encoder.0", "b": "encoder.0"}, err: "are both to be encoder.0.weight"},
		"left over":       {ours: ours, theirs: "encoder.0.weight encoder.2.weight decoder.0.weight head.weight", err: "no place for head.weight"},
		"of another name": {ours: ours, theirs: "encoder.0.kernel encoder.2.kernel decoder.0.kernel", err: "nothing in the file is encoder.0"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Read(file(t, weights(strings.Fields(c.theirs)...)...), c.ours, c.renamed)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range c.ours {
				if v := got[p.Name].Data[0]; v != float32(i+1) {
					t.Errorf("%s is tensor %v, want %d", p.Name, v, i+1)
				}
			}
		})
	}
}

// TestFinite: a value that is no finite number is named.
func TestFinite(t *testing.T) {
	inf := program.Tensor{Shape: []int{2}, Data: []float32{0, 1}}
	inf.Data[1] /= inf.Data[0]
	var b bytes.Buffer
	if err := run.EncodeTensors(&b, map[string]program.Tensor{"a": inf}, nil); err != nil {
		t.Fatal(err)
	}
	f, err := run.NewTensorFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Read(f, []program.Param{{Name: "a", Shape: []int{2}}}, nil)
	if want := "value 1 of a is +Inf"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

func ExampleRead() {
	params := []program.Param{{Name: "encoder.0.weight", Shape: []int{1, 2}}, {Name: "decoder.0.weight", Shape: []int{2, 1}}}
	var b bytes.Buffer
	state := map[string]program.Tensor{"down.weight": {Shape: []int{1, 2}, Data: []float32{1, 2}}, "up.weight": {Shape: []int{2, 1}, Data: []float32{3, 4}}}
	if err := run.EncodeTensors(&b, state, nil); err != nil {
		fmt.Println(err)
		return
	}
	f, err := run.NewTensorFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		fmt.Println(err)
		return
	}
	tensors, err := Read(f, params, nil)
	fmt.Println(tensors["encoder.0.weight"].Data, tensors["decoder.0.weight"].Data, err)
	// Output: [1 2] [3 4] <nil>
}
