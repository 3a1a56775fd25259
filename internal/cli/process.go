// Package cli is what commands are made of: flags and help, which are read by
// the configuration's table of options and the command's own, signals, the
// progress bar, and the lines that a user reads. Packages' errors say in words
// what would help; here the flags are added.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"aegis"
	"aegis/data/memory"
	"aegis/internal/advice"
)

// The ways that a command exits.
const (
	ExitFailed      = 1
	ExitUsage       = 2
	ExitInterrupted = 130
)

// Process is what a command has of its process.
type Process struct {
	Name           string // how its lines begin
	Stdout, Stderr io.Writer

	stopping notice // what the first interrupt says
	collect  func() // collects garbage from now on; nil: it is collected
	outputs  outputs
}

// Main runs a command in this process and returns its exit status. Garbage is
// not collected until the command says so.
func Main(name string, command func(context.Context, *Process, []string) error) int {
	percent := debug.SetGCPercent(-1)
	p := &Process{Name: name, Stdout: os.Stdout, Stderr: os.Stderr, collect: func() { debug.SetGCPercent(percent) }}
	ctx := context.Background()
	if memory.Check() == nil { // else the threads that hear signals could end the process before it says so
		var stop func()
		ctx, stop = p.interruptible()
		defer stop()
	}
	return p.Run(ctx, command, os.Args[1:])
}

// Run runs a command, prints its error in a line and returns its exit status.
func (p *Process) Run(ctx context.Context, command func(context.Context, *Process, []string) error, args []string) int {
	err := command(ctx, p, args)
	if err == nil {
		return 0
	}
	var said *saidError
	if !errors.As(err, &said) {
		text := strings.TrimPrefix(line(err), p.Name+": ") // a package may have the command's name
		p.say("%s: %s\n", p.Name, text)
	}
	var usage *usageError
	var config *aegis.ConfigError
	switch {
	case errors.As(err, &usage), errors.As(err, &config):
		return ExitUsage
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	}
	return ExitFailed
}

// say writes lines to stderr. What the arguments hold is shown where a terminal
// would obey it: names of files may have any characters.
func (p *Process) say(format string, args ...any) {
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			args[i] = shown(v)
		case error:
			args[i] = shown(v.Error())
		case fmt.Stringer:
			args[i] = shown(v.String())
		}
	}
	fmt.Fprintf(p.Stderr, format, args...)
}

// shown is a text with escapes, as in Go, for what cannot be printed: controls,
// and marks that turn the direction of writing.
func shown(text string) string {
	var b strings.Builder
	for at, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[at:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, text[at])
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

// Collect collects garbage from now on.
func (p *Process) Collect() {
	if p.collect != nil {
		p.collect()
	}
}

// Say writes a line to stderr, with escapes where a terminal would obey what the
// arguments hold.
func (p *Process) Say(format string, args ...any) { p.say(format+"\n", args...) }

// Columns returns the width of the terminal that stderr is, 0 where it is none.
func (p *Process) Columns() int {
	if file, ok := p.Stderr.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return columns(file)
	}
	return 0
}

// saidError is an error that the user has read already.
type saidError struct{ error }

// line is an error's text with the flags that help; joined errors, which have
// a line each, become one.
func line(err error) string {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if errors.Is(err, aegis.ErrRunExists) {
		text += ": --out names another one, --force replaces it"
	}
	var flags []string
	for _, option := range advice.Of(err) {
		key, value, _ := strings.Cut(option, " ")
		for _, o := range options() {
			if o.name != "" && (o.key == key || o.key == "" && o.name == key) { // one of the command's own has no key
				flags = append(flags, strings.TrimSpace("--"+o.name+" "+value))
			}
		}
	}
	if flags != nil {
		text += " (" + strings.Join(flags, ", ") + ")"
	}
	return text
}
