package session

import (
	"context"
	"fmt"

	"aegis/data"
	"aegis/internal/train"
	"aegis/internal/vm"
)

// rows says which rows of the dataset a run uses for what.
type rows struct {
	train, val []int32 // of the training set
	test       []int32 // all of the test set
	each       []int32 // those of test that are evaluated after each epoch
}

// split checks the dataset and draws the rows.
func (t *trainer) split() error {
	if err := t.dataset.Validate(); err != nil {
		return err
	}
	var err error
	if t.rows.train, t.rows.val, err = t.dataset.Split(t.cfg.Limit, t.cfg.Val, uint64(t.cfg.Seed)); err != nil {
		return &ConfigError{err}
	}
	t.train, t.test = t.dataset.Train.Slice(0, len(t.rows.train)+len(t.rows.val)), t.dataset.Test
	tests := t.test.Len()
	if t.cfg.TestLimit > tests {
		return configErrorf("aegis: test limit %d of %d test images; want 1 to %d, or 0", t.cfg.TestLimit, tests, tests)
	}
	t.rows.test = train.Rows(tests)
	t.rows.each = data.Sample(tests, testsEach(len(t.rows.train), tests, t.cfg.TestLimit), uint64(t.cfg.Seed), "test")
	return nil
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

// bind gives the machine the images.
func (t *trainer) bind() error {
	if err := t.machine.Bind(vm.TrainSet, t.train.Pixels); err != nil || t.test.Len() == 0 {
		return err
	}
	return t.machine.Bind(vm.TestSet, t.test.Pixels)
}

// notes are what a user should know of the data, a line each.
func (t *trainer) notes() []string {
	notes := t.dataset.Notes
	switch tests := t.test.Len(); {
	case tests == 0:
		notes = append(notes[:len(notes):len(notes)], fmt.Sprintf("no test set: the pictures are of %s", t.shown().what))
	case len(t.rows.each) < tests:
		notes = append(notes[:len(notes):len(notes)], fmt.Sprintf(
			"%d of the test images are evaluated after each epoch, all %d after the last", len(t.rows.each), tests))
	}
	return notes
}

// shown is the set that pictures show.
type shown struct {
	set  string // as the machine knows it
	from data.Set
	rows []int32
	what string
}

// shown returns the test set; without one, rows that were held out, else rows
// that were trained on, of either no more than a picture can show.
func (t *trainer) shown() shown {
	const most = 10_000
	pick := func(rows []int32) []int32 {
		picked := data.Sample(len(rows), most, uint64(t.cfg.Seed), "pictures")
		for i, at := range picked {
			picked[i] = rows[at]
		}
		return picked
	}
	switch {
	case t.test.Len() > 0:
		return shown{set: vm.TestSet, from: t.test, rows: t.rows.test, what: "test images"}
	case len(t.rows.val) > 0:
		return shown{set: vm.TrainSet, from: t.train, rows: pick(t.rows.val), what: "held-out images"}
	}
	return shown{set: vm.TrainSet, from: t.train, rows: pick(t.rows.train), what: "training images"}
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

// testBest evaluates all test rows with the parameters that the machine has,
// which are model.safetensors', where its epoch saw only some of them.
func (t *trainer) testBest(ctx context.Context) error {
	seen := 0
	for _, m := range t.epochs {
		if m.Epoch == t.writer.model.epoch {
			seen = m.TestRows
		}
	}
	if seen == len(t.rows.test) {
		return nil
	}
	terms, err := t.machine.Evaluate(ctx, vm.TestSet, t.rows.test)
	if err != nil {
		return err
	}
	t.bestTest = finite(terms[0])
	return nil
}
