package session

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"aegis/data"
	"aegis/internal/advice"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model/program"
)

// rows says which rows of the dataset a run uses for what.
type rows struct {
	split   data.Split // of the training set
	val     []int32    // to validate on, rows of valSet
	valSet  string     // as the machine knows it
	test    []int32    // all rows to test with, of testSet
	testSet string     // as the machine knows it
	each    []int32    // those of test that are evaluated after each epoch
}

// split checks the dataset and draws the rows.
func (t *trainer) split() error {
	if err := t.dataset.Validate(); err != nil {
		return err
	}
	t.cfg.Form = t.dataset.Form
	if err := t.classes(); err != nil {
		return err
	}
	if err := t.divide(); err != nil {
		return &ConfigError{err}
	}
	tests := len(t.rows.test)
	if t.cfg.TestLimit > tests {
		if tests == 0 {
			return configErrorf("aegis: test limit %d, but %v has no test set; want no test limit", t.cfg.TestLimit, t.dataset)
		}
		return configErrorf("aegis: test limit %d of %d test images; want 1 to %d, or 0", t.cfg.TestLimit, tests, tests)
	}
	t.rows.each = data.Sample(tests, testsEach(t.rows.split.Trained(), tests, t.cfg.TestLimit), uint64(t.cfg.Seed), "test")
	for i, at := range t.rows.each {
		t.rows.each[i] = t.rows.test[at]
	}
	return nil
}

// divide says which rows are for what.
func (t *trainer) divide() (err error) {
	d := t.dataset
	by := data.Division{Limit: t.cfg.Limit, Val: t.cfg.Val, Test: t.cfg.TestSplit, Seed: uint64(t.cfg.Seed)}
	if name := t.cfg.NormalClass; name != "" {
		class, err := d.Class(name)
		if err != nil {
			return fmt.Errorf("aegis: normal class: %w", err)
		}
		by.Class = &class
	}
	for _, own := range []struct {
		what string
		held data.Held
		set  data.Set
	}{{"val", by.Val, d.Val}, {"test split", by.Test, d.Test}} {
		if n := own.set.Len(); n > 0 && own.held != 0 {
			return fmt.Errorf("aegis: %s %v, but %s has a set of %d rows for that; leave %s out", own.what, own.held, d, n, own.what)
		}
	}
	if t.rows.split, err = d.Split(by); err != nil {
		return err
	}
	t.train = d.Train.Slice(0, t.rows.split.N)
	t.rows.val, t.rows.valSet = t.rows.split.Val, vm.TrainSet
	t.rows.test, t.rows.testSet = t.rows.split.Test, vm.TrainSet
	if d.Val.Len() > 0 {
		t.rows.val, t.rows.valSet = ofClass(d.Val, by.Class), vm.ValSet
	}
	if by.Test == 0 {
		t.rows.test, t.rows.testSet = ofClass(d.Test, by.Class), vm.TestSet
	}
	return nil
}

// checkPlateau wants rows to validate on where the learning rate goes by their loss.
func checkPlateau(p *program.Program, val int) error {
	if p.Plateau() == nil || val > 0 {
		return nil
	}
	err := errors.New("aegis: schedule plateau goes by the loss of rows that are held out to validate on, and there are none; hold some out")
	return &ConfigError{advice.With(err, "val 10%")}
}

// ofClass lists the rows of a set that have a class, all where that is nil or
// there are no labels.
func ofClass(s data.Set, class *byte) []int32 {
	rows := train.Rows(s.Len())
	if class == nil || s.Labels == nil {
		return rows
	}
	return slices.DeleteFunc(rows, func(row int32) bool { return s.Labels[row] != *class })
}

// set returns a set as the machine knows it.
func (t *trainer) set(name string) data.Set {
	switch name {
	case vm.ValSet:
		return t.dataset.Val
	case vm.TestSet:
		return t.dataset.Test
	}
	return t.train
}

// testsEach is how many test rows are evaluated after each epoch. Where few
// rows are trained on, to evaluate all would take longer than to train.
func testsEach(trained, tests, limit int) int {
	switch {
	case limit > 0:
		return limit
	case trained < tests:
		return max(1, trained/4)
	}
	return tests
}

// bind gives the machine the sets.
func (t *trainer) bind() error {
	for _, name := range []string{vm.TrainSet, vm.ValSet, vm.TestSet} {
		set := t.set(name)
		if set.Len() == 0 {
			continue
		}
		if err := t.machine.Bind(name, set.Rows); err != nil {
			return err
		}
		if t.cfg.Condition == "" {
			continue
		}
		if err := t.machine.Label(name, widened(set.Labels)); err != nil {
			return err
		}
	}
	return nil
}

// dataNotes are what a user should know of the data, a line each.
func (t *trainer) dataNotes() []string {
	notes := slices.Concat(t.dataset.Notes, t.scaleNotes())
	if t.cfg.NormalClass != "" {
		notes = append(notes, fmt.Sprintf("class %s is normal: rows of other classes are neither trained on nor in a loss", t.cfg.NormalClass))
	}
	switch tests := len(t.rows.test); {
	case tests == 0:
		notes = append(notes, fmt.Sprintf("no test set: the pictures are of %s", t.shown().what))
	case len(t.rows.each) < tests:
		notes = append(notes, fmt.Sprintf(
			"%d of the test %s are evaluated after each epoch, all %d after the last", len(t.rows.each), t.noun(), tests))
	}
	return notes
}

// noun is what rows are called.
func (t *trainer) noun() string {
	if t.train.IsVector() {
		return "rows"
	}
	return "images"
}

// shown is the set that pictures show.
type shown struct {
	set  string // as the machine knows it
	from data.Set
	rows []int32
	what string

	tests bool // they are what the run tests with
}

// shown returns the test set; without one, rows that were held out, else rows
// that were trained on, of either no more than a picture can show.
func (t *trainer) shown() shown {
	const most = 10_000
	pick := func(n int, rows []int32) []int32 {
		picked := data.Sample(n, most, uint64(t.cfg.Seed), "pictures")
		if rows == nil {
			return picked
		}
		for i, at := range picked {
			picked[i] = rows[at]
		}
		return picked
	}
	what := t.noun()
	switch {
	case len(t.rows.test) > 0:
		return shown{set: t.rows.testSet, from: t.set(t.rows.testSet), rows: t.rows.test, what: "test " + what, tests: true}
	case t.dataset.Val.Len() > 0:
		return shown{set: vm.ValSet, from: t.dataset.Val, rows: pick(len(t.rows.val), t.rows.val), what: "validation " + what}
	case len(t.rows.val) > 0:
		return shown{set: vm.TrainSet, from: t.train, rows: pick(len(t.rows.val), t.rows.val), what: "held-out " + what}
	case len(t.rows.split.Held) > 0:
		return shown{set: vm.TrainSet, from: t.train, rows: pick(t.rows.split.Trained(), t.rows.split.Rows()), what: "training " + what}
	}
	return shown{set: vm.TrainSet, from: t.train, rows: pick(t.train.N, nil), what: "training " + what} // nothing is held out
}

// labels returns those of the rows, nil where there are none.
func (s shown) labels() []byte {
	if s.from.Labels == nil {
		return nil
	}
	labels := make([]byte, len(s.rows))
	for i, row := range s.rows {
		labels[i] = s.from.Labels[row]
	}
	return labels
}

// testBest finds the loss over all test rows, where there are any, of the
// parameters that the machine has, which are model.safetensors': it evaluates
// them where their epoch saw only some of the rows.
func (t *trainer) testBest(ctx context.Context) error {
	for _, m := range t.epochs {
		if m.Epoch == t.writer.model.epoch && m.TestRows == len(t.rows.test) {
			t.bestTest, t.bestClean, t.bestTerms = m.TestLoss, m.CleanLoss, m.TestTerms
			return nil
		}
	}
	if len(t.rows.test) == 0 {
		return nil
	}
	terms, err := t.machine.Evaluate(ctx, t.rows.testSet, t.rows.test)
	if err != nil {
		return err
	}
	t.bestTest, t.bestClean, t.bestTerms = finite(terms[0]), t.cleanLoss(terms), named(t.evaluated, terms)
	return nil
}
