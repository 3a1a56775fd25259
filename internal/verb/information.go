package verb

import (
	"github.com/spf13/cobra"

	"aegis/internal/cli"
)

func doctorVerb(p *cli.Process) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "doctor",
		Short:   "Print what this machine has and what auto takes",
		Example: "  go run ./cmd/aegis doctor",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return cli.Doctor(asJSON, p.Stdout) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return c
}
