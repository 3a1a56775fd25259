package vm

import "fmt"

// Class returns the class of a row, -1 where it has none, for an input of so
// many classes.
func Class(labels []int32, row, classes int) (int, error) {
	if row >= len(labels) {
		return 0, fmt.Errorf("the graph reads labels and row %d has none; want a class for each row, -1 for none", row)
	}
	class := int(labels[row])
	if class < -1 || class >= classes {
		return 0, fmt.Errorf("row %d has class %d; want -1 to %d", row, class, classes-1)
	}
	return class, nil
}
