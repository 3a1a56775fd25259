package inspect

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"aegis/internal/session"
)

// mostLines is how many columns and classes a text lists.
const mostLines = 100

// WriteText writes a report for a reader: short tables under each other.
func (r *Report) WriteText(w io.Writer) error {
	t := &text{}
	t.head(r)
	t.training(r)
	t.network(r)
	t.tensors(r)
	t.arrays(r)
	t.data(r.Data)
	t.used(r)
	t.files(r.Files)
	t.config(r)
	for _, note := range r.Notes {
		t.section()
		t.line("note: %s", note)
	}
	_, err := w.Write(t.Bytes())
	return err
}

// text is what is written so far.
type text struct{ bytes.Buffer }

func (t *text) line(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

func (t *text) section() { t.WriteByte('\n') }

// table writes lines whose cells are aligned.
func (t *text) table(lines [][]string) {
	w := tabwriter.NewWriter(t, 0, 0, 2, ' ', 0)
	for _, cells := range lines {
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	_ = w.Flush() // a buffer takes everything
}

func (t *text) head(r *Report) {
	t.line("%s: %s", r.Path, r.Kind)
	var lines [][]string
	if r.Bytes > 0 {
		lines = append(lines, []string{"size", size(r.Bytes)})
	}
	if r.SHA256 != "" {
		lines = append(lines, []string{"sha256", r.SHA256})
	}
	t.table(lines)
}

// training writes how a run went.
func (t *text) training(r *Report) {
	var lines [][]string
	put := func(key, format string, args ...any) {
		lines = append(lines, []string{key, fmt.Sprintf(format, args...)})
	}
	if c := r.Config; c != nil && r.Kind == KindRun {
		put("data", "%s", cmp.Or(string(c.Data), "mnist"))
		if how, err := json.Marshal(c.Reading); err == nil && string(how) != "{}" {
			put("read as", "%s", how)
		}
		put("seed", "%v", c.Seed)
	}
	if s := r.Summary; s != nil {
		put("status", "%s after %d epochs, the best is %d", s.Status, s.Epochs, s.BestEpoch)
		if s.Error != "" {
			put("error", "%s", s.Error)
		}
		put("device", "%s", s.Device)
		put("rows", "%d trained on", s.Rows)
		put("loss", "train %s, val %s, test %s", number(s.TrainLoss), number(s.ValLoss), number(s.TestLoss))
		if words := s.Words(); words != "" {
			put("verdict", "%s", words)
		}
		for _, warning := range s.Warnings {
			put("warning", "%s", warning)
		}
	} else if m := r.Last; m != nil {
		put("status", "no summary; the last line of the metrics is of epoch %d", m.Epoch)
		put("loss", "train %s, val %s, test %s", number(&m.TrainLoss), number(m.ValLoss), number(m.TestLoss))
	}
	t.table(lines)
}

func (t *text) network(r *Report) {
	if r.Network == nil {
		return
	}
	t.section()
	if err := r.Network.Spec.Summary(t); err != nil {
		t.line("%v", err) // it was counted before, and has no error
	}
}

// tensors are listed of a file of its own; a run's are those of its network.
func (t *text) tensors(r *Report) {
	if r.Tensors == nil || r.Kind == KindRun {
		return
	}
	t.section()
	if v := r.Tensors.Version; v != "" {
		t.line("written by aegis %s, epoch %d, step %d", v, r.Tensors.Epoch, r.Tensors.Step)
	}
	if r.Tensors.Slots != nil {
		t.line("optimizer slots: %s", strings.Join(r.Tensors.Slots, ", "))
	}
	lines := [][]string{{"tensor", "type", "shape", "size"}}
	for _, info := range r.Tensors.Tensors {
		lines = append(lines, []string{unquoted(info.Name), info.Type, dims(info.Shape), size(info.Bytes)})
	}
	t.table(lines)
	t.line("%d tensors, %s", len(r.Tensors.Tensors), size(r.Tensors.Values))
}

func (t *text) arrays(r *Report) {
	if r.Arrays == nil {
		return
	}
	t.section()
	lines := [][]string{{"array", "type", "shape", "size"}}
	for _, a := range r.Arrays {
		lines = append(lines, []string{unquoted(cmp.Or(a.Name, r.Path)), cmp.Or(a.Type, "no array"), dims(a.Shape), size(int64(a.Bytes))})
	}
	t.table(lines)
}

func (t *text) data(d *Data) {
	if d == nil {
		return
	}
	t.section()
	t.line("rows of %s, %s", d.Shape, d.Values)
	for _, set := range d.Sets {
		t.line("%s: %d rows", set.Name, set.Rows)
	}
	t.line("all values: %s", d.All.text())
	t.classes(d.Sets)
	if d.Columns == nil {
		return
	}
	t.section()
	lines := [][]string{{"column", "mean", "min", "max", "missing"}}
	for at, c := range d.Columns[:min(mostLines, len(d.Columns))] {
		name := unquoted(cmp.Or(c.Name, strconv.Itoa(at)))
		lines = append(lines, []string{name, short(c.Mean), short(c.Min), short(c.Max), strconv.Itoa(c.Missing)})
	}
	t.table(lines)
	if more := len(d.Columns) - mostLines; more > 0 {
		t.line("and %d columns more", more)
	}
}

func (c Column) text() string {
	text := fmt.Sprintf("mean %s, from %s to %s", short(c.Mean), short(c.Min), short(c.Max))
	if c.Missing > 0 {
		text += fmt.Sprintf(", %d missing", c.Missing)
	}
	return text
}

// classes writes a line a class with its rows in each set.
func (t *text) classes(sets []Set) {
	var names []string
	rows := make(map[string][]string)
	head := []string{"class"}
	for at, set := range sets {
		head = append(head, set.Name)
		for _, c := range set.Classes {
			if rows[c.Name] == nil {
				names = append(names, c.Name)
				rows[c.Name] = make([]string, len(sets))
			}
			rows[c.Name][at] = strconv.Itoa(c.Rows)
		}
	}
	if names == nil {
		return
	}
	t.section()
	lines := [][]string{head}
	for _, name := range names[:min(mostLines, len(names))] {
		cells := rows[name]
		for at, cell := range cells {
			cells[at] = cmp.Or(cell, "0")
		}
		lines = append(lines, append([]string{unquoted(name)}, cells...))
	}
	t.table(lines)
	if more := len(names) - mostLines; more > 0 {
		t.line("and %d classes more", more)
	}
}

func (t *text) files(files []File) {
	if files == nil {
		return
	}
	t.section()
	lines := [][]string{{"file", "size"}}
	for _, f := range files {
		lines = append(lines, []string{unquoted(f.Name), size(f.Bytes)})
	}
	t.table(lines)
}

// config writes a configuration as its file has it, every key. Of a run it lies
// in its file.
func (t *text) config(r *Report) {
	if r.Kind != KindConfig {
		return
	}
	t.section()
	if err := session.WriteConfig(t, *r.Config); err != nil {
		t.line("%v", err)
	}
}

// unquoted is a name, quoted where a line cannot show it as it is.
func unquoted(name string) string {
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

func dims(shape []int) string {
	if shape == nil {
		return "–"
	}
	return strings.ReplaceAll(fmt.Sprint(shape), " ", "×")
}

func short(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// number is a loss, – where there is none.
func number(v *float64) string {
	if v == nil {
		return "–"
	}
	return short(*v)
}

// size is a number of bytes.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
