//go:build !cpu

package gorgoniavm

import (
	"fmt"
	"hash"
	"hash/fnv"
	"strings"
	"testing"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/cuda/driver"
)

// renamed is an op of some operands without the fields that Gorgonia's have:
// what a field that another version renamed looks like.
type renamed struct{ operands int }

func (r renamed) Arity() int { return r.operands }

func (r renamed) Type() hm.Type {
	t := hm.Type(hm.TypeVariable('a'))
	for range r.operands {
		t = hm.NewFnType(hm.TypeVariable('a'), t)
	}
	return t
}

func (renamed) InferShape(in ...G.DimSizer) (tensor.Shape, error) { return in[0].(tensor.Shape), nil }
func (renamed) Do(in ...G.Value) (G.Value, error)                 { return in[0], nil }
func (renamed) ReturnsPtr() bool                                  { return false }
func (renamed) CallsExtern() bool                                 { return false }
func (renamed) OverwritesInput() int                              { return -1 }
func (r renamed) WriteHash(h hash.Hash)                           { fmt.Fprint(h, r) }
func (renamed) IsSlice() tensor.Slice                             { return nil }
func (r renamed) String() string                                  { return "renamed" }

func (r renamed) Hashcode() uint32 {
	h := fnv.New32a()
	r.WriteHash(h)
	return h.Sum32()
}

// TestRenamedFields lowers an op without fields as each of Gorgonia's: an
// error, not a panic, says what is missing.
func TestRenamedFields(t *testing.T) {
	operands := map[string]int{
		"gorgonia.elemBinOp": 2, "gorgonia.linAlgBinOp": 2, "gorgonia.sliceIncrOp": 2, "gorgonia.concatOp": 2,
		"gorgonia.maxPoolDiffOp": 3, "gorgonia.softmaxDiffOp": 3, "gorgonia.dropoutDiffOp": 3, "gorgonia.batchnormDiffOp": 2,
		"gorgonia.byIndicesOp": 2, "gorgonia.byIndicesOpDiffOp": 3, "gorgonia.avgPoolDiffOp": 3, "gorgonia.upsampleDiffOp": 3,
	}
	without := map[string]string{ // that read no field
		"gorgonia.elemUnaryOp": `no function "renamed"`, "gorgonia.elemBinOp": `no function "renamed"`, "gorgonia.repeatOp": "", "gorgonia.globalAveragePoolOp": "",
		"gorgonia.BatchNormOp": "is no *gorgonia.BatchNormOp",
	}
	for name := range (&lowering{}).ops() {
		t.Run(name, func(t *testing.T) {
			g := G.NewGraph()
			var in []*G.Node
			for i := range max(1, operands[name]) {
				in = append(in, G.NewTensor(g, tensor.Float32, 4, G.WithName(fmt.Sprint("x", i)), G.WithShape(2, 2, 4, 4)))
			}
			n, err := G.ApplyOp(renamed{operands: len(in)}, in...)
			if err != nil {
				t.Fatal(err)
			}
			l := &lowering{order: &order{}, base: fakeBase, at: make(map[*G.Node]driver.DevicePtr)}
			want, ok := without[name]
			if !ok {
				want = "op gorgoniavm.renamed has no field"
			}
			err = l.ops()[name](n, in)
			if want == "" && err == nil {
				return
			}
			if want == "" || err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
		})
	}
}

// fieldsOfKinds has the names of Gorgonia's fields, with other types.
type fieldsOfKinds struct {
	renamed
	*inner

	along, axis float32
	transA      int
	into        *G.Node
	pattern     []string
	pads        []int
	log         bool
}

type inner struct{ isLog bool }

var _ = inner{isLog: true}

// TestFields reads what is there, and names what is not.
func TestFields(t *testing.T) {
	op := &fieldsOfKinds{renamed: renamed{operands: 2}, inner: nil, along: 1, axis: 1, transA: 1, into: nil, pattern: []string{"0"}, pads: []int{3, 4}, log: true}
	f := fieldsOf(op)
	if got := fmt.Sprint(f.ints("pads"), f.bool("log"), f.int("operands"), f.err); got != "[3 4] true 2 <nil>" {
		t.Errorf("read %s", got)
	}
	for name, read := range map[string]func(*fields){
		"along": func(f *fields) { f.ints("along") }, "axis": func(f *fields) { f.int("axis") },
		"transA": func(f *fields) { f.bool("transA") }, "into": func(f *fields) { f.value("into") },
		"pattern": func(f *fields) { f.ints("pattern") }, "nothing": func(f *fields) { f.int("nothing") },
		"isLog": func(f *fields) { f.bool("isLog") }, // in a struct that is nil
	} {
		f := fieldsOf(op)
		read(f)
		want := "op gorgoniavm.fieldsOfKinds has no field " + name + " "
		if f.err == nil || !strings.Contains(f.err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, f.err, want)
		}
	}
}

// TestReadIntoNothing refuses a gorgonia.Read without a place for the value.
func TestReadIntoNothing(t *testing.T) {
	g := G.NewGraph()
	x := G.NewScalar(g, tensor.Float32, G.WithName("x"))
	read := G.Read(x, nil)
	if _, err := readOf(read, G.Nodes{x}); err == nil || !strings.Contains(err.Error(), "nowhere to put") {
		t.Errorf("error %v, want one about the place", err)
	}
}
