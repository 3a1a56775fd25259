package session

import (
	"slices"
	"strings"
	"testing"

	"aegis/data"
)

func TestPick(t *testing.T) {
	with := blobs(40, 12, 4, 4)
	without := *with
	without.Test = data.Set{}
	for name, c := range map[string]struct {
		source *data.Source
		bend   func(*Config)
		set    string
		rows   int
		want   string // in the error
	}{
		"the test set":        {source: with, rows: 12},
		"all without one":     {source: &without, rows: 40},
		"test rows held out":  {source: &without, bend: func(c *Config) { c.TestSplit = 10 }, rows: 10},
		"trained on":          {source: &without, bend: func(c *Config) { c.TestSplit, c.Val = 10, 5 }, set: SetTrain, rows: 25},
		"validated on":        {source: with, bend: func(c *Config) { c.Val = 5 }, set: SetVal, rows: 5},
		"all":                 {source: with, bend: func(c *Config) { c.Val, c.NormalClass = 5, "1" }, set: SetAll, rows: 40},
		"of all classes":      {source: with, bend: func(c *Config) { c.NormalClass = "1" }, set: SetTest, rows: 12},
		"of the normal class": {source: with, bend: func(c *Config) { c.NormalClass = "1" }, set: SetTrain, rows: 10},
		"others beside held":  {source: &without, bend: func(c *Config) { c.TestSplit, c.NormalClass = 4, "1" }, set: SetTest, rows: 34},
		"none held out":       {source: &without, bend: func(c *Config) { c.NormalClass = "1" }, set: SetTest, want: "has no set test"},
		"none":                {source: with, set: SetVal, want: "has no set val"},
		"unknown":             {source: with, set: "tset", want: `unknown set "tset"`},
	} {
		cfg := config(t, "fc12")
		if c.bend != nil {
			c.bend(&cfg)
		}
		set, rows, err := Pick(cfg, c.source, c.set)
		if len(rows) != c.rows || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d rows, error %v", name, len(rows), err)
		}
		if err == nil && (!slices.IsSorted(rows) || int(rows[len(rows)-1]) >= set.N) {
			t.Errorf("%s: rows %v of %d", name, rows, set.N)
		}
	}
}
