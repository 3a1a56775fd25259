package data

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"aegis/data/philox"
)

// Held is how much of a training set is held out to validate on: below 1 a
// share of the rows, from 1 on a whole number of them, 0 nothing. As text it
// is 5000 or 10%.
type Held float64

// ParseHeld reads a number of rows or a share in percent.
func ParseHeld(text string) (Held, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	if percent {
		number += "e-2" // the nearest number to the text, where a division rounds twice
	}
	v, err := strconv.ParseFloat(number, 64)
	h := Held(v)
	if err != nil || strings.ContainsAny(text, "xX_") || h.check() != nil || percent && h >= 1 {
		return 0, fmt.Errorf("data: %q rows to hold out; want a number such as 5000 or a share such as 10%%", text)
	}
	return h, nil
}

// String returns what [ParseHeld] reads.
func (h Held) String() string {
	if h > 0 && h < 1 {
		percent, _ := strconv.ParseFloat(strconv.FormatFloat(float64(h)*100, 'g', 15, 64), 64)
		return strconv.FormatFloat(percent, 'f', -1, 64) + "%" // ParseHeld takes no exponent before a %
	}
	return strconv.FormatFloat(float64(h), 'f', -1, 64)
}

// Set reads text as [ParseHeld] does, for package flag.
func (h *Held) Set(text string) (err error) {
	*h, err = ParseHeld(text)
	return err
}

// MarshalJSON writes a number of rows as a number, a share as text.
func (h Held) MarshalJSON() ([]byte, error) {
	if text := h.String(); !strings.HasSuffix(text, "%") {
		return []byte(text), nil
	}
	return []byte(`"` + h.String() + `"`), nil
}

// MarshalTOML writes what MarshalJSON does.
func (h Held) MarshalTOML() ([]byte, error) { return h.MarshalJSON() }

// UnmarshalText reads a number or a share, for TOML.
func (h *Held) UnmarshalText(text []byte) error { return h.Set(string(text)) }

// UnmarshalJSON reads what MarshalJSON writes.
func (h *Held) UnmarshalJSON(text []byte) error { return h.Set(strings.Trim(string(text), `"`)) }

// Validate says what is wrong with it on any training set.
func (h Held) Validate() error { return h.check() }

func (h Held) check() error {
	v := float64(h)
	if !(v >= 0) || v > math.MaxInt32 || v >= 1 && v != math.Trunc(v) {
		return fmt.Errorf("data: %v rows to hold out; want 0 for none, a share below 1, or a whole number", v)
	}
	return nil
}

// Of returns how many of n rows are held out; of a share at least one.
func (h Held) Of(n int) int {
	if h > 0 && h < 1 {
		return max(1, int(math.Round(float64(h)*float64(n))))
	}
	return int(h)
}

// Split says which rows of a training set are trained on: the first N, without
// those that are held out.
type Split struct {
	N         int
	Held      []int32 // not trained on, in ascending order: Val, Test and what is in neither
	Val, Test []int32 // in ascending order
}

// Trained returns how many rows are trained on.
func (s Split) Trained() int { return s.N - len(s.Held) }

// AppendTrained appends the rows from to to-1 that are trained on.
func (s Split) AppendTrained(rows []int32, from, to int) []int32 {
	at, _ := slices.BinarySearch(s.Held, int32(from))
	held := s.Held[at:]
	for i := int32(from); i < int32(min(to, s.N)); i++ {
		if len(held) > 0 && held[0] == i {
			held = held[1:]
			continue
		}
		rows = append(rows, i)
	}
	return rows
}

// Rows returns all rows that are trained on, in ascending order.
func (s Split) Rows() []int32 {
	return s.AppendTrained(make([]int32, 0, s.Trained()), 0, s.N)
}

// Division says how a training set is to be split.
type Division struct {
	Limit     int   // take the first rows, 0: all
	Class     *byte // of these the rows of a class alone, nil: all
	Val, Test Held  // of those to validate on and to test with
	Seed      uint64
}

// Split draws the rows that are held out by seed: where there are labels, each
// class gives its share. Windows in time are not drawn, since they share lines:
// the last ones are the test set, those before it validate, and windows that
// share a line with such a one are in no set.
func (d *Source) Split(by Division) (Split, error) {
	all := d.Train.Len()
	if by.Limit < 0 || by.Limit > all {
		return Split{}, fmt.Errorf("data: %s: limit of %d training rows; want 1 to %d, or 0 for all", d, by.Limit, all)
	}
	n := by.Limit
	if n == 0 {
		n = all
	}
	pool, err := d.pool(n, by.Class)
	if err != nil {
		return Split{}, err
	}
	rows := n
	if pool != nil {
		rows = len(pool)
	}
	counts, err := d.held(rows, by)
	if err != nil {
		return Split{}, err
	}
	s := Split{N: n}
	if t := d.Table; t != nil && t.Window > 0 {
		err = d.last(&s, pool, counts, (t.Window-1)/max(1, t.Step))
	} else {
		d.drawn(&s, pool, counts, by.Seed)
	}
	return s, err
}

// held returns how many of so many rows validate and test.
func (d *Source) held(rows int, by Division) (counts [2]int, err error) {
	sum := 0
	for i, h := range []Held{by.Val, by.Test} {
		if err := h.check(); err != nil {
			return counts, err
		}
		counts[i] = h.Of(rows)
		sum += counts[i]
	}
	if sum >= rows && sum > 0 {
		what := "validation"
		if counts[1] > 0 {
			what = "validation and test"
		}
		return counts, fmt.Errorf("data: %s: %d %s rows of %d training rows; want 0 to %d, so that a row is left to train on", d, sum, what, rows, rows-1)
	}
	return counts, nil
}

// pool returns those of the first n rows that have a class, nil: all.
func (d *Source) pool(n int, class *byte) ([]int32, error) {
	if class == nil {
		return nil, nil
	}
	if d.Train.Labels == nil {
		return nil, fmt.Errorf("data: %s: rows of class %s alone, but there are no labels; want a label for each row, or all rows", d, d.ClassName(*class))
	}
	var rows []int32
	for i, label := range d.Train.Labels[:n] {
		if label == *class {
			rows = append(rows, int32(i))
		}
	}
	if rows == nil {
		return nil, fmt.Errorf("data: %s: no training row of class %s; want one that is there", d, d.ClassName(*class))
	}
	return rows, nil
}

// drawn draws the rows of a split of a pool, nil: all.
func (d *Source) drawn(s *Split, pool []int32, counts [2]int, seed uint64) {
	labels := d.Train.Labels
	if labels != nil {
		labels = labels[:s.N]
	}
	for i, set := range []struct {
		rows    *[]int32
		purpose string
	}{{&s.Test, "test split"}, {&s.Val, "val"}} {
		count := counts[1-i]
		if count == 0 {
			continue
		}
		n, of := s.N, labels
		if pool != nil {
			n, of = len(pool), nil
			for _, row := range pool {
				if labels != nil {
					of = append(of, labels[row])
				}
			}
		}
		*set.rows = pickedRows(draw(n, count, of, philox.Stream{Seed: seed, Purpose: philox.For(set.purpose)}), count)
		if pool != nil {
			for k, at := range *set.rows {
				(*set.rows)[k] = pool[at]
			}
		}
		if pool == nil && counts[i] == 0 { // of very many rows no more lists
			s.Held = *set.rows
			return
		}
		pool = s.rest(pool, *set.rows)
	}
	s.hold(pool)
}

// rest returns a pool, nil: all rows, without some of its rows.
func (s *Split) rest(pool, without []int32) []int32 {
	if pool == nil {
		return Split{N: s.N, Held: without}.Rows()
	}
	rest := make([]int32, 0, len(pool)-len(without))
	for _, row := range pool {
		if len(without) > 0 && without[0] == row {
			without = without[1:]
			continue
		}
		rest = append(rest, row)
	}
	return rest
}

// hold holds out all rows that are not trained on, which nil stands for all.
func (s *Split) hold(trained []int32) {
	if trained != nil {
		s.Held = Split{N: s.N, Held: trained}.Rows()
	}
}

// last takes the last windows of a pool for the test set, and those before them
// to validate on, each behind a gap of windows that share lines with them.
func (d *Source) last(s *Split, pool []int32, counts [2]int, gap int) error {
	if pool == nil {
		pool = Split{N: s.N}.Rows()
	}
	trained := pool
	for i, rows := range []*[]int32{&s.Test, &s.Val} {
		count := counts[1-i]
		if count == 0 {
			continue
		}
		at := len(trained) - count
		if at > 0 {
			*rows = trained[at:]
			first := trained[at]
			for at > 0 && int(trained[at-1]) >= int(first)-gap {
				at--
			}
		}
		if at <= 0 {
			return fmt.Errorf("data: %s: %d validation and %d test windows of %d, and those that share lines with them, leave none to train on; hold out fewer", d, counts[0], counts[1], len(pool))
		}
		trained = trained[:at]
	}
	s.hold(trained)
	return nil
}

// pickedRows lists what is marked, nil where nothing is.
func pickedRows(picked []bool, count int) (rows []int32) {
	if count > 0 {
		rows = make([]int32, 0, count)
	}
	for i, ok := range picked {
		if ok {
			rows = append(rows, int32(i))
		}
	}
	return rows
}

// many is the number of rows above which a sample is drawn a row at a time, so
// that no list of all rows is made.
const many = 1 << 22

// Sample draws count of rows 0 to n-1 by seed, all where there are no more, in
// ascending order. The numbers of two purposes have nothing in common.
func Sample(n, count int, seed uint64, purpose string) []int32 {
	count = max(0, min(count, n))
	numbers := philox.Stream{Seed: seed, Purpose: philox.For(purpose)}
	if n > many && count < n/64 {
		return drawFew(n, count, numbers)
	}
	return pickedRows(draw(n, count, nil, numbers), count)
}

// drawFew draws a few of very many rows (R. W. Floyd's algorithm).
func drawFew(n, count int, numbers philox.Stream) []int32 {
	picked := make(map[int32]bool, count)
	for last := n - count; last < n; last++ {
		row := int32(uint64(numbers.Uint32(0, 0, uint32(last))) * uint64(last+1) >> 32)
		if picked[row] {
			row = int32(last)
		}
		picked[row] = true
	}
	return slices.Sorted(maps.Keys(picked))
}

// draw marks count of n rows, of each class its share.
func draw(n, count int, labels []byte, numbers philox.Stream) []bool {
	picked := make([]bool, n)
	switch count {
	case 0:
		return picked
	case n:
		for i := range picked {
			picked[i] = true
		}
		return picked
	}
	var classes [256][]int32
	if labels == nil {
		classes[0] = make([]int32, 0, n)
	}
	for i := range n {
		class := byte(0)
		if labels != nil {
			class = labels[i]
		}
		classes[class] = append(classes[class], int32(i))
	}
	for class, share := range shares(&classes, n, count) {
		rows := classes[class]
		numbers.Shuffle(rows, uint32(class))
		for _, row := range rows[:share] {
			picked[row] = true
		}
	}
	return picked
}

// shares divides count among classes in proportion to their rows: each has the
// whole part, what is left goes to the largest fractions. A class keeps a row
// as long as another one can give instead.
func shares(classes *[256][]int32, n, count int) (share [256]int) {
	order := make([]int, len(classes)) // by falling fraction
	fraction := make([]int, len(classes))
	left := count
	for c, rows := range classes {
		product := int64(count) * int64(len(rows))
		order[c], share[c], fraction[c] = c, int(product/int64(n)), int(product%int64(n))
		left -= share[c]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(fraction[b], fraction[a]) })
	for _, keep := range []int{1, 0} {
		for left > 0 {
			before := left
			for _, c := range order {
				if left > 0 && share[c] < len(classes[c])-keep {
					share[c]++
					left--
				}
			}
			if left == before {
				break
			}
		}
	}
	return share
}
