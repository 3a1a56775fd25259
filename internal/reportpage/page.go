// Package reportpage writes one HTML file about a run: what it was trained by and
// on, how training went, how good the model is, and how to repeat it. The file
// has all in it, style, script and pictures, and asks no network for anything.
//
// The same run and rows give the same bytes: no clock and no machine is in it but
// what the run recorded.
package reportpage

import (
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strings"

	"aegis/data"
	"aegis/internal/evaluate"
	"aegis/internal/infer"
	"aegis/internal/session"
	"aegis/internal/tries"
)

//go:embed page.html.tmpl
var pageText string

//go:embed page.css
var style string

//go:embed page.js
var script string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"style":  func() template.CSS { return template.CSS(style) },
	"script": func() template.JS { return template.JS(script) },
	"add":    func(a, b int) int { return a + b },
}).Parse(pageText))

// Options says what a page is made with beside the run.
type Options struct {
	// Open opens the model on a device.
	Open infer.Open
	// Plan gives the plan by which a network is trained, as text.
	Plan func(session.Config) (string, error)
	// Rows are what the model is judged by; nil: those of the run that it was not
	// trained on, else all. The caller closes them. RowsOf says what they are.
	Rows   func(context.Context, *infer.Model) (data.Reader, error)
	RowsOf string
	// Most is how many rows at most are looked at; 0: 10,000.
	Most int
	// Evaluation is what was found of the model before; nil: it is judged now.
	Evaluation *evaluate.Result
	// Progress hears what is done; it may be nil.
	Progress func(what string, done, of int)
}

const mostRows = 10_000

// Write writes the page of a run in a directory or of a model's file, of the run
// of a program of one's own, or of a directory of tries.
func Write(ctx context.Context, w io.Writer, path string, o Options) error {
	if o.Most == 0 {
		o.Most = mostRows
	}
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	v, err := view(ctx, path, o)
	if err != nil {
		return err
	}
	if err := page.Execute(w, v); err != nil {
		return fmt.Errorf("reportpage: %s: %w", path, err)
	}
	return nil
}

func view(ctx context.Context, path string, o Options) (*Page, error) {
	if isTries(path) {
		return viewTries(path)
	}
	r, err := read(path)
	if err != nil {
		return nil, err
	}
	return r.view(ctx, o)
}

// isTries says that a directory is one of tries.
func isTries(path string) bool {
	info, err := os.Stat(filepath.Join(path, tries.File))
	return err == nil && info.Mode().IsRegular()
}

// Page is what the template shows.
type Page struct {
	Title    string // the run's name
	Subtitle string
	Version  string
	Facts    []Fact
	Notes    []Note
	Charts   []Chart
	Epochs   *Table
	Tables   []Section // of metrics and classes
	Detector *Detector
	Strange  []Cards
	Pictures []Picture
	Layers   *Table
	Speed    []Fact
	Plan     string
	Data     []Fact
	Columns  *Table
	Config   []Group
	Changed  int
	Repeat   *Repeat
	Tries    *Table
}

// Fact is a name and a value.
type Fact struct{ Name, Value string }

// Note is a sentence above all else.
type Note struct {
	Kind string // bad, warn or plain
	Text string
}

// Section is a table with a heading of its own and what is to be said of it.
type Section struct {
	ID, Heading string
	Text        []string
	Table       Table
}

// Table is a table of text.
type Table struct {
	Caption string
	Head    []string
	Rows    [][]string
	Words   int // how many of the first columns are words; the rest are numbers
}

// Group is options of a configuration that belong together.
type Group struct {
	Name    string
	Options []Option
}

// Option is one of them.
type Option struct {
	Key, Value, Preset, Help string
	Changed                  bool
}

// Repeat is how the run is repeated.
type Repeat struct {
	Facts   []Fact
	Config  string // text of config.toml
	Program bool
}

// nameOf is what a run is called: the last element of its path.
func nameOf(path string) string {
	whole, err := filepath.Abs(path)
	if err != nil {
		whole = path
	}
	return strings.ToValidUTF8(filepath.Base(whole), "?")
}
