package data

import (
	"slices"
	"strings"
	"testing"
)

func TestChooseSets(t *testing.T) {
	for _, c := range []struct {
		set  string
		has  []int
		want []int
		err  string
	}{
		{set: "", has: []int{0, 1, 2}, want: []int{2}},
		{set: "", has: []int{0, 1}, want: []int{0, 1}},
		{set: "all", has: []int{0, 2}, want: []int{0, 2}},
		{set: "val", has: []int{0, 1}, want: []int{1}},
		{set: "train", has: []int{0}, want: []int{0}},
		{set: "test", has: []int{0, 1}, err: "there is no test set"},
		{set: "other", has: []int{0}, err: `set "other"; want one of train, val, test and all`},
	} {
		got, err := ChooseSets(c.set, func(i int) bool { return slices.Contains(c.has, i) })
		if !slices.Equal(got, c.want) || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q of %v: %v, %v", c.set, c.has, got, err)
		}
	}
}
