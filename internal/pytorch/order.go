package pytorch

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// module is the tensors of one layer, or of one batch norm.
type module struct {
	name    string // without what wraps all
	tensors map[string]shaped
}

// kind is the last words and shapes of a module's tensors.
func (m module) kind() string {
	var text []string
	for _, last := range slices.Sorted(maps.Keys(m.tensors)) {
		text = append(text, fmt.Sprintf("%s %v", last, m.tensors[last].shape))
	}
	return strings.Join(text, ", ")
}

func (m module) String() string { return fmt.Sprintf("%s (%s)", cmp.Or(m.name, "tensors"), m.kind()) }

// modules puts tensors together, in the order of the first of each.
func modules(tensors []shaped) (all []module) {
	for _, t := range tensors {
		name, last := split(t.name)
		i := slices.IndexFunc(all, func(m module) bool { return m.name == name })
		if i < 0 {
			i, all = len(all), append(all, module{name, make(map[string]shaped)})
		}
		all[i].tensors[last] = t
	}
	return all
}

// inOrder takes for each of our modules one of the same kind, in the order of
// both.
func inOrder(ours []shaped, left map[string]shaped, found map[string]string) error {
	var theirs []shaped
	for _, name := range slices.Sorted(maps.Keys(left)) {
		theirs = append(theirs, left[name])
	}
	byKind := make(map[string][]module)
	for _, m := range modules(theirs) {
		byKind[m.kind()] = append(byKind[m.kind()], m)
	}
	wanted := make(map[string][]module)
	var kinds []string
	for _, m := range modules(ours) {
		k := m.kind()
		if wanted[k] == nil {
			kinds = append(kinds, k)
		}
		wanted[k] = append(wanted[k], m)
	}
	for _, k := range kinds {
		want, got := wanted[k], byKind[k]
		if len(got) < len(want) {
			return missing(want, got, theirs)
		}
		if len(got) > len(want) {
			return leftOver(tensorsOf(got[len(want):]))
		}
		if err := sorted(want, got); err != nil {
			return err
		}
		for i, m := range want {
			for last, t := range m.tensors {
				found[t.name] = got[i].tensors[last].inFile
			}
		}
		delete(byKind, k)
	}
	return leftOver(tensorsOf(slices.Concat(slices.Collect(maps.Values(byKind))...)))
}

func tensorsOf(all []module) map[string]shaped {
	tensors := make(map[string]shaped)
	for _, m := range all {
		for _, t := range m.tensors {
			tensors[t.name] = t
		}
	}
	return tensors
}

// missing says which module has no like in the file, and what there is.
func missing(want, got []module, theirs []shaped) error {
	var there []string
	for _, m := range modules(theirs) {
		there = append(there, m.String())
	}
	return fmt.Errorf("pytorch: nothing in the file is %v; it has %s: want the network's widths and the shape of its rows, or name what is what",
		want[len(got)], some(there))
}

// sorted puts modules of one kind into the order of ours: means and log variances
// by their words, others by halves and by numbers.
func sorted(want, got []module) (err error) {
	if len(got) < 2 {
		return nil
	}
	slices.SortStableFunc(got, func(a, b module) int {
		order, known := compare(a.name, b.name)
		if !known && err == nil {
			err = fmt.Errorf("pytorch: %v and %s have the same shapes, and their names do not say which is %s and which %s; name what is what",
				a, b.name, want[0].name, want[1].name)
		}
		return order
	})
	return err
}

// parts are words by which names of networks' parts are known, in their order.
// A name has a part's if it begins or ends with one, or has it between marks.
var parts = [][]string{
	{"encoder", "enc", "encode", "down"},
	{"mu", "mean", "means"},
	{"logvar", "log_var", "lv", "var", "sigma", "logsigma", "log_sigma", "std", "logstd"},
	{"decoder", "dec", "decode", "up"},
	{"discriminator", "disc", "critic"},
}

// part is the number of the part that a name says, −1 where it says none: the
// last word that says one counts, so that encoder.mu is a mean.
func part(name string) int {
	at := -1
	for _, word := range strings.Split(strings.ToLower(name), ".") {
		word = strings.TrimRight(word, "0123456789_")
		for i, words := range parts {
			for _, w := range words {
				if word == w || strings.HasSuffix(word, "_"+w) || strings.HasPrefix(word, w+"_") {
					at = i
				}
			}
		}
	}
	return at
}

// compare is the order of two modules' names, and whether it is known: by their
// parts, then by the first number in which they differ.
func compare(a, b string) (order int, known bool) {
	if pa, pb := part(a), part(b); pa != pb && pa >= 0 && pb >= 0 {
		return cmp.Compare(pa, pb), true
	}
	wa, wb := words(a), words(b)
	for i := range min(len(wa), len(wb)) {
		if wa[i] == wb[i] {
			continue
		}
		if !digits(wa[i]) || !digits(wb[i]) {
			return strings.Compare(a, b), false
		}
		return cmp.Or(cmp.Compare(len(trimZeros(wa[i])), len(trimZeros(wb[i]))), strings.Compare(trimZeros(wa[i]), trimZeros(wb[i]))), true
	}
	return cmp.Compare(len(wa), len(wb)), false
}

func trimZeros(number string) string { return strings.TrimLeft(number, "0") }

// words cuts a name between its numbers and what lies between them.
func words(name string) (all []string) {
	from := 0
	for i := 1; i <= len(name); i++ {
		if i == len(name) || digits(name[i:i+1]) != digits(name[from:from+1]) {
			all = append(all, name[from:i])
			from = i
		}
	}
	return all
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
