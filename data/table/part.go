package table

import (
	"context"
	"io"
	"runtime"
	"sync"
)

// part is lines of a table that follow each other.
type part interface {
	// each shows every line: the cells of the columns that were asked for, valid
	// during the call, and the line's number in the file, 0 where it has none. An
	// error that visit returns ends it.
	each(visit func(row []value, line int) error) error
}

// parts gives a table part by part, from one goroutine at a time. Parts may be
// looked at in several.
type parts interface {
	next() (part, error) // io.EOF after the last one
	ready() bool         // the next part is not likely to be waited for
}

// opened is a table whose columns are known.
type opened interface {
	columns() []string
	refused(column int) string // why a column can be no value; empty: it can
	notes() []string           // what was found
	// begin starts with the first line; it may be called again where the table
	// can be read again.
	begin(use []int) (parts, error)
	// done returns how much of how much has been read, 0, 0 where nobody knows.
	done() (done, of int)
}

// most parts of a round are looked at at once, a processor each.
func atOnce() int { return runtime.GOMAXPROCS(0) }

// round takes the next parts, one for each processor but only as many as are
// there without waiting, and looks at all of them at once. The results come in
// the order of the parts; an error is that of the first part with one, and
// only results of the parts before it come then. io.EOF: there are no more.
func round[T any](ctx context.Context, from parts, look func(part) (T, error)) (found []T, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var taken []part
	for len(taken) < atOnce() && (len(taken) == 0 || from.ready()) {
		var p part
		if p, err = from.next(); err != nil {
			break
		}
		taken = append(taken, p)
	}
	if len(taken) == 0 {
		return nil, err
	}
	if err == io.EOF {
		err = nil // told by the next call
	}
	found = make([]T, len(taken))
	errs := make([]error, len(taken))
	var wg sync.WaitGroup
	for i, p := range taken {
		wg.Go(func() { found[i], errs[i] = look(p) })
	}
	wg.Wait()
	for i, failed := range errs {
		if failed != nil {
			return found[:i], failed
		}
	}
	return found, err
}
