package verb

import (
	"fmt"

	"github.com/spf13/cobra"

	"aegis/internal/cli"
)

func exportVerb(p *cli.Process) *cobra.Command {
	c := &cobra.Command{
		Use:   "export",
		Short: "Write a model in another program's format",
		Long:  "Writes what a run learned in a format that other programs read.",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cli.Usage(fmt.Errorf("unknown format %q; want one of those that --help lists", args[0]))
			}
			return c.Help()
		},
	}
	c.AddCommand(exportONNX(p))
	c.AddCommand(exportTorch(p))
	c.AddCommand(exportHTML(p))
	return c
}
