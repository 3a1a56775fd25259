package verb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/data"
	"aegis/internal/cli"
)

// generating is what the verb generate is asked for.
type generating struct {
	use
	rowsFlags
	count      int
	class      string
	components int
	seed       uint64
	codes      string
	pairs      []string
	steps      int
	grid       int
}

func generateVerb(p *cli.Process) *cobra.Command {
	g := &generating{use: use{process: p}}
	c := &cobra.Command{
		Use:   "generate RUN",
		Short: "Write new rows",
		Long: "Writes rows that are new: decoded from codes that are drawn from the prior of a variational\n" +
			"or an adversarial model, or of a plain model from a mixture of normal distributions that is\n" +
			"fitted on the codes of its training rows. With --interpolate it writes the way from one row\n" +
			"to another: spherical between codes that are held to a normal distribution, else straight;\n" +
			"the ends are what the model rebuilds of the two rows. With --grid it writes the plane of\n" +
			"codes of two values, over the prior or over the range of the training rows' codes.",
		Example: "  go run ./cmd/aegis train --model vae --limit 10000 --epochs 1 --out runs/vae\n" +
			"  go run ./cmd/aegis generate runs/vae --out samples.png\n" +
			"  go run ./cmd/aegis generate runs/vae --interpolate 0,1 --interpolate 2,3 --out ways.png",
		Args: oneRun,
		RunE: func(c *cobra.Command, args []string) error {
			if err := g.unread(c.Flags().Changed); err != nil {
				return err
			}
			return g.run(c.Context(), args[0])
		},
	}
	g.use.add(c)
	g.rowsFlags.add(c)
	g.flags(c)
	return c
}

func (g *generating) flags(c *cobra.Command) {
	f := c.Flags()
	f.IntVarP(&g.count, "count", "n", 100, "how many rows")
	f.Uint64Var(&g.seed, "seed", 1, "seed of what is drawn")
	f.StringVar(&g.class, "class", "", "the class of all rows: of a model that reads labels, or of the training rows whose codes are fitted")
	f.IntVar(&g.components, "components", 0, "normal distributions in the mixture of a plain model (default: 10)")
	f.StringVar(&g.codes, "codes", "", "where their codes go too, as by encode")
	f.StringArrayVar(&g.pairs, "interpolate", nil, "two rows A,B by their numbers from 0 in the data, or two files, each by its first row; may be there several times")
	f.IntVar(&g.steps, "steps", 10, "rows on the way of --interpolate, both ends counted")
	f.IntVar(&g.grid, "grid", 0, "the plane of codes of two values, so many a side (--grid alone: 20; else --grid=N)")
	f.Lookup("grid").NoOptDefVal = "20"
}

// unread refuses flags that what is asked for does not read.
func (g *generating) unread(given func(flag string) bool) error {
	switch ways, plane := g.pairs != nil, g.grid != 0; {
	case ways && given("count"):
		return cli.Usage(errors.New("--count and --interpolate: how many rows there are is --steps for each way"))
	case plane && !ways && given("count"):
		return cli.Usage(errors.New("--count and --grid: a grid has as many rows as --grid says a side, squared"))
	case !ways && given("steps"):
		return cli.Usage(errors.New("--steps are those of a way: want --interpolate too"))
	case ways && given("components"):
		return cli.Usage(errors.New("--components and --interpolate: a way lies between codes of rows, and no mixture is fitted"))
	}
	return nil
}

// check says which flags do not go together.
func (g *generating) check() error {
	switch {
	case g.count < 1:
		return cli.Usage(errors.New("--count wants a number of at least 1"))
	case g.grid != 0 && (g.grid < 2 || g.grid > aegis.MaxGrid):
		return cli.Usage(fmt.Errorf("--grid wants a number from 2 to %d", aegis.MaxGrid))
	case g.steps < 2:
		return cli.Usage(errors.New("--steps wants a number of at least 2: both ends are counted"))
	case g.components < 0:
		return cli.Usage(errors.New("--components wants a number of at least 1"))
	case g.limit < 0:
		return cli.Usage(errors.New("--limit wants a number of at least 0"))
	case g.grid > 0 && g.pairs != nil:
		return cli.Usage(errors.New("--grid and --interpolate: want one of them"))
	case g.json && g.codes == "-":
		return cli.Usage(errors.New("--json and the codes would both go to standard output: --codes names a file"))
	case g.codes == "-" && isStandard(g.out):
		return cli.Usage(errors.New("--codes and --out both go to standard output; want a file for one of them"))
	}
	if g.codes != "" {
		if _, err := formatOf(g.codes, ""); err != nil {
			return err
		}
	}
	return g.apart(g.out)
}

// generated is what the verb did, as JSON has it.
type generated struct {
	Model  string `json:"model"`
	Of     string `json:"of"` // where the codes come from
	Seed   uint64 `json:"seed"`
	Rows   int    `json:"rows"`
	Lines  int    `json:"lines,omitempty"` // of a grid and of ways
	Fitted int    `json:"fitted_rows,omitempty"`
	Out    string `json:"out"`
	Codes  string `json:"codes,omitempty"`
}

func (g *generating) run(ctx context.Context, path string) error {
	if err := g.check(); err != nil {
		return err
	}
	r, m, err := g.load(path)
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }() // nothing was written to it
	if err := g.rowsFlags.check(m); err != nil {
		return err
	}
	if g.class != "" {
		if _, err := knownClass(m, g.class); err != nil {
			return err
		}
	}
	done := generated{Model: m.Spec().Model, Seed: g.seed, Out: g.out, Codes: g.codes}
	o := opened{run: r, model: m}
	switch {
	case g.pairs != nil:
		err = g.interpolate(ctx, o, &done)
	case g.grid > 0:
		err = g.plane(ctx, o, &done)
	default:
		err = g.samples(ctx, o, &done)
	}
	if err != nil {
		return err
	}
	if isStandard(g.out) {
		return nil
	}
	return g.finish(done, "%s: %d rows", g.out, done.Rows)
}

// samples writes rows of codes that are drawn.
func (g *generating) samples(ctx context.Context, o opened, done *generated) error {
	from, err := g.source(ctx, o, done)
	if err != nil {
		return err
	}
	codes, labels, err := o.model.DrawCodes(g.count, from)
	if err != nil {
		return err
	}
	g.say("codes are drawn from %s, seed %d", done.Of, g.seed)
	if done.Rows = g.count; g.isSheet(o.model) && g.count > mostOnSheet {
		g.say("a sheet shows %d of %d rows: name a folder for all", mostOnSheet, g.count)
		done.Rows = mostOnSheet
	}
	if err := g.decoded(ctx, o.model, codes, labels); err != nil {
		return err
	}
	return g.writeCodes(o.model, codes)
}

// source is where codes come from: the prior, or a mixture that is fitted.
func (g *generating) source(ctx context.Context, o opened, done *generated) (aegis.GenerateOptions, error) {
	spec := o.model.Spec()
	from := aegis.GenerateOptions{Seed: g.seed, Class: g.class}
	if spec.Variational() || spec.Adversarial() {
		switch {
		case g.components > 0:
			return from, cli.Usage(fmt.Errorf("--components, but %s has a prior to draw from", spec.Model))
		case g.class != "" && spec.Condition == "":
			return from, cli.Usage(fmt.Errorf("--class %s, but %s reads no labels", g.class, spec.Model))
		}
		if done.Of = "the prior N(0, 1)"; !spec.NormalPrior() {
			done.Of = "the prior " + spec.Prior
		}
		if spec.Condition != "" && g.class == "" {
			done.Of += ", for all classes by turns"
		} else if g.class != "" {
			done.Of += ", for class " + g.class
		}
		return from, nil
	}
	fitted, err := g.fit(ctx, o)
	if err != nil {
		return from, err
	}
	done.Fitted = fitted.Rows
	rows := fmt.Sprint(fitted.Rows)
	if fitted.Rows < fitted.Of {
		rows = fmt.Sprintf("%d of %d", fitted.Rows, fitted.Of)
	}
	done.Of = fmt.Sprintf("a mixture of %d normal distributions fitted on the codes of %s rows", fitted.Components, rows)
	if g.class != "" {
		done.Of += " of class " + g.class
	}
	from.Codes = fitted
	if spec.Condition == "" { // the class was that of the rows
		from.Class = ""
	}
	return from, nil
}

// fit fits codes of the run's training rows, or of those that are named.
func (g *generating) fit(ctx context.Context, o opened) (*aegis.Codes, error) {
	d := g.dataFlags
	if _, ok := o.run.Config(); !ok && d.data == "" {
		return nil, cli.Usage(fmt.Errorf("%s is a plain model, whose codes have no prior: a mixture is fitted on codes of its training rows, and nothing beside %s says which those are; name them by --data",
			o.model.Spec().Model, o.run.File))
	}
	if d.set == "" {
		if d.set = aegis.SetTrain; d.data != "" {
			d.set = aegis.SetAll
		}
	}
	rows, err := d.open(ctx, o.run, o.model)
	if err != nil {
		return nil, fmt.Errorf("rows to fit a mixture on: %w", err)
	}
	defer func() { _ = rows.Close() }() // they were read only
	p := newProgress(g.process, "encode", data.Len(rows))
	p.silent = g.quiet
	defer p.close()
	return o.model.FitCodes(ctx, rows, aegis.FitOptions{Components: g.components, Seed: g.seed, Class: g.class, Progress: p.add})
}

// decoded writes the rows of codes, decoded some at a time.
func (g *generating) decoded(ctx context.Context, m *aegis.Model, codes []float32, labels []byte) error {
	z := m.Spec().Latent
	n := len(codes) / z
	return g.rowsFlags.write(ctx, &g.use, m, n, func(put sink) error {
		p := newProgress(g.process, "decode", n)
		p.silent = g.quiet
		defer p.close()
		for from, some := 0, max(1, someValues/m.Size()); from < n; from += some {
			to := min(from+some, n)
			var classes []byte
			if labels != nil {
				classes = labels[from:to]
			}
			values, err := m.Decode(ctx, codes[from*z:to*z], classes...)
			if err != nil {
				return err
			}
			if err := put(rebuilt{n: to - from, values: values}); err != nil {
				return err
			}
			p.add(to - from)
		}
		return nil
	})
}

// writeCodes writes codes where they are asked for.
func (g *generating) writeCodes(m *aegis.Model, codes []float32) error {
	if g.codes == "" {
		return nil
	}
	z := m.Spec().Latent
	out := outFlags{out: g.codes}
	return out.write(g.process, numbers(numbered("z", z)...), len(codes)/z, func(t *table) error {
		for at, v := range codes {
			t.float(v)
			if (at+1)%z == 0 {
				if err := t.endRow(); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// isSheet says that rows go on one picture.
func (g *generating) isSheet(m *aegis.Model) bool {
	return m.Spec().Image[0] > 0 && g.format == "" && strings.HasSuffix(strings.ToLower(g.out), ".png")
}
