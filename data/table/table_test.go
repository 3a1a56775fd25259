package table

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aegis/data"
)

func read(text string, opt Options) (*data.Source, error) {
	return Read(context.Background(), strings.NewReader(text), "t.csv", opt)
}

// same compares values, of which none may be NaN.
func same(a, b []float32) bool { return slices.Equal(a, b) }

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		opt     Options
		columns string // joined by spaces
		values  []float32
		labels  []byte
		classes []string
		note    string
	}{
		"header":             {text: "a,b\n1,2\n3,4\n", columns: "a b", values: []float32{1, 2, 3, 4}},
		"no header":          {text: "1,2\n3,4", columns: "1 2", values: []float32{1, 2, 3, 4}, note: "no header: the columns are called 1 to 2"},
		"one line":           {text: "1,2", columns: "1 2", values: []float32{1, 2}},
		"header said":        {text: "2001,2002\n3,4", opt: Options{Header: "yes"}, columns: "2001 2002", values: []float32{3, 4}},
		"no header said":     {text: "a,1\nb,2", opt: Options{Header: "no"}, columns: "1=a 1=b 2", values: []float32{1, 0, 1, 0, 1, 2}},
		"text in all lines":  {text: "x,1\ny,2\nx,3", columns: "1=x 1=y 2", values: []float32{1, 0, 1, 0, 1, 2, 1, 0, 3}},
		"header over text":   {text: "city,sky\nRome,clear\nOslo,grey\nRome,grey", columns: "city=Oslo city=Rome sky=clear sky=grey", values: []float32{0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1}},
		"no header of text":  {text: "Rome,clear\nOslo,grey\nRome,grey", columns: "1=Oslo 1=Rome 2=clear 2=grey", values: []float32{0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1}},
		"year in header":     {text: "id,2020\n1,5\n2,6", columns: "id 2020", values: []float32{1, 5, 2, 6}},
		"empty name":         {text: ",b\n1,2", columns: "1 b", values: []float32{1, 2}, note: `column 1 is called "1" in place of ""`},
		"names twice":        {text: "x,x,x.2,\n1,2,3,4", columns: "x x.3 x.2 4", values: []float32{1, 2, 3, 4}, note: `column 2 is called "x.3"`},
		"CR LF":              {text: "a,b\r\n1,2\r\n", columns: "a b", values: []float32{1, 2}},
		"blank lines":        {text: "\n\r\na,b\n\n1,2\n\n\n3,4\n\n", columns: "a b", values: []float32{1, 2, 3, 4}},
		"BOM":                {text: "\ufeffa,b\n1,2\n", columns: "a b", values: []float32{1, 2}},
		"spaces":             {text: "a, b\n 1, 2 \n", columns: "a b", values: []float32{1, 2}},
		"quotes":             {text: "\"a \"\"x\"\", y\",\"b\"\n\"1\",\"2\"\n3,4\n", columns: `a "x", y b`, values: []float32{1, 2, 3, 4}},
		"line in quotes":     {text: "a,b\n\"u\nv\",2\nw,3\n", columns: "a=u\nv a=w b", values: []float32{1, 0, 2, 0, 1, 3}},
		"comment is text":    {text: "a,b\n#1,2\n#2,3\n", columns: "a=#1 a=#2 b", values: []float32{1, 0, 2, 0, 1, 3}},
		"exponents":          {text: "a,b\n1e3,-2.5E-1\n+.5,5.\n", columns: "a b", values: []float32{1000, -.25, .5, 5}},
		"spaced number":      {text: "a,b\n1 234,1\n5,2\n", columns: "a=1 234 a=5 b", values: []float32{1, 0, 1, 0, 1, 2}, note: `text beside numbers, such as "1 234" in row 0`},
		"no hexadecimal":     {text: "a,b\n0x10,1\n0x11,2\n", columns: "a=0x10 a=0x11 b", values: []float32{1, 0, 1, 0, 1, 2}},
		"constant":           {text: "a,b\n7,x\n7,x\n", columns: "a b=x", values: []float32{7, 1, 7, 1}},
		"true and false":     {text: "a,b\n1,true\n2,false\n", columns: "a b=false b=true", values: []float32{1, 0, 1, 2, 1, 0}},
		"semicolon":          {text: "a;b\n1,5;2\n-3;4,25e1\n", columns: "a b", values: []float32{1.5, 2, -3, 42.5}, note: "comma before"},
		"all with commas":    {text: "1,5;2,5;3,5\n1,5;2,5;3,5\n", columns: "1 2 3", values: []float32{1.5, 2.5, 3.5, 1.5, 2.5, 3.5}},
		"semicolon, points":  {text: "a;b\n1.5;2\n", columns: "a b", values: []float32{1.5, 2}, note: "separated by ';'"},
		"tab":                {text: "a\tb\n1\t2\n", columns: "a b", values: []float32{1, 2}, note: `separated by '\t'`},
		"bar":                {text: "a|b\n1|2\n", columns: "a b", values: []float32{1, 2}},
		"delimiter said":     {text: "a b\n1 2\n", opt: Options{Delimiter: " "}, columns: "a b", values: []float32{1, 2}},
		"decimal said":       {text: "a\tb\n1,5\t2\n", opt: Options{Decimal: ","}, columns: "a b", values: []float32{1.5, 2}},
		"comma twice":        {text: "a,b\n\"1,5\",2\n\"2,5\",3\n", opt: Options{Decimal: ","}, columns: "a b", values: []float32{1.5, 2, 2.5, 3}},
		"chosen":             {text: "a,b,c\n1,2,3\n", opt: Options{Columns: []string{"c", "a"}}, columns: "c a", values: []float32{3, 1}},
		"dropped":            {text: "a,b,c\n1,2024-01-02,3\n", opt: Options{Drop: []string{"b"}}, columns: "a c", values: []float32{1, 3}},
		"numbers of columns": {text: "1,2,3\n4,5,6\n", opt: Options{Columns: []string{"1", "3"}}, columns: "1 3", values: []float32{1, 3, 4, 6}},
		"chosen by number":   {text: "a,b,c,d\n1,x,3,4\n", opt: Options{Columns: []string{"4", "3", "a", "2"}, Drop: []string{"1"}, Label: "2"}, columns: "d c", values: []float32{4, 3}, labels: []byte{0}, classes: []string{"x"}},
		"a name goes first":  {text: "a,3,1\n5,6,7\n", opt: Options{Columns: []string{"1", "2"}, Header: "yes"}, columns: "1 3", values: []float32{7, 6}},
		"labels":             {text: "a,b,c\n1,2,x\n3,4,w\n5,6,x\n", opt: Options{Label: "c"}, columns: "a b", values: []float32{1, 2, 3, 4, 5, 6}, labels: []byte{1, 0, 1}, classes: []string{"w", "x"}},
		"label chosen":       {text: "a,b,c\n1,2,x\n3,4,w\n", opt: Options{Columns: []string{"c", "a", "b"}, Label: "c"}, columns: "a b", values: []float32{1, 2, 3, 4}, labels: []byte{1, 0}, classes: []string{"w", "x"}},
		"labels are numbers": {text: "a,b,c\n1,2,3\n3,4,0\n5,6,255.0\n", opt: Options{Label: "c"}, columns: "a b", values: []float32{1, 2, 3, 4, 5, 6}, labels: []byte{3, 0, 255}},
		"labels by size":     {text: "a,b,c\n1,2,10\n3,4,-1\n5,6,9\n7,8,1e1\n", opt: Options{Label: "c"}, columns: "a b", values: []float32{1, 2, 3, 4, 5, 6, 7, 8}, labels: []byte{2, 0, 1, 2}, classes: []string{"-1", "9", "10"}},
		"mean":               {text: "a,b\n1,2\n,4\n3,NaN\n", opt: Options{Impute: "mean"}, columns: "a b", values: []float32{1, 2, 2, 4, 3, 3}, note: `column "a": 1 missing values become 2`},
		"median":             {text: "a,b\n1,1\n,2\n3,3\n100,4\n2,null\n", opt: Options{Impute: "median"}, columns: "a b", values: []float32{1, 1, 2.5, 2, 3, 3, 100, 4, 2, 2.5}},
		"all kinds of none":  {text: "a,b\n1,2\n?,3\nNA,3\nn/a,3\nnan,3\nNULL,3\n\"\",3\n-nan,3\n", opt: Options{Impute: "mean"}, columns: "a b", values: []float32{1, 2, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3}},
		"missing category":   {text: "a,b\n1,x\n2,\n", opt: Options{Impute: "mean"}, columns: "a b=x", values: []float32{1, 1, 2, 0}, note: "become none of its categories"},
		"windows":            {text: "a,b\n1,2\n3,4\n5,6\n", opt: Options{Window: 2}, columns: "a@0 b@0 a@1 b@1", values: []float32{1, 2, 3, 4, 3, 4, 5, 6}, note: "3 lines become 2 windows"},
		"window of one":      {text: "a\n1\n2\n3\n4\n", opt: Options{Window: 2, Step: 2}, columns: "a@0 a@1", values: []float32{1, 2, 3, 4}},
		"window labels":      {text: "a,b\n1,0\n2,1\n3,0\n", opt: Options{Window: 2, Label: "b"}, columns: "a@0 a@1", values: []float32{1, 2, 2, 3}, labels: []byte{1, 0}},
		"precision":          {text: "a,b\n1700000001,1\n1700000002,2\n", columns: "a b", values: []float32{1.7e9, 1, 1.7e9, 2}, note: "float32 hardly tells"},
	} {
		s, err := read(c.text, c.opt)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := strings.Join(s.Columns, " "); got != c.columns {
			t.Errorf("%s: columns %q, want %q", name, got, c.columns)
		}
		if !same(s.Train.Floats, c.values) || s.Train.N*s.Train.W != len(c.values) || s.Train.W != len(s.Columns) {
			t.Errorf("%s: %d rows %v, want %v", name, s.Train.N, s.Train.Floats, c.values)
		}
		if !slices.Equal(s.Train.Labels, c.labels) || !slices.Equal(s.Classes, c.classes) {
			t.Errorf("%s: labels %v of %q, want %v of %q", name, s.Train.Labels, s.Classes, c.labels, c.classes)
		}
		if notes := strings.Join(s.Notes, "\n"); !strings.Contains(notes, c.note) {
			t.Errorf("%s: notes %q, want %q", name, notes, c.note)
		}
		reread(t, name, c.text, c.opt, s)
	}
}

// reread reads a text by the form of what was read of it, kept as JSON, whole
// and some rows at a time.
func reread(t *testing.T, name, text string, opt Options, want *data.Source) {
	t.Helper()
	kept, err := json.Marshal(want.Form)
	if err != nil {
		t.Fatal(err)
	}
	var form data.Form
	if err := json.Unmarshal(kept, &form); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(form, want.Form) {
		t.Errorf("%s: form %+v, out of JSON %+v", name, want.Form, form)
	}
	opt = Options{Header: opt.Header, Delimiter: opt.Delimiter, Decimal: opt.Decimal, Form: form.Table, Classes: form.Classes}
	s, err := read(text, opt)
	if err != nil || !same(s.Train.Floats, want.Train.Floats) || !slices.Equal(s.Train.Labels, want.Train.Labels) || !reflect.DeepEqual(s.Form, want.Form) {
		t.Errorf("%s: by its form %v, error %v", name, s, err)
	}
	for _, rows := range []int{1, 2, 1000} {
		for which, in := range map[string]io.Reader{"": strings.NewReader(text), " byte by byte": oneByte{strings.NewReader(text)}} {
			r, err := NewReader(context.Background(), in, "t.csv", opt)
			if err != nil {
				t.Errorf("%s%s: %v", name, which, err)
				continue
			}
			set, err := drain(r, rows)
			if err != nil || !same(set.Floats, want.Train.Floats) || !slices.Equal(set.Labels, want.Train.Labels) {
				t.Errorf("%s%s: %d rows at a time %v %v, error %v", name, which, rows, set.Floats, set.Labels, err)
			}
		}
	}
}

// oneByte gives a byte at a time.
type oneByte struct{ io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.Reader.Read(p[:min(1, len(p))]) }

func drain(r data.Reader, n int) (data.Set, error) {
	set := data.Set{Rows: data.Rows{Shape: r.Shape()}}
	for {
		c, err := r.Next(n)
		if err == io.EOF {
			return set, r.Close()
		}
		if err != nil {
			return set, err
		}
		if c.N < 1 || c.N > n || len(c.Floats) != c.N*set.W {
			return set, fmt.Errorf("%d rows of %d values; asked for %d", c.N, len(c.Floats), n)
		}
		set.N += c.N
		set.Floats, set.Labels = append(set.Floats, c.Floats...), append(set.Labels, c.Labels...)
	}
}

// many makes lines behind a header.
func many(header string, n int, line func(i int) string) string {
	var b strings.Builder
	b.WriteString(header + "\n")
	for i := range n {
		b.WriteString(line(i) + "\n")
	}
	return b.String()
}

func TestReadErrors(t *testing.T) {
	form := &data.TableForm{Fields: []data.Field{{Name: "a"}, {Name: "c", Categories: []string{"x", "y"}}}, Label: "l"}
	for name, c := range map[string]struct {
		text string
		opt  Options
		want string
	}{
		"empty":              {text: "", want: "t.csv: empty: want a table with at least one row"},
		"empty lines":        {text: "\n\r\n\n", want: "empty"},
		"header alone":       {text: "a,b\n", want: "no row: want at least one, got none, or a header alone"},
		"UTF-16":             {text: "\xff\xfea\x00,\x00", want: "want UTF-8, got UTF-16"},
		"UTF-16 BE":          {text: "\xfe\xff\x00a\x00,", want: "want UTF-8, got UTF-16"},
		"binary":             {text: "a,b\n1,\x00\n", want: "binary"},
		"Latin 1 name":       {text: "Gr\xf6\xdfe,b\n1,2\n", want: "want UTF-8"},
		"Latin 1 category":   {text: "a,b\nK\xf6ln,2\nBonn,3\nBonn,4\n", want: `text in column "a": want UTF-8`},
		"Latin 1 class":      {text: "a,b,c\n1,2,K\xf6ln\n", opt: Options{Label: "c"}, want: `text in column "c": want UTF-8`},
		"CR alone":           {text: "a,b\r1,2\r3,4\r", want: "CR alone"},
		"ragged":             {text: "a,b\n1,2\n\n3,4,5\n", want: "line 4: want 2 columns, as in the first line, got 3"},
		"short":              {text: "a,b\n1,2\n3\n", want: "line 3: want 2 columns, as in the first line, got 1"},
		"bare quote":         {text: "a,b\n1,2\n5\" tape,3\n", want: "line 3: want quotes around a whole text"},
		"bare quote first":   {text: "a\" x,b\n1,2\n", want: "line 1: want quotes around a whole text"},
		"open quote":         {text: "a,b\n1,2\n\"x,3\n4,5\n", want: "close the quotes that begin in line 3"},
		"text behind quote":  {text: "a,b\n1,2\n\"x\"y,3\n", want: "line 3: want a text in quotes that ends with one"},
		"missing":            {text: "a,b\n1,2\n\n3,\n", want: `row 1 (line 4), column "b": want a value, got none`},
		"not a number":       {text: "a,b\n1,2\n\n3,NaN\n", want: `row 1 (line 4), column "b": want a value, got "NaN"`},
		"text in numbers":    {text: "a,b\n1.5,2\nx,3\n2,4\n", want: `row 1 (line 3), column "a": want a number, as in other rows, got "x"`},
		"missing label":      {text: "a,b,c\n1,2,x\n3,,\n", opt: Options{Label: "c", Impute: "mean"}, want: `row 1 (line 3), column "c": want a label, got none`},
		"missing everywhere": {text: "a,b\n1,\n3,?\n", opt: Options{Impute: "mean"}, want: `column "b": want at least one value`},
		"infinite":           {text: "a,b\n1,2\n-Inf,3\n", want: `row 1 (line 3), column "a": want a finite number, at most 3.4028235e+38, got -Inf`},
		"infinite at first":  {text: "a,b\n-Inf,2\n1,Inf\nInf,3\n", want: `row 0 (line 2), column "a": want a finite number, at most 3.4028235e+38, got -Inf`},
		"infinity":           {text: "a,b\n1,2\n1,infinity\n", want: `row 1 (line 3), column "b": want a finite number`},
		"too large":          {text: "a,b\n1,2\n1e39,3\n", want: `row 1 (line 3), column "a": want a finite number, at most 3.4028235e+38, got 1e39`},
		"far too large":      {text: "a,b\n1,2\n1e999,3\n", want: "got 1e999"},
		"a word at last":     {text: many("a,b", 300, func(i int) string { return fmt.Sprintf("%d,%d", i, i) }) + "x,1\n", want: `row 300 (line 302), column "a": want a number, as in other rows, got "x"`},
		"ids":                {text: many("a,b", 300, func(i int) string { return fmt.Sprintf("id%d,%d", i, i) }), want: `column "a": want numbers, or at most 256 different texts as categories, got more, such as "id0"; it looks like an id or free text: drop the column`},
		"dates":              {text: "a,b\n1,2024-03-01\n2,2024-03-02\n", want: `column "b": want numbers or categories, got dates or times such as "2024-03-01"; drop the column`},
		"many times":         {text: many("a,b", 300, func(i int) string { return fmt.Sprintf("2024-03-01T10:%02d:%02dZ,1", i/60, i%60) }), want: `column "a": want numbers or categories, got dates or times`},
		"clock":              {text: "a,b\n1,12:30:01\n", want: "got dates or times"},
		"German dates":       {text: "a;b\n1;31.12.2024 10:00\n", want: "got dates or times"},
		"unknown column":     {text: "a,b\n1,2\n", opt: Options{Columns: []string{"a", "z"}}, want: `no column "z"; want names among "a", "b"`},
		"unknown dropped":    {text: "a,b\n1,2\n", opt: Options{Drop: []string{"z"}}, want: `no column "z"`},
		"unknown label":      {text: "a,b\n1,2\n", opt: Options{Label: "z"}, want: `no column "z"`},
		"chosen twice":       {text: "a,b\n1,2\n", opt: Options{Columns: []string{"a", "a"}}, want: `"a" is chosen twice`},
		"all dropped":        {text: "a,b\n1,2\n", opt: Options{Drop: []string{"a"}, Label: "b"}, want: "no column is left"},
		"one value":          {text: "a,b\n1,2\n", opt: Options{Drop: []string{"a"}}, want: "rows of one value; want at least two"},
		"many classes":       {text: many("a,b,c", 300, func(i int) string { return fmt.Sprintf("%d,%d,id%d", i, i, i) }), opt: Options{Label: "c"}, want: `label column "c": want at most 256 classes`},
		"small windows":      {text: "a,b\n1,2\n", opt: Options{Window: 2}, want: "windows of 2 lines: want at least as many lines, got 1"},
		"header option":      {opt: Options{Header: "maybe"}, want: `header "maybe"`},
		"decimal option":     {opt: Options{Decimal: ";"}, want: `decimal mark ";"`},
		"impute option":      {opt: Options{Impute: "mode"}, want: `impute "mode"`},
		"delimiter option":   {opt: Options{Delimiter: "||"}, want: `delimiter "||"`},
		"step alone":         {opt: Options{Step: 2}, want: "windows of 0 lines, step 2"},
		"window below 0":     {opt: Options{Window: -2}, want: "windows of -2 lines"},
		"form and columns":   {opt: Options{Form: form, Columns: []string{"a"}}, want: "leave them out"},
		"form and window":    {opt: Options{Form: form, Window: 2}, want: "leave them out"},
		"empty form":         {opt: Options{Form: &data.TableForm{}}, want: "no fields"},
		"classes alone":      {opt: Options{Classes: []string{"a"}}, want: "without the form"},
		"form's columns":     {text: "a,b\n1,2\n", opt: Options{Form: form}, want: `no column "c"; want names among "a", "b"`},
		"form, no header":    {text: "1,x\n2,y\n", opt: Options{Form: form}, want: `no column "a", "c"; the file has no header, so that its columns are called 1 to 2: put a line with their names first`},
		"form's category":    {text: "a,c\n1,x\n2,z\n", opt: Options{Form: form}, want: `row 1 (line 3), column "c": want one of the categories "x", "y", got "z"`},
		"form's number":      {text: "a,c\n1,x\nb,y\n", opt: Options{Form: form}, want: `row 1 (line 3), column "a": want a number, got "b"`},
		"form's infinity":    {text: "a,c\n1,x\n1e39,y\n", opt: Options{Form: form}, want: `row 1 (line 3), column "a": want a finite number`},
		"form, missing":      {text: "a,c\n1,x\n,y\n", opt: Options{Form: form}, want: `row 1 (line 3), column "a": want a value, got none`},
		"form, no category":  {text: "a,c\n1,x\n2,\n", opt: Options{Form: form}, want: `row 1 (line 3), column "c": want a value, got none`},
		"form's class":       {text: "a,c,l\n1,x,no\n2,y,perhaps\n", opt: Options{Form: form, Classes: []string{"no", "yes"}}, want: `row 1 (line 3), column "l": want one of the classes "no", "yes", got "perhaps"`},
		"form's label":       {text: "a,c,l\n1,x,no\n", opt: Options{Form: form, Label: "a"}, want: `column "a" is a value of the model`},
	} {
		_, err := read(c.text, c.opt)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
		if err != nil && !strings.Contains(err.Error(), "t.csv") {
			t.Errorf("%s: error %v does not name its file", name, err)
		}
	}
}

// TestForm reads files by the form of a model: columns by name wherever they
// are, others left out, fills, and labels or none.
func TestForm(t *testing.T) {
	fill := 7.5
	form := &data.TableForm{Fields: []data.Field{{Name: "b", Fill: &fill}, {Name: "c", Categories: []string{"x", "y"}, Fill: new(float64)}}, Label: "l"}
	for name, c := range map[string]struct {
		text    string
		opt     Options
		values  []float32
		labels  []byte
		classes []string
		note    string
	}{
		"other order": {text: "c,z,b\nx,9,1\ny,9,2\n", values: []float32{1, 1, 0, 2, 0, 1}, note: `the model does not have are left out: "z"`},
		"fills":       {text: "b,c\n,x\n2,NA\n", values: []float32{7.5, 1, 0, 2, 0, 0}, note: `column "b": 1 missing values become 7.5`},
		"labels":      {text: "b,l,c\n1,q,x\n2,p,y\n", opt: Options{Classes: []string{"q", "p", "r"}}, values: []float32{1, 1, 0, 2, 0, 1}, labels: []byte{0, 1}, classes: []string{"q", "p", "r"}},
		"found":       {text: "b,l,c\n1,q,x\n2,p,y\n", values: []float32{1, 1, 0, 2, 0, 1}, labels: []byte{1, 0}, classes: []string{"p", "q"}},
		"other label": {text: "b,m,c\n1,3,x\n2,1,y\n", opt: Options{Label: "m"}, values: []float32{1, 1, 0, 2, 0, 1}, labels: []byte{3, 1}},
		"as numbers":  {text: "b,c,l\n1,x,1.0\n", opt: Options{Classes: []string{"-1", "1"}}, values: []float32{1, 1, 0}, labels: []byte{1}, classes: []string{"-1", "1"}},
	} {
		c.opt.Form = form
		s, err := read(c.text, c.opt)
		if err != nil || !same(s.Train.Floats, c.values) || !slices.Equal(s.Train.Labels, c.labels) || !slices.Equal(s.Classes, c.classes) {
			t.Errorf("%s: %+v, error %v", name, s, err)
			continue
		}
		if notes := strings.Join(s.Notes, "\n"); !strings.Contains(notes, c.note) {
			t.Errorf("%s: notes %q, want %q", name, notes, c.note)
		}
	}
}

// TestLong reads a table of several blocks, with an error far behind, by Open
// and as a stream, plain and in gzip.
func TestLong(t *testing.T) {
	const n = 60000
	text := many("a,b,c", n, func(i int) string { return fmt.Sprintf("%d.25,\"%d\",k%d", i, -i, i%3) })
	check := func(s *data.Source, err error) *data.Source {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if s.Train.N != n || s.Train.W != 5 {
			t.Fatalf("%d rows of %v", s.Train.N, s.Train.Shape)
		}
		for i := range n {
			want := make([]float32, 5)
			want[0], want[1], want[2+i%3] = float32(i)+.25, -float32(i), 1
			if !same(s.Train.FloatRow(i), want) {
				t.Fatalf("row %d is %v, want %v", i, s.Train.FloatRow(i), want)
			}
		}
		return s
	}
	dir := t.TempDir()
	plain, packed := filepath.Join(dir, "plain"), filepath.Join(dir, "packed")
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write([]byte(text)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	write(t, plain, []byte(text))
	write(t, packed, z.Bytes())
	last, most := 0, 0
	s := check(Open(context.Background(), plain, Options{Progress: func(done, of int) { last, most = done, of }}))
	if last == 0 || last != most {
		t.Errorf("progress ends at %d of %d", last, most)
	}
	check(Open(context.Background(), packed, Options{}))
	r, err := NewReader(context.Background(), bytes.NewReader(z.Bytes()), "t.csv", Options{Form: s.Table})
	if err != nil {
		t.Fatal(err)
	}
	set, err := drain(r, 777)
	check(&data.Source{Train: set}, err)

	write(t, packed, z.Bytes()[:z.Len()/2])
	var damaged *data.FormatError
	if _, err := Open(context.Background(), packed, Options{}); !errors.As(err, &damaged) || damaged.Problem != "broken gzip" {
		t.Errorf("of half a gzip: %v", err)
	}
	wrong := strings.Replace(text, "50000.25", "NA", 1)
	write(t, plain, []byte(wrong))
	want := `row 50000 (line 50002), column "a": want a value, got "NA"`
	if _, err := Open(context.Background(), plain, Options{}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	if r, err = NewReader(context.Background(), strings.NewReader(wrong), "t.csv", Options{Form: s.Table}); err != nil {
		t.Fatal(err)
	}
	if set, err := drain(r, 1000); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("behind %d rows: error %v, want %q", set.N, err, want)
	}
}

func write(t *testing.T, path string, bytes []byte) {
	t.Helper()
	if err := os.WriteFile(path, bytes, 0o600); err != nil {
		t.Fatal(err)
	}
}
