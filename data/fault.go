package data

import (
	"errors"
	"runtime/debug"
	"slices"
)

// ErrCutShort says that a mapped file lost rows after it was opened.
var ErrCutShort = errors.New("its file was cut short while it was read; leave the file alone, or give a copy")

// Guard calls f. Where f reads rows, in this goroutine, that a mapped file has
// no more, it ends there and Guard returns [ErrCutShort].
func (r Rows) Guard(f func()) error { return guard(f, r.Memory()) }

// guard is Guard for rows that lie in several files.
func guard(f func(), memories ...[]byte) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		caught := recover()
		if caught == nil {
			return
		}
		fault, ok := caught.(interface{ Addr() uintptr })
		if !ok || !slices.ContainsFunc(memories, func(m []byte) bool { return holds(m, fault.Addr()) }) {
			panic(caught)
		}
		err = ErrCutShort
	}()
	f()
	return nil
}

// Guard calls f as [Rows.Guard] does, for the rows of all sets, and names the
// source in its error.
func (s *Source) Guard(f func() error) (err error) {
	if cut := guard(func() { err = f() }, s.Train.Memory(), s.Val.Memory(), s.Test.Memory()); cut != nil {
		err = cut
	}
	if errors.Is(err, ErrCutShort) {
		return &cutError{s.String(), err}
	}
	return err
}

// cutError names the source of rows that are gone.
type cutError struct {
	name string
	error
}

func (e *cutError) Error() string { return "data: " + e.name + ": " + e.error.Error() }
func (e *cutError) Unwrap() error { return e.error }
