package verb

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/internal/cli"
)

// comparing is the flags of the verb compare.
type comparing struct {
	process *cli.Process
	outFlags
	sort string
	json bool
}

func compareVerb(p *cli.Process) *cobra.Command {
	v := &comparing{process: p}
	c := &cobra.Command{
		Use:   "compare RUN RUN...",
		Short: "Put runs side by side",
		Long: "Prints a table of runs, by their test losses: what differs in columns, what all have in\n" +
			"common above it. Runs whose losses are not of the same thing are in groups. A directory of\n" +
			"tries stands for its runs.",
		Example: "  go run ./cmd/aegis train --epochs 1 --limit 2000 --out runs/a\n" +
			"  go run ./cmd/aegis train --epochs 1 --limit 2000 --lr 0.01 --out runs/b\n" +
			"  go run ./cmd/aegis compare runs/a runs/b",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || slices.Contains(args, "") {
				return tooFew(args)
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return v.run(args) },
	}
	v.add(c, "where the table goes")
	c.Flags().StringVar(&v.sort, "sort", "", "order by a column, whatever the groups (default: by groups and their test losses)")
	c.Flags().BoolVar(&v.json, "json", false, "print the comparison as JSON")
	return c
}

// tooFew says that there is nothing to compare.
func tooFew(args []string) error {
	return cli.Usage(fmt.Errorf("want two runs or more, or a directory of tries, got %q", args))
}

// runsOf returns the runs that arguments name: a directory of tries stands for
// its own.
func runsOf(args []string) ([]string, error) {
	var paths []string
	for _, path := range args {
		if _, err := os.Stat(filepath.Join(path, aegis.TriesFile)); err != nil {
			paths = append(paths, path)
			continue
		}
		tries, err := aegis.ReadTries(path)
		if err != nil {
			return nil, err
		}
		paths = append(paths, tries.Runs()...)
	}
	if len(paths) < 2 {
		return nil, tooFew(args)
	}
	return paths, nil
}

func (v *comparing) run(args []string) error {
	if v.json && v.out == "-" {
		return cli.Usage(errors.New("--json and the table would both go to standard output; give --out a file"))
	}
	paths, err := runsOf(args)
	if err != nil {
		return err
	}
	var runs []*aegis.Run
	for _, path := range paths {
		r, err := aegis.OpenRun(path)
		if err != nil {
			return err
		}
		runs = append(runs, r)
	}
	c, err := aegis.Compare(runs...)
	if err != nil {
		return err
	}
	if v.sort != "" {
		if err := c.Sort(v.sort); err != nil {
			return cli.Usage(err)
		}
	}
	if v.out != "" || v.format != "" {
		if err := v.table(c); err != nil {
			return err
		}
	}
	switch {
	case v.json:
		e := json.NewEncoder(v.process.Stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(c)
	case v.out == "" && v.format == "":
		return v.print(c)
	}
	return nil
}

// table writes all columns.
func (v *comparing) table(c *aegis.Comparison) error {
	var columns []column
	for _, name := range c.Columns() {
		_, number := c.Number(c.Runs[0], name)
		columns = append(columns, column{name: name, text: !number})
	}
	return v.write(v.process, columns, len(c.Runs), func(t *table) error {
		for _, r := range c.Runs {
			for _, column := range columns {
				if column.text {
					t.text(c.Text(r, column.name))
					continue
				}
				value, _ := c.Number(r, column.name)
				t.double(value)
			}
			if err := t.endRow(); err != nil {
				return err
			}
		}
		return nil
	})
}

// print writes what is the same once, and a table of the rest.
func (v *comparing) print(c *aegis.Comparison) error {
	var same, differ []string
	for _, name := range c.Columns() {
		switch value := c.Text(c.Runs[0], name); {
		case !c.Same(name) || name == "run":
			differ = append(differ, name)
		case value != "-" && name != "group":
			same = append(same, name+" "+value)
		}
	}
	w := tabwriter.NewWriter(v.process.Stdout, 0, 0, 2, ' ', 0)
	if same != nil {
		fmt.Fprintf(w, "the same in all: %s\n\n", strings.Join(same, ", "))
	}
	fmt.Fprintln(w, strings.Join(differ, "\t"))
	for _, r := range c.Runs {
		var cells []string
		for _, name := range differ {
			cells = append(cells, c.Text(r, name))
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	for i, note := range c.Notes {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, note)
	}
	return w.Flush()
}
