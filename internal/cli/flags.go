package cli

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"aegis"
	"aegis/internal/advice"
	"aegis/internal/session"
)

// usageError is a command line that cannot be meant.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() + "; see --help" }

// Unwrap returns the cause.
func (e *usageError) Unwrap() error { return e.err }

// Usage makes an error that of a command line that cannot be meant.
func Usage(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

// IsUsage says whether an error is one.
func IsUsage(err error) bool {
	var usage *usageError
	return errors.As(err, &usage)
}

// given is a flag of a command line.
type given struct {
	option option
	text   string
}

// errHelp says that a command line asks for help.
var errHelp = errors.New("help")

// parseCall reads a command line.
func parseCall(args []string) (*call, error) {
	flags, err := parseFlags(args)
	if err != nil {
		return nil, err
	}
	return bend(flags, runOptions())
}

// bend is a call of what flags say. own are the options of the command's own
// that a file may have too.
func bend(flags []given, own []option) (*call, error) {
	c, err := newCall(flags, own)
	if err != nil {
		return nil, err
	}
	for _, f := range flags {
		if err := f.option.set(c, f.text); err != nil {
			return nil, &usageError{err}
		}
	}
	c.config.Settle(func(key string) bool {
		return slices.ContainsFunc(flags, func(f given) bool { return f.option.key == key })
	})
	return c, nil
}

// set reads a value into a call.
func (o option) set(c *call, text string) error {
	if o.none && text == "none" {
		reflect.ValueOf(o.at(c)).Elem().SetString("")
		return nil
	}
	return set(o.at(c), text)
}

// parseFlags splits a command line into flags whose values can be read.
func parseFlags(args []string) ([]given, error) {
	var all []given
	var scratch call
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	for _, o := range options() {
		if o.name == "" {
			continue
		}
		add := flags.Func
		if isSwitch(o.at(&scratch)) {
			add = flags.BoolFunc
		}
		add(o.name, o.help, func(text string) error {
			all = append(all, given{o, text})
			return o.set(&scratch, text)
		})
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return nil, errHelp
	case err != nil:
		return nil, &usageError{meant(err)}
	case flags.NArg() > 0:
		return nil, &usageError{fmt.Errorf("unexpected argument %q", flags.Arg(0))}
	}
	for _, f := range all {
		if f.text == "" && isText(f.option.at(&scratch)) {
			return nil, &usageError{fmt.Errorf("--%s is empty; give it a value or leave it out", f.option.name)}
		}
	}
	return all, nil
}

// meant adds to the error of a flag that there is not the one that there is.
func meant(err error) error {
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return err
	}
	var names []string
	for _, o := range options() {
		names = append(names, o.name)
	}
	if near := advice.Nearest(strings.TrimPrefix(name, "-"), names); near != "" {
		return fmt.Errorf("%w; want perhaps --%s", err, near)
	}
	return err
}

// resumeAuto is the value of --resume by which a run goes on if it is there.
const resumeAuto = "auto"

var errTriesResumed = errors.New("--tries go on each by itself, with --resume auto and the --out that they lie in")

// resumed is the directory of the run that goes on, "" where one starts.
func resumed(resume, out string) string {
	if resume != resumeAuto {
		return resume
	}
	if aegis.HasCheckpoint(out) {
		return out
	}
	return ""
}

// newCall returns what flags bend: a file's configuration over a preset's, that of
// the run that goes on, or a preset's.
func newCall(flags []given, own []option) (*call, error) {
	var file, preset, resume, out string
	tries := false
	for _, f := range flags {
		switch f.option.name {
		case "config":
			if file != "" {
				return nil, &usageError{errors.New("--config is there twice; want one file")}
			}
			file = f.text
		case "model":
			preset = f.text
		case "resume":
			resume = f.text
		case "out":
			out = f.text
		case "tries":
			tries = true
		}
	}
	if tries && resume != "" && resume != resumeAuto {
		return nil, &usageError{errTriesResumed}
	}
	c := &call{}
	var err error
	if from := resumed(resume, out); file == "" && from != "" {
		c.config, err = session.ResumeConfig(from)
		return c, err
	}
	if file == "" {
		c.config, err = aegis.NewConfig(cmp.Or(preset, aegis.Presets()[0]))
		return c, err
	}
	var beside []session.Setting
	for _, o := range own {
		beside = append(beside, session.Setting{Key: strings.ReplaceAll(o.name, "-", "_"), Value: o.at(c)})
	}
	c.config, err = session.ReadConfig(file, preset, beside)
	return c, err
}
