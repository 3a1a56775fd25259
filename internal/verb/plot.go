package verb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/data"
	"aegis/internal/cli"
)

func plotVerb(p *cli.Process) *cobra.Command {
	c := &cobra.Command{
		Use:   "plot",
		Short: "Draw losses, codes, reconstructions, filters or traversals",
		Long: "Draws what runs learned, as PNG or SVG: the losses of several runs, the codes of rows,\n" +
			"rows and what is rebuilt of them, the weights of the first layer, or what each dimension\n" +
			"of a code stands for.",
		Example: "  go run ./cmd/aegis train --epochs 1 --out runs/digits\n" +
			"  go run ./cmd/aegis plot loss runs/digits --out loss.png\n" +
			"  go run ./cmd/aegis plot codes runs/digits --out codes.png\n" +
			"  go run ./cmd/aegis plot codes runs/digits --method tsne --rows 500 --out tsne.png\n" +
			"  go run ./cmd/aegis plot reconstructions runs/digits --out rebuilt.png\n" +
			"  go run ./cmd/aegis plot filters runs/digits --out filters.png\n" +
			"  go run ./cmd/aegis plot traversals runs/digits --out traversals.png",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cli.Usage(fmt.Errorf("unknown plot %q; want loss, codes, reconstructions, filters or traversals", args[0]))
			}
			return c.Help()
		},
	}
	c.AddCommand(plotLoss(p), plotCodes(p), plotReconstructions(p), plotFilters(p), plotTraversals(p))
	return c
}

// pictureFlags say where a plot goes and how it is drawn.
type pictureFlags struct {
	out, title string
}

func (f *pictureFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.out, "out", "", "where the plot goes: a name that ends in .png or .svg")
	c.Flags().StringVar(&f.title, "title", "", "what stands above (default: what is to be seen)")
}

// options checks where the plot goes.
func (f *pictureFlags) options() (aegis.PlotOptions, error) {
	if f.out == "" {
		return aegis.PlotOptions{}, cli.Usage(errors.New("--out names where the plot goes, such as plot.png or plot.svg"))
	}
	format, err := aegis.PictureFormatOf(f.out)
	if err != nil {
		return aegis.PlotOptions{}, cli.Usage(fmt.Errorf("--out %s: want a name that ends in .png or .svg", f.out))
	}
	return aegis.PlotOptions{Title: f.title, Format: format}, nil
}

// drawn is what --json prints of a plot.
type drawn struct {
	Out string `json:"out"`
}

// write draws into the file and says so.
func (f *pictureFlags) write(u *use, draw func(io.Writer) error) error {
	if err := u.process.WriteFile(f.out, draw); err != nil {
		return err
	}
	return u.finish(drawn{f.out}, "%s: drawn", filepath.Clean(f.out))
}

// plain are the flags of a plot that reads no rows.
func (u *use) plain(c *cobra.Command) {
	c.Flags().BoolVar(&u.quiet, "quiet", false, "print errors only")
	c.Flags().BoolVar(&u.json, "json", false, "print what was done as JSON on standard output")
}

func plotLoss(p *cli.Process) *cobra.Command {
	u, f := &use{process: p}, &pictureFlags{}
	c := &cobra.Command{
		Use:   "loss RUN…",
		Short: "Draw the losses of runs over their epochs",
		Long: "Draws the losses of up to 12 runs over their epochs: thin over the rows that they trained\n" +
			"on, thick over those to validate on, dashed over those to test with. The axis is\n" +
			"logarithmic where losses span more than a factor of ten.",
		Example: "  go run ./cmd/aegis train --model fc64 --epochs 2 --limit 5000 --out runs/a\n" +
			"  go run ./cmd/aegis train --model fc128 --epochs 2 --limit 5000 --out runs/b\n" +
			"  go run ./cmd/aegis plot loss runs/a runs/b --out loss.png",
		Args: func(_ *cobra.Command, args []string) error {
			if n := len(args); n < 1 || n > aegis.MaxPlotRuns {
				return cli.Usage(fmt.Errorf("want 1 to %d RUNs, got %d", aegis.MaxPlotRuns, n))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			o, err := f.options()
			if err != nil {
				return err
			}
			var runs []*aegis.Run
			for _, path := range args {
				r, err := u.openRun(path)
				if err != nil {
					return err
				}
				runs = append(runs, r)
			}
			return f.write(u, func(w io.Writer) error { return aegis.PlotLoss(w, runs, o) })
		},
	}
	f.add(c)
	u.plain(c)
	return c
}

func plotCodes(p *cli.Process) *cobra.Command {
	u, f, o := &use{process: p}, &pictureFlags{}, aegis.CodesPlot{}
	c := &cobra.Command{
		Use:   "codes RUN",
		Short: "Draw the codes of rows, coloured by class",
		Long: "Draws the codes of up to 5,000 rows, coloured by class: by PCA on their first two principal\n" +
			"components, or as they are where they have up to three values; by t-SNE so that\n" +
			"neighbours stay neighbours. Where there are more rows, they are drawn by the seed.",
		Example: "  go run ./cmd/aegis train --epochs 1 --out runs/digits\n" +
			"  go run ./cmd/aegis plot codes runs/digits --out codes.png\n" +
			"  go run ./cmd/aegis plot codes runs/digits --method tsne --rows 500 --out tsne.svg",
		Args: oneRun,
		RunE: func(c *cobra.Command, args []string) (err error) {
			if o.PlotOptions, err = f.options(); err != nil {
				return err
			}
			if o.Method != aegis.PCA && o.Method != aegis.TSNE {
				return cli.Usage(fmt.Errorf("--method %q: want %s or %s", o.Method, aegis.PCA, aegis.TSNE))
			}
			if o.Rows < 1 || o.Rows > aegis.MaxPlotCodes {
				return cli.Usage(fmt.Errorf("--rows wants 1 to %d", aegis.MaxPlotCodes))
			}
			return u.with(c.Context(), args[0], func(opened opened) error {
				steps := &plotProgress{use: u}
				defer steps.close()
				o.Progress = steps.show
				return f.write(u, func(w io.Writer) error { return opened.model.PlotCodes(c.Context(), w, opened.rows, o) })
			})
		},
	}
	u.add(c)
	f.add(c)
	c.Flags().StringVar(&o.Method, "method", aegis.PCA, "pca or tsne")
	c.Flags().IntVar(&o.Rows, "rows", aegis.MaxPlotCodes, "how many rows are drawn at most")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "seed by which rows are drawn, and of t-SNE")
	return c
}

// plotProgress shows the steps of a plot, one after the other.
type plotProgress struct {
	use  *use
	what string
	at   *progress
}

func (s *plotProgress) show(what string, done, of int) {
	if s.use.quiet {
		return
	}
	if what != s.what {
		s.close()
		s.what, s.at = what, newProgress(s.use.process, what, of)
		if what == "t-SNE" {
			s.at.unit = "steps"
		}
	}
	s.at.add(done - s.at.done)
}

func (s *plotProgress) close() {
	if s.at != nil {
		s.at.close()
	}
}

func plotReconstructions(p *cli.Process) *cobra.Command {
	u, f, o := &use{process: p}, &pictureFlags{}, aegis.ReconstructionsPlot{}
	c := &cobra.Command{
		Use:   "reconstructions RUN",
		Short: "Draw rows and what the model rebuilds of them",
		Long: "Draws images above what is rebuilt of them, with what a model reads that was trained to\n" +
			"restore noisy ones between. Of a table it draws a chart of each column, rebuilt over\n" +
			"original values, and of windows lines over time.",
		Example: "  go run ./cmd/aegis train --epochs 1 --out runs/digits\n" +
			"  go run ./cmd/aegis plot reconstructions runs/digits --out rebuilt.png",
		Args: oneRun,
		RunE: func(c *cobra.Command, args []string) (err error) {
			if o.PlotOptions, err = f.options(); err != nil {
				return err
			}
			if o.Rows < 1 || o.Rows > 100 {
				return cli.Usage(errors.New("--images wants 1 to 100"))
			}
			return u.with(c.Context(), args[0], func(opened opened) error {
				return f.write(u, func(w io.Writer) error { return opened.model.PlotReconstructions(c.Context(), w, opened.rows, o) })
			})
		},
	}
	u.add(c)
	f.add(c)
	c.Flags().IntVar(&o.Rows, "images", 10, "how many images are shown, the first of each class before others")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "seed of the noise of a model that restores rows")
	return c
}

func plotFilters(p *cli.Process) *cobra.Command {
	u, f := &use{process: p}, &pictureFlags{}
	c := &cobra.Command{
		Use:   "filters RUN",
		Short: "Draw the weights of the first layer",
		Long: "Draws the weights of the first layer: an image of each unit, or the kernels of a\n" +
			"convolution, a hundred at most; of a table columns against units. Above 0 is orange,\n" +
			"below blue, all on one scale.",
		Example: "  go run ./cmd/aegis train --epochs 1 --out runs/digits\n" +
			"  go run ./cmd/aegis plot filters runs/digits --out filters.png",
		Args: oneRun,
		RunE: func(_ *cobra.Command, args []string) error {
			o, err := f.options()
			if err != nil {
				return err
			}
			r, err := u.openRun(args[0])
			if err != nil {
				return err
			}
			return f.write(u, func(w io.Writer) error { return r.PlotFilters(w, o) })
		},
	}
	f.add(c)
	u.plain(c)
	return c
}

func plotTraversals(p *cli.Process) *cobra.Command {
	u, f, o, row := &use{process: p}, &pictureFlags{}, aegis.TraversalsPlot{}, 0
	c := &cobra.Command{
		Use:   "traversals RUN",
		Short: "Draw what each dimension of a code stands for",
		Long: "Draws what becomes of a code when one of its values changes, a line each: over −3 to 3\n" +
			"deviations of the prior of a variational or adversarial model, else over quantiles of the\n" +
			"codes of rows. The other values are means, or those of a row's code.",
		Example: "  go run ./cmd/aegis train --epochs 1 --out runs/digits\n" +
			"  go run ./cmd/aegis plot traversals runs/digits --row 0 --out traversals.png",
		Args: oneRun,
		RunE: func(c *cobra.Command, args []string) (err error) {
			if o.PlotOptions, err = f.options(); err != nil {
				return err
			}
			if row < 0 {
				return cli.Usage(errors.New("--row wants the number of a row, from 0"))
			}
			if c.Flags().Changed("row") {
				o.Row = &row
			}
			return u.traverse(c.Context(), args[0], f, o)
		},
	}
	u.add(c)
	f.add(c)
	c.Flags().IntVar(&row, "row", 0, "the row, from 0, at whose code the other values stay (default: their means)")
	c.Flags().StringVar(&o.Class, "class", "", "the class of all, for a model that reads labels (default: the row's, or the first)")
	return c
}

// traverse opens rows where the plot needs some.
func (u *use) traverse(ctx context.Context, path string, f *pictureFlags, o aegis.TraversalsPlot) error {
	r, m, err := u.load(path)
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }() // nothing was written to it
	if o.Class != "" {
		if _, err := knownClass(m, o.Class); err != nil {
			return err
		}
	}
	var rows data.Reader
	if m.NeedsRows(o) {
		if rows, err = u.open(ctx, r, m); err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // they were read only
	}
	return f.write(u, func(w io.Writer) error { return m.PlotTraversals(ctx, w, rows, o) })
}
