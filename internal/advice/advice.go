// Package advice says with an error which options of a configuration would
// help. The error's text is in words; only a command knows how its user sets
// an option, and adds that.
package advice

import (
	"errors"
	"slices"
)

// adviser is an error that has advice.
type adviser interface{ Options() []string }

// Of returns the options that an error names, nil where it names none: the key
// of each, as config.toml has it, or the key, a space and a value to try.
func Of(err error) []string {
	var a adviser
	if errors.As(err, &a) {
		return a.Options()
	}
	return nil
}

// With returns err with options to try, as [Of] returns them, behind those
// that err has already.
func With(err error, options ...string) error { return &advised{err, slices.Concat(Of(err), options)} }

type advised struct {
	error
	options []string
}

func (a *advised) Unwrap() error     { return a.error }
func (a *advised) Options() []string { return a.options }
