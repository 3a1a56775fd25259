package explorer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"aegis/data"
	"aegis/internal/explorer"
	"aegis/model"
)

// TestWrite: the same bytes at every call, no address of anything else, names as
// text, and of many rows some.
func TestWrite(t *testing.T) {
	rows := digits(t, 50)
	write := func(points int) string {
		g := given(t, "fc3", rows, func(s *model.Spec) { s.Form.Classes = []string{"</script><script>alert(1)</script>", "one"} })
		g.Points, g.Seed = points, 3
		return string(written(t, g))
	}
	whole := write(50)
	if whole != write(50) {
		t.Error("two pages of the same model and rows differ")
	}
	if strings.Count(whole, "<script") != 2+6 || strings.Count(whole, "</script>") != strings.Count(whole, "<script") {
		t.Errorf("%d scripts begin and %d end", strings.Count(whole, "<script"), strings.Count(whole, "</script>"))
	}
	if found := regexp.MustCompile(`(src|href|url)\s*[=(]|https?://`).FindAllString(whole, -1); found != nil {
		t.Errorf("the page asks for %q", found)
	}
	some := write(20)
	if !strings.Contains(some, `"n":20,"of":50`) || !strings.Contains(some, "blob-numbers") || len(some) >= len(whole) {
		t.Errorf("20 of 50 rows: %d bytes, of all %d", len(some), len(whole))
	}
}

// TestWriteHostile: names that are marks of the page or end an element are text,
// and every mark of the page is filled in once.
func TestWriteHostile(t *testing.T) {
	rows := digits(t, 30)
	for _, name := range []string{"</script><script>alert(1)</script>", "{{blobs}}", "{{script}}", "<!--<script>"} {
		g := given(t, "fc3", rows, func(s *model.Spec) { s.Form.Classes = []string{name, "one"} })
		g.Title = name
		page := string(written(t, g))
		if begun, ended := strings.Count(page, "<script"), strings.Count(page, "</script>"); begun != 2+6 || ended != begun {
			t.Errorf("%s: %d scripts begin and %d end; want 8", name, begun, ended)
		}
		want := 0
		if strings.HasPrefix(name, "{{") {
			want = 4 // in <title>, <h1>, and the title and class of the JSON
		}
		if got := strings.Count(page, name); got != want {
			t.Errorf("%s: %d times as it is; want %d", name, got, want)
		}
	}
}

// TestWriteSmall: one row, a class and none, and more classes than colours.
func TestWriteSmall(t *testing.T) {
	rows := digits(t, 30)
	for _, classes := range []int{0, 1, 200} {
		g := given(t, "fc3", rows, nil)
		one := data.Set{Rows: data.Rows{N: 1, Shape: rows.Shape, Bytes: rows.Bytes[:rows.Size()]}}
		if classes > 0 {
			one.Labels = []byte{byte(classes - 1)}
		}
		g.Rows = data.NewReader(one)
		if page := string(written(t, g)); !strings.Contains(page, `"n":1,"of":1`) {
			t.Errorf("%d classes: a page of one row says another number", classes)
		} else if want := fmt.Sprintf(`%q],"conditional"`, strconv.Itoa(classes-1)); classes > 0 && !strings.Contains(page, want) {
			t.Errorf("%d classes: the last is none of the page's", classes)
		}
	}
}

// TestWriteErrors: what a page cannot be made of.
func TestWriteErrors(t *testing.T) {
	rows := digits(t, 30)
	for want, bend := range map[string]func(g *explorer.Given){
		"no rows; want at least one":               func(g *explorer.Given) { g.Rows = data.NewReader(data.Set{Rows: data.Rows{Shape: rows.Shape}}) },
		"rows of 9 values; want such as the model": func(g *explorer.Given) { g.Rows = data.NewReader(vectors(5, 9)) },
		"100001 points; want 1 to 100000":          func(g *explorer.Given) { g.Points = 100_001 },
		"no parameter encoder.0.weight":            func(g *explorer.Given) { g.Params = nil },
		"the detector scores lines":                func(g *explorer.Given) { d := *g.Detector; d.OfLines = true; g.Detector = &d },
		"of another model":                         func(g *explorer.Given) { d := *g.Detector; d.Model = "x"; g.Detector = &d },
	} {
		g := given(t, "fc3", rows, nil)
		bend(&g)
		var page bytes.Buffer
		if err := explorer.Write(context.Background(), &page, g); err == nil || !strings.HasPrefix(err.Error(), "explorer: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want %q", err, want)
		}
		if page.Len() > 0 {
			t.Errorf("%s: %d bytes were written", want, page.Len())
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := explorer.Write(ctx, &bytes.Buffer{}, given(t, "fc3", rows, nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
