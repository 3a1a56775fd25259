package verb

import (
	"fmt"

	"github.com/spf13/cobra"

	"aegis/internal/cli"
)

func exportVerb(p *cli.Process) *cobra.Command {
	c := &cobra.Command{
		Use:   "export",
		Short: "Write the model for other programs",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cli.Usage(fmt.Errorf("unknown export %q; want one of those that the help names", args[0]))
			}
			return c.Help()
		},
	}
	c.AddCommand(exportTorch(p))
	return c
}
