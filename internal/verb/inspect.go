package verb

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/internal/cli"
)

func inspectVerb(p *cli.Process) *cobra.Command {
	var asJSON bool
	var reading aegis.Reading
	c := &cobra.Command{
		Use:   "inspect WHAT",
		Short: "Print what a file holds",
		Long: "Prints what a run, a model's file, a safetensors file of others, a config.toml, or data\n" +
			"(a file, a folder, mnist) holds. What it is, its content says.",
		Example: "  go run ./cmd/aegis inspect mnist\n" +
			"  go run ./cmd/aegis train --epochs 1 --out runs/digits\n" +
			"  go run ./cmd/aegis inspect runs/digits\n" +
			"  go run ./cmd/aegis inspect runs/digits/last.safetensors --json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return cli.Usage(errors.New("want one file, folder or name of data to inspect"))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			r, err := aegis.Inspect(c.Context(), args[0], reading)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(p.Stdout, r)
			}
			if err := r.WriteText(p.Stdout); err != nil {
				return fmt.Errorf("standard output: %w", err)
			}
			return nil
		},
	}
	f := c.Flags()
	f.BoolVar(&asJSON, "json", false, "print it as JSON")
	f.StringVar(&reading.Label, "label", "", "the column of a table with each row's class")
	f.StringVar(&reading.Header, "header", "", "yes or no: whether a table begins with names (default: as it looks)")
	f.StringVar(&reading.Delimiter, "delimiter", "", "what stands between the values of a table (default: as it looks)")
	f.StringVar(&reading.Decimal, "decimal", "", "the mark within a number, . or , (default: as the table looks)")
	f.StringVar(&reading.Keys, "keys", "", "arrays of an .npz, such as train=a,train_labels=b (default: by their usual names)")
	f.Func("size", "height and width that images get, such as 64x64", reading.Size.Set)
	f.BoolVar(&reading.Gray, "gray", false, "colours become grey")
	return c
}
