package explorer

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"aegis/data"
	"aegis/internal/flow"
	"aegis/model"
	"aegis/model/op"
)

// TestStepOf: an operation that the page does not know is an error that names it.
func TestStepOf(t *testing.T) {
	if _, err := stepOf(flow.Step{Op: op.ColumnsDef{From: 1, To: 2}}); err == nil || !strings.Contains(err.Error(), "Columns[1:2]") {
		t.Errorf("error %v", err)
	}
	got, err := stepOf(flow.Step{Op: op.TopKDef{K: 2}, Name: "t1", In: []string{"t0"}, Shape: []int{3}})
	if err != nil || got.Op != "topk" || got.K != 2 || got.Name != "t1" {
		t.Errorf("%+v, error %v", got, err)
	}
}

// TestColumnNames: of windows the names say the line.
func TestColumnNames(t *testing.T) {
	window := &data.TableForm{Fields: []data.Field{{Name: "a"}, {Name: "b", Categories: []string{"x", "y"}}}, Window: 2, Step: 1}
	for _, c := range []struct {
		form  data.Form
		width int
		want  []string
	}{
		{data.Form{Columns: []string{"p", "q"}}, 2, []string{"p", "q"}},
		{data.Form{}, 2, []string{"value 1", "value 2"}},
		{data.Form{Table: window}, 6, []string{"a, line 1", "b=x, line 1", "b=y, line 1", "a, line 2", "b=x, line 2", "b=y, line 2"}},
	} {
		if got := columnNames(model.Spec{Image: [3]int{0, 0, c.width}, Form: c.form}); !slices.Equal(got, c.want) {
			t.Errorf("got %q; want %q", got, c.want)
		}
	}
	if got := columnNames(model.Spec{Image: [3]int{1, 2, 2}}); got != nil {
		t.Errorf("got %q of images", got)
	}
}

// TestAddCodesNotFinite: codes that are not finite make no page, and the error says where.
func TestAddCodesNotFinite(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		p := &page{Latent: 2}
		err := p.addCodes(context.Background(), []float32{1, 2, 3, float32(v)})
		if err == nil || !strings.Contains(err.Error(), "row 1, column 1") {
			t.Errorf("%g: error %v", v, err)
		}
	}
}
