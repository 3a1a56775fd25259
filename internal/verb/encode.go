package verb

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/data"
	"aegis/internal/cli"
)

// use is what verbs that read rows have in common.
type use struct {
	process *cli.Process
	dataFlags
	deviceFlags
	quiet, json bool
}

func (u *use) add(c *cobra.Command) {
	u.dataFlags.add(c)
	u.deviceFlags.add(c)
	c.Flags().BoolVar(&u.quiet, "quiet", false, "print errors only")
	c.Flags().BoolVar(&u.json, "json", false, "print what was done as JSON on standard output")
}

// done is what a verb that writes rows has done, as --json prints it.
type done struct {
	Rows  int    `json:"rows"`
	Shown int    `json:"shown,omitempty"` // of them, on a sheet
	Out   string `json:"out,omitempty"`
}

// finish says what was done: in words, or as JSON.
func (u *use) finish(d any, format string, args ...any) error {
	if u.json {
		return printJSON(u.process.Stdout, d)
	}
	u.say(format, args...)
	return nil
}

// printJSON prints a value as indented JSON.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// apart refuses JSON and rows on the same output.
func (u *use) apart(out string) error {
	if u.json && isStandard(out) {
		return cli.Usage(errors.New("--json and the rows would both go to standard output: --out names a file for the rows"))
	}
	return nil
}

// say writes a line to stderr.
func (u *use) say(format string, args ...any) {
	if !u.quiet {
		u.process.Say(format, args...)
	}
}

// opened is a run, its model and the rows to use it on.
type opened struct {
	run   *aegis.Run
	model *aegis.Model
	rows  data.Reader
}

// load opens a run and its model, whose files are kept.
func (u *use) load(path string) (*aegis.Run, *aegis.Model, error) {
	r, m, err := u.deviceFlags.load(path)
	if err == nil {
		u.process.Keep("a file of the run", r.Files()...)
		u.process.Keep("what is read", u.data)
	}
	return r, m, err
}

// openRun finds a run, whose files are kept.
func (u *use) openRun(path string) (*aegis.Run, error) {
	r, err := aegis.OpenRun(path)
	if err == nil {
		u.process.Keep("a file of the run", r.Files()...)
	}
	return r, err
}

// with opens what a verb works with, has it used and closes it.
func (u *use) with(ctx context.Context, path string, do func(opened) error) (err error) {
	r, m, err := u.load(path)
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }() // nothing was written to it
	rows, err := u.open(ctx, r, m)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // they were read only
	return do(opened{r, m, rows})
}

// every calls do with the rows, some at a time, and shows how far it is.
func (u *use) every(ctx context.Context, what string, rows data.Reader, do func(data.Chunk) error) error {
	p := newProgress(u.process, what, data.Len(rows))
	if u.quiet {
		p = &progress{process: u.process, of: -1, silent: true}
	}
	defer p.close()
	return each(ctx, p, rows, do)
}

// tableFlags are those of a verb that writes a table.
func (o *outFlags) add(c *cobra.Command, what string) {
	c.Flags().StringVar(&o.out, "out", "", what+": a name that ends in .csv, .tsv, .jsonl or .npy, or - for standard output")
	c.Flags().StringVar(&o.format, "format", "", "csv, tsv, jsonl or npy (default: as the name ends, csv on standard output)")
}

func encodeVerb(p *cli.Process) *cobra.Command {
	u, out := &use{process: p}, &outFlags{}
	c := &cobra.Command{
		Use:   "encode RUN",
		Short: "Write the code of each row",
		Long: "Writes the code of each row, in order: columns z1, z2, … and, of images in files, the\n" +
			"file. Of a variational model a code is the mean.",
		Example: "  go run ./cmd/aegis train --epochs 1 --out runs/digits\n" +
			"  go run ./cmd/aegis encode runs/digits --out codes.npy",
		Args: oneRun,
		RunE: func(c *cobra.Command, args []string) error {
			return u.with(c.Context(), args[0], func(o opened) error { return u.encode(c.Context(), o, *out) })
		},
	}
	u.add(c)
	out.add(c, "where codes go")
	return c
}

func (u *use) encode(ctx context.Context, o opened, out outFlags) error {
	if err := u.apart(out.out); err != nil {
		return err
	}
	z := o.model.Spec().Latent
	first, rows, err := peek(o.rows, someValues/max(1, o.rows.Shape().Size()))
	if err != nil {
		return err
	}
	columns := numbers(numbered("z", z)...)
	if first.Names != nil {
		columns = append([]column{{name: "file", text: true}}, columns...)
	}
	n := 0
	err = out.write(u.process, columns, data.Len(rows), func(t *table) error {
		return u.every(ctx, "encode", rows, func(c data.Chunk) error {
			codes, err := o.model.Encode(ctx, c.Rows, o.model.Spec().Reads(c.Labels)...)
			if err != nil {
				return err
			}
			n += c.N
			for i := range c.N {
				if first.Names != nil {
					t.text(c.Names[i])
				}
				for _, v := range codes[i*z:][:z] {
					t.float(v)
				}
				if err := t.endRow(); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil || isStandard(out.out) {
		return err
	}
	return u.finish(done{Rows: n, Out: out.out}, "%s: %d codes of %d values", out.out, n, z)
}
