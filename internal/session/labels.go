package session

import (
	"fmt"
	"slices"

	"aegis/data"
)

// classes counts the classes of a dataset for a network that reads them: all
// rows want one.
func (t *trainer) classes() error {
	if t.cfg.Condition == "" {
		return nil
	}
	d, most := t.dataset, byte(0)
	for _, s := range []struct {
		what string
		set  data.Set
	}{{"train on", d.Train}, {"validate on", d.Val}, {"test", d.Test}} {
		if s.set.Len() == 0 {
			continue
		}
		if s.set.Labels == nil {
			return configErrorf("aegis: condition %s, but %s has no labels of the rows to %s; want a label for each row, or a network without a condition", t.cfg.Condition, d.Name, s.what)
		}
		most = max(most, slices.Max(s.set.Labels))
	}
	t.cfg.Classes = int(most) + 1
	return nil
}

// unseen warns of classes that no row that is trained on has, "" where there are
// none: the network cannot know them.
func (t *trainer) unseen() string {
	if t.cfg.Condition == "" {
		return ""
	}
	seen := make([]bool, t.cfg.Classes)
	for _, class := range t.train.Labels {
		seen[class] = true
	}
	var missing []int
	for class, there := range seen {
		if !there {
			missing = append(missing, class-1) // ranges counts from 1
		}
	}
	if missing == nil {
		return ""
	}
	return fmt.Sprintf("no training row has class %s: what the network makes of it was never learned", ranges(missing))
}

// widened are labels as a machine takes them.
func widened(labels []byte) []int32 {
	classes := make([]int32, len(labels))
	for i, class := range labels {
		classes[i] = int32(class)
	}
	return classes
}

// classesOf returns those of some rows of a set for a network that reads them,
// else nil.
func (t *trainer) classesOf(show shown, rows []int32) []int32 {
	if t.cfg.Condition == "" {
		return nil
	}
	classes := make([]int32, len(rows))
	for i, row := range rows {
		classes[i] = int32(show.from.Labels[row])
	}
	return classes
}
