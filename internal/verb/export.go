package verb

import (
	"fmt"

	"github.com/spf13/cobra"

	"aegis/internal/cli"
)

func exportVerb(p *cli.Process) *cobra.Command {
	c := &cobra.Command{
		Use:   "export",
		Short: "Write a model as a file that something else opens",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cli.Usage(fmt.Errorf("unknown format %q; want one that --help lists", args[0]))
			}
			return c.Help()
		},
	}
	c.AddCommand(exportHTML(p))
	return c
}
