// Package verb is the command aegis: a verb for each thing that a run is good
// for, written on the Go package. A verb works from a run alone; it reads rows
// some at a time, and writes a file whole or not at all.
package verb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/internal/cli"
)

// Run runs the verb that a command line names.
func Run(ctx context.Context, p *cli.Process, args []string) error {
	if len(args) > 0 && args[0] == "train" {
		p.Name += " train"
		return cli.Train(ctx, p, args[1:])
	}
	root := command(p)
	root.SetArgs(args)
	p.Collect()
	return usage(root.ExecuteContext(ctx))
}

// command is the tree of verbs.
func command(p *cli.Process) *cobra.Command {
	root := &cobra.Command{
		Use:   "aegis",
		Short: "Train autoencoders and use them",
		Long: "Trains autoencoders and uses them. RUN is the directory of a run, or a model's file.\n" +
			"Data is mnist, fashion-mnist, or a path: a folder of images or of IDX files, a .npy or\n" +
			".npz file, CSV, TSV or Parquet; - is standard input. Without --data a verb takes the\n" +
			"run's own test set. Rows are numbered from 0, without a table's header; lines of a file\n" +
			"from 1.",
		Version:       aegis.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	root.SetVersionTemplate(aegis.BuildInfo() + "\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cli.Usage(err) })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		trainVerb(),
		encodeVerb(p), decodeVerb(p), reconstructVerb(p), denoiseVerb(p),
		evalVerb(p), detectVerb(p), clusterVerb(p), generateVerb(p), compressVerb(p), decompressVerb(p),
		serveVerb(p), plotVerb(p), compareVerb(p), inspectVerb(p), importVerb(p), exportVerb(p), reportVerb(p), doctorVerb(p),
	)
	decimals(root)
	return root
}

// trainVerb is in the help; Run hands it to the command train, which reads its
// own flags.
func trainVerb() *cobra.Command {
	return &cobra.Command{
		Use:                "train [flags]",
		Short:              "Train an autoencoder and write a run's directory",
		Example:            "  go run ./cmd/aegis train --epochs 1 --out runs/digits",
		DisableFlagParsing: true,
		RunE:               func(*cobra.Command, []string) error { return nil },
	}
}

// usage makes errors of the command line that cobra finds those of this module's
// commands.
func usage(err error) error {
	if err == nil || cli.IsUsage(err) {
		return err
	}
	for _, start := range []string{"unknown command", "unknown flag", "unknown shorthand flag", "accepts ", "requires ", "if any flags in the group"} {
		if strings.HasPrefix(err.Error(), start) {
			return cli.Usage(err)
		}
	}
	return err
}

// oneRun is the argument of a verb: a run.
func oneRun(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 1:
		if args[0] == "" {
			return cli.Usage(errors.New("RUN is empty; give a run's directory or a model's file"))
		}
		return nil
	case 0:
		return cli.Usage(errors.New("want a RUN: a run's directory or a model's file"))
	}
	return cli.Usage(fmt.Errorf("want one RUN, got %d arguments: %q", len(args), args))
}
