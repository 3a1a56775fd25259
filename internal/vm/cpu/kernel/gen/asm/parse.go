package asm

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"strings"
)

// decl is a plain Go kernel, without its suffix Generic.
type decl struct {
	name      string
	doc       []string // lines
	signature string   // "(dst, src []float32, alpha float32)"
	params    []param
	result    int // offset of the result
	size      int // bytes of parameters and results
}

// param is a parameter in the layout of Go's assembly.
type param struct {
	name, kind string
	offset     int
}

const suffix = "Generic"

// parse reads the kernels of the files generic*.go.
func parse(dir string) (map[string]*decl, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "generic*.go"))
	if err != nil {
		return nil, fmt.Errorf("gen: %w", err)
	}
	decls := make(map[string]*decl)
	for _, path := range paths {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("gen: %w", err)
		}
		for _, node := range file.Decls {
			f, ok := node.(*ast.FuncDecl)
			if !ok || !strings.HasSuffix(f.Name.Name, suffix) {
				continue
			}
			d, err := newDecl(set, f)
			if err != nil {
				return nil, fmt.Errorf("gen: %s: %s: %w", path, f.Name.Name, err)
			}
			decls[d.name] = d
		}
	}
	return decls, nil
}

func newDecl(set *token.FileSet, f *ast.FuncDecl) (*decl, error) {
	if f.Doc == nil {
		return nil, fmt.Errorf("no doc")
	}
	var text strings.Builder
	if err := printer.Fprint(&text, set, f.Type); err != nil {
		return nil, err
	}
	d := &decl{
		name:      strings.TrimSuffix(f.Name.Name, suffix),
		signature: strings.TrimPrefix(text.String(), "func"),
	}
	for _, c := range f.Doc.List {
		d.doc = append(d.doc, c.Text)
	}
	if err := d.layout(f.Type.Params, true); err != nil {
		return nil, err
	}
	if f.Type.Results == nil {
		return d, nil
	}
	d.result = align(d.size, 8)
	d.size = d.result
	return d, d.layout(f.Type.Results, false)
}

// layout gives fields their places.
func (d *decl) layout(fields *ast.FieldList, params bool) error {
	sizes := map[string]int{"[]float32": 24, "[]uint32": 24, "[]byte": 24, "float32": 4, "uint32": 4, "float64": 8, "int": 8, "bool": 1}
	for _, field := range fields.List {
		kind := ""
		switch t := field.Type.(type) {
		case *ast.Ident:
			kind = t.Name
		case *ast.ArrayType:
			kind = "[]" + fmt.Sprint(t.Elt)
		}
		size := sizes[kind]
		if size == 0 {
			return fmt.Errorf("parameter of unknown type %v", field.Type)
		}
		for _, name := range field.Names {
			d.size = align(d.size, min(size, 8))
			if params {
				d.params = append(d.params, param{name: name.Name, kind: kind, offset: d.size})
			}
			d.size += size
		}
	}
	return nil
}

func align(n, to int) int { return (n + to - 1) / to * to }

// docFor returns the doc under another name.
func (d *decl) docFor(name string) string {
	return strings.Replace(strings.Join(d.doc, "\n"), d.name+suffix, name, 1) + "\n"
}

// arg returns the operand of a parameter: "alpha+48(FP)", of a slice its base.
func (w *writer) arg(d *decl, name string) string {
	for _, p := range d.params {
		switch {
		case p.name != name:
		case strings.HasPrefix(p.kind, "[]"):
			return fmt.Sprintf("%s_base+%d(FP)", name, p.offset)
		default:
			return fmt.Sprintf("%s+%d(FP)", name, p.offset)
		}
	}
	w.fail("%s has no parameter %s", d.name, name)
	return ""
}

// length returns the operand of a slice's length.
func (w *writer) length(d *decl, name string) string {
	for _, p := range d.params {
		if p.name == name {
			return fmt.Sprintf("%s_len+%d(FP)", name, p.offset+8)
		}
	}
	w.fail("%s has no parameter %s", d.name, name)
	return ""
}
