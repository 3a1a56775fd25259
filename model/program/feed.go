package program

// Steps is a run of consecutive training steps.
type Steps struct {
	First   int64     // number of the first one, counted from 0 since the start of training
	Rows    []int32   // rows of the training set, Batch a step; the last step may have fewer
	Scalars []float32 // ScalarCount numbers a step
}

// Count returns the number of steps at a batch size.
func (s Steps) Count(batch int) int { return (len(s.Rows) + batch - 1) / batch }

// Feed is what a forward part reads: rows of a bound set, or values.
type Feed struct {
	Set    string
	Rows   []int32
	Values []float32 // where Set is empty: rows (n,P), or codes (n,Z) for Decode
	Labels []int32   // of Values, for graphs that read labels; nil: none has one
}
