// Package compare puts runs side by side: what they came to, in what their
// configurations differ, and which losses are of the same thing.
package compare

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"aegis/internal/session"
)

// Run is what a run left.
type Run struct {
	Name    string
	Config  session.Config
	Summary session.Summary
	Metrics []session.Metrics
}

// Compared is one run of a comparison.
type Compared struct {
	Run       string   `json:"run"`
	Status    string   `json:"status"`
	Model     string   `json:"model"`
	Params    int      `json:"params"`
	Data      string   `json:"data"`
	Rows      int      `json:"rows"` // that were trained on
	Epochs    int      `json:"epochs"`
	Seed      uint64   `json:"seed"`
	Batch     int      `json:"batch"`
	LR        float64  `json:"lr"`
	Device    string   `json:"device"`
	BestEpoch int      `json:"best_epoch"`
	TrainLoss *float64 `json:"train_loss"` // of the best epoch, as the others; nil: there is none
	ValLoss   *float64 `json:"val_loss"`
	TestLoss  *float64 `json:"test_loss"`
	Seconds   float64  `json:"seconds"` // of training, all epochs
	// Group is from 1: losses of runs of one group compare.
	Group int `json:"group"`
	// Settings are the values of the keys of the configuration in which the runs
	// differ, beside those above.
	Settings map[string]string `json:"settings"`
}

// Comparison is runs side by side, those of a group together and by their test
// losses, the least first.
type Comparison struct {
	Runs  []Compared `json:"runs"`
	Keys  []string   `json:"keys"`  // of Settings, in the order of the options
	Notes []string   `json:"notes"` // why losses of groups do not compare
}

// Runs compares runs.
func Runs(runs []Run) (*Comparison, error) {
	if len(runs) == 0 {
		return nil, errors.New("aegis: compare: no runs; want two at least")
	}
	c := &Comparison{Keys: differing(runs)}
	var groups [][]fact
	for _, r := range runs {
		row := compared(r, c.Keys)
		facts := factsOf(r)
		i := slices.IndexFunc(groups, func(g []fact) bool { return slices.Equal(g, facts) })
		if i < 0 {
			if i = len(groups); i > 0 {
				c.Notes = append(c.Notes, fmt.Sprintf("losses of groups 1 and %d do not compare: %s", i+1, difference(groups[0], facts)))
			}
			groups = append(groups, facts)
		}
		row.Group = i + 1
		c.Runs = append(c.Runs, row)
	}
	slices.SortStableFunc(c.Runs, func(a, b Compared) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), compareLoss(a.TestLoss, b.TestLoss), compareLoss(a.ValLoss, b.ValLoss), compareLoss(a.TrainLoss, b.TrainLoss))
	})
	return c, nil
}

// compareLoss is the order of two losses; where there is none comes last.
func compareLoss(a, b *float64) int {
	value := func(v *float64) float64 {
		if v == nil {
			return math.Inf(1)
		}
		return *v
	}
	return cmp.Compare(value(a), value(b))
}

// own are the keys of a configuration that have a place of their own in a
// Compared, or that say where a run was to go on.
var own = []string{"model", "data", "seed", "batch", "lr", "epochs", "device", "gpu", "threads"}

// differing are the other keys in which configurations differ.
func differing(runs []Run) (keys []string) {
	for _, g := range session.ConfigGroups() {
		for _, o := range g.Options {
			if slices.Contains(own, o.Key) {
				continue
			}
			first := Text(o.At(&runs[0].Config))
			if slices.ContainsFunc(runs[1:], func(r Run) bool { return Text(o.At(&r.Config)) != first }) {
				keys = append(keys, o.Key)
			}
		}
	}
	return keys
}

// Text is the value of an option of the configuration, that a pointer points to.
func Text(pointer any) string {
	v := reflect.ValueOf(pointer).Elem()
	if v.Kind() == reflect.Slice {
		return strings.Trim(strings.ReplaceAll(fmt.Sprint(v.Interface()), " ", ","), "[]")
	}
	return fmt.Sprint(v.Interface())
}

func compared(r Run, keys []string) Compared {
	s := r.Summary
	c := Compared{
		Run: r.Name, Status: string(s.Status), Model: s.Model, Params: s.Params, Data: dataOf(r.Config), Rows: s.Rows, Epochs: s.Epochs,
		Seed: uint64(s.Seed), Batch: s.Batch, LR: r.Config.LR, Device: s.Device, BestEpoch: s.BestEpoch,
		TrainLoss: s.TrainLoss, ValLoss: s.ValLoss, TestLoss: s.TestLoss, Settings: make(map[string]string),
	}
	for _, m := range r.Metrics {
		c.Seconds += m.Seconds
	}
	for _, g := range session.ConfigGroups() {
		for _, o := range g.Options {
			if slices.Contains(keys, o.Key) {
				c.Settings[o.Key] = Text(o.At(&r.Config))
			}
		}
	}
	return c
}

func dataOf(c session.Config) string { return cmp.Or(string(c.Data), "mnist") }

// fact is one of what a loss is of.
type fact struct{ what, value string }

// factsOf say what a run's losses are of.
func factsOf(r Run) []fact {
	c := r.Config
	facts := []fact{
		{"data", dataOf(c)},
		{"rows of", fmt.Sprint(c.Image)},
		{"loss", cmp.Or(string(c.Loss), "likelihood "+c.Likelihood)},
		{"range", fmt.Sprint(r.Summary.PixelRange)},
		{"scale", cmp.Or(string(r.Summary.Scale), "range")},
		{"tested rows", strconv.Itoa(r.Summary.TestRows)},
	}
	if r.Summary.Version == "0.1.0" { // which did not say how many it tested
		facts[len(facts)-1].value = "all"
	}
	for _, o := range []fact{
		{"corrupt", c.Corrupt}, {"binarize", c.Binarize}, {"normal class", c.NormalClass}, {"window", c.Window.String()},
	} {
		if o.value != "" {
			facts = append(facts, o)
		}
	}
	if c.Variational() {
		facts = append(facts, fact{"beta", fmt.Sprint(c.Beta)})
	}
	if c.TestSplit > 0 { // drawn by seed
		facts = append(facts, fact{"test split", fmt.Sprintf("%v of seed %d, limit %d", c.TestSplit, c.Seed, c.Limit)})
	}
	return facts
}

// difference says in what facts differ.
func difference(a, b []fact) string {
	value := func(facts []fact, what string) string {
		for _, f := range facts {
			if f.what == what {
				return f.value
			}
		}
		return "none"
	}
	var all []string
	for _, f := range slices.Concat(a, b) {
		said := fmt.Sprintf("%s %s and %s", f.what, value(a, f.what), value(b, f.what))
		if value(a, f.what) != value(b, f.what) && !slices.Contains(all, said) {
			all = append(all, said)
		}
	}
	return strings.Join(all, "; ")
}
