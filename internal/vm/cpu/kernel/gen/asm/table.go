package asm

import (
	"fmt"
	"strings"
)

// tables are the fields of Set that hold several kernels, with their types.
var tables = []struct{ name, kind string }{
	{"act", "actKernels"}, {"actGrad", "actGradKernels"}, {"losses", "lossKernels"}, {"updates", "updateKernels"},
}

// table writes the function that returns the set.
func (w *writer) table() string {
	var b strings.Builder
	lower := strings.ToLower(w.name)
	fmt.Fprintf(&b, "\n// %sSet returns the kernels in %s.\n", lower, w.about)
	fmt.Fprintf(&b, "func %sSet() *Set {\nreturn &Set{\nName: %q,\ntiles: tiles%s(),\n", lower, lower, w.name)
	for _, t := range tables {
		fmt.Fprintf(&b, "%s: %s{\n%s},\n", t.name, t.kind, w.fields(t.name))
	}
	b.WriteString(w.fields(""))
	for _, name := range []string{"columnSum", "transpose", "copyRuns", "words", "below"} {
		fmt.Fprintf(&b, "%s: %s%s,\n", name, name, w.name)
	}
	fmt.Fprintf(&b, "addSpread: %s,\n}\n}\n", map[bool]string{true: "addSpread" + w.name, false: "addSpreadGeneric"}[w.spread])
	return b.String()
}

// tileTable writes the function that returns the tiles, the biggest one of rows
// by vecs vectors. name returns a tile's function, or nothing where there is
// none.
func (w *writer) tileTable(rows, vecs int, packed string, name func(rows, vecs int, cut bool) string) {
	fmt.Fprintf(&w.stubs, "\nfunc tiles%s() *tiles {\n\treturn &tiles{\n", w.name)
	fmt.Fprintf(&w.stubs, "\t\trows: %d, vecs: %d, lanes: %d,\n", rows, vecs, w.lanes)
	fmt.Fprintf(&w.stubs, "\t\tpacked: %s,\n", packed)
	for _, cut := range []bool{false, true} {
		field := map[bool]string{false: "full", true: "cut"}[cut]
		fmt.Fprintf(&w.stubs, "\t\t%s: [10][5]func(t *tile){\n", field)
		for r := 1; r < 10 && name(r, 1, cut) != ""; r++ {
			fmt.Fprintf(&w.stubs, "\t\t\t%d: {", r)
			for v := 1; v <= vecs && name(r, v, cut) != ""; v++ {
				fmt.Fprintf(&w.stubs, "%d: %s, ", v, name(r, v, cut))
			}
			w.stubs.WriteString("},\n")
		}
		w.stubs.WriteString("\t\t},\n")
	}
	w.stubs.WriteString("\t}\n}\n")
}

// fields lists the loops of one table.
func (w *writer) fields(table string) string {
	var b strings.Builder
	for _, k := range loops() {
		if k.table != table {
			continue
		}
		key := k.key
		if key == "" {
			key = k.name
		}
		fmt.Fprintf(&b, "%s: %s%s,\n", key, k.name, w.name)
	}
	return b.String()
}
