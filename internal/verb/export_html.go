package verb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/internal/cli"
)

func exportHTML(p *cli.Process) *cobra.Command {
	u, o, out := &use{process: p}, aegis.ExplorerOptions{}, ""
	c := &cobra.Command{
		Use:   "html RUN",
		Short: "Write a page in which the model and rows can be explored",
		Long: "Writes one HTML file that any current browser opens from the disk, without a network: a\n" +
			"map of the codes of up to 10,000 rows; whatever lies under the mouse is decoded by the page\n" +
			"itself; sliders, ways between codes, a pad to draw on, and noise. Scores are those of the\n" +
			"detector beside the model, or of one that is fitted as detect fits it.",
		Example: "  go run ./cmd/aegis train --model fc3 --epochs 1 --out runs/digits\n" +
			"  go run ./cmd/aegis export html runs/digits --points 2000 -o digits.html",
		Args: oneRun,
		RunE: func(c *cobra.Command, args []string) error {
			if o.Points < 1 || o.Points > aegis.MaxExplorerPoints {
				return cli.Usage(fmt.Errorf("--points wants 1 to %d", aegis.MaxExplorerPoints))
			}
			return u.with(c.Context(), args[0], func(opened opened) error {
				o.Title = title(opened.run.Dir)
				return u.explorer(c.Context(), opened, o, out)
			})
		},
	}
	u.add(c)
	c.Flags().StringVarP(&out, "out", "o", "explorer.html", "where the page goes")
	c.Flags().IntVar(&o.Points, "points", aegis.DefaultExplorerPoints, "how many rows the page has at most")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "seed by which they are drawn")
	return c
}

// title is what a run's page is called: as its directory.
func title(dir string) string {
	if whole, err := filepath.Abs(dir); err == nil {
		dir = whole
	}
	return filepath.Base(dir)
}

// explorer writes the page and says how large it is.
func (u *use) explorer(ctx context.Context, opened opened, o aegis.ExplorerOptions, out string) (err error) {
	if o.Detector, err = u.pageDetector(ctx, opened.run, opened.model); err != nil {
		return err
	}
	err = u.process.WriteFile(out, func(w io.Writer) error {
		return opened.run.WriteExplorer(ctx, w, opened.model, opened.rows, o)
	})
	if err != nil {
		return err
	}
	var size int64
	if info, err := os.Stat(out); err == nil {
		size = info.Size()
	}
	return u.finish(drawn{out}, "%s: %.1f MB", filepath.Clean(out), float64(size)/1e6)
}

// pageDetector reads the detector beside the model, or fits one for the page
// alone; nil where there is none that scores rows.
func (u *use) pageDetector(ctx context.Context, r *aegis.Run, m *aegis.Model) (*aegis.Detector, error) {
	const none = "export html: the page has the loss alone, and no scores: "
	found, err := m.LoadDetector(r.Path(aegis.DetectorFile))
	switch {
	case err == nil && found.OfLines():
		u.say(none + "the detector beside the model scores lines, and rows are windows of them")
		return nil, nil
	case err == nil:
		return found, nil
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, aegis.ErrOtherModel):
		return nil, err
	}
	if t := m.Spec().Form.Table; t != nil && t.Window > 0 {
		return nil, nil
	}
	d := &detecting{use: use{process: u.process}, given: func(string) bool { return false }}
	if _, ok := r.Config(); !ok {
		u.say(none + "no detector lies beside the model; the verb detect fits one")
		return nil, nil
	}
	rows, what, err := d.normals(ctx, r, m)
	if err != nil {
		u.say(none+"%v", err)
		return nil, nil
	}
	defer func() { _ = rows.Close() }() // they were read only
	if found, err = m.FitDetector(ctx, rows, aegis.DetectorOptions{}); err != nil {
		u.say(none+"%v", err)
		return nil, nil
	}
	u.say("export html: scores are of a detector that was fitted on %d %s", found.FittedOn(), what)
	return found, nil
}
