package data

import "fmt"

// The sets of a source, by their names and in their order.
var setOrder = []string{"train", "val", "test"}

// ChooseSets returns the numbers of the sets to read, 0 train, 1 val, 2 test:
// of "all" those that are there, of "" the test set where it is there, else all.
// One that is named must be there.
func ChooseSets(set string, has func(i int) bool) (sets []int, err error) {
	if set == "" && has(2) {
		return []int{2}, nil
	}
	for i, name := range setOrder {
		switch {
		case set == name && !has(i):
			return nil, fmt.Errorf("there is no %s set", set)
		case set == name:
			return []int{i}, nil
		case has(i):
			sets = append(sets, i)
		}
	}
	if set != "" && set != "all" {
		return nil, fmt.Errorf("set %q; want one of train, val, test and all", set)
	}
	return sets, nil
}
