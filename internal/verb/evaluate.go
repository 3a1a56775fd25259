package verb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/internal/cli"
)

// evaluating is the verb eval.
type evaluating struct {
	use
	samples, likelihoodRows int
	alone                   bool
	seed                    uint64
}

func evalVerb(p *cli.Process) *cobra.Command {
	e := &evaluating{use: use{process: p}}
	e.unseen = true
	c := &cobra.Command{
		Use:     "eval RUN",
		Aliases: []string{"evaluate"},
		Short:   "Judge the model on rows that it was not trained on",
		Long: "Says how well rows are rebuilt, in all and by class, beside principal components of as\n" +
			"many values as a code has; how often a row's class is found by its code, by ten\n" +
			"neighbours and by a logistic probe; and of a variational model the log-likelihood.\n" +
			"Components, neighbours and probe come from the rows that the run was trained on, up to\n" +
			"60,000 of them. Of images pixels are from 0 to 1; tables are as the network reads them.",
		Example: "  go run ./cmd/aegis train --epochs 1 --limit 10000 --out runs/digits\n" +
			"  go run ./cmd/aegis eval runs/digits --limit 2000",
		Args: oneRun,
		RunE: func(c *cobra.Command, args []string) error {
			return e.with(c.Context(), args[0], func(o opened) error { return e.run(c.Context(), o) })
		},
	}
	e.add(c)
	f := c.Flags()
	f.BoolVar(&e.alone, "alone", false, "leave out what needs the rows that the run was trained on")
	f.IntVar(&e.samples, "likelihood", 100, "samples a row for the log-likelihood of a variational model (0: none)")
	f.IntVar(&e.likelihoodRows, "likelihood-rows", 1000, "how many rows the log-likelihood is of")
	f.Uint64Var(&e.seed, "seed", 1, "seed of those samples")
	return c
}

// mostTrained is how many rows of the training set components, neighbours and
// probe are fitted on.
const mostTrained = 60_000

func (e *evaluating) run(ctx context.Context, o opened) error {
	if e.samples < 0 || e.likelihoodRows < 0 {
		return cli.Usage(errors.New("--likelihood and --likelihood-rows want numbers of at least 0"))
	}
	if e.seen {
		e.say("eval: the run has no rows that it was not trained on: these are all that it has")
	}
	options := aegis.EvaluateOptions{Likelihood: e.samples, LikelihoodRows: e.likelihoodRows, Seed: e.seed}
	if !e.alone {
		train, err := o.run.Sample(ctx, aegis.SetTrain, mostTrained)
		if err != nil {
			e.say("eval: without what the model was trained on, and so without components, neighbours and probe: %v", err)
		}
		options.Train = train
	}
	stages := newStages(&e.use)
	options.Progress = stages.show
	found, err := o.model.Evaluate(ctx, o.rows, options)
	stages.close()
	if err != nil {
		return err
	}
	if e.json {
		return printJSON(e.process.Stdout, found)
	}
	return printEvaluation(e.process.Stdout, o.model, found)
}

// printEvaluation prints one table and a few lines.
func printEvaluation(out io.Writer, m *aegis.Model, r *aegis.Evaluation) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "\trows\tMSE\tMAE\t")
	if r.PSNR != nil {
		fmt.Fprint(w, "PSNR, dB\tSSIM\t")
	}
	fmt.Fprintln(w)
	line := func(name string, e aegis.Errors) {
		fmt.Fprintf(w, "%s\t%d\t%.5f\t%.5f\t", name, e.Rows, e.MSE, e.MAE)
		if e.PSNR != nil {
			fmt.Fprintf(w, "%.2f\t%.4f\t", *e.PSNR, *e.SSIM)
		}
		fmt.Fprintln(w)
	}
	line("all", r.Errors)
	for _, c := range r.Classes {
		line("class "+c.Class, c.Errors)
	}
	z := m.Spec().Latent
	if r.PCA != nil {
		line(fmt.Sprintf("PCA, %d components", z), *r.PCA)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	text := fmt.Sprintf("%.1f %% of the variance explained", 100*r.Variance)
	if r.PCA != nil {
		text += beside(r.MSE/r.PCA.MSE, z)
	}
	text += "\n"
	for _, k := range []struct {
		what  string
		found *aegis.ClassesFound
	}{{"codes", r.Codes}, {"components", r.PCACodes}} {
		if k.found != nil {
			text += fmt.Sprintf("classes found by %s: %.2f %% by 10 neighbours, %.2f %% by a logistic probe\n", k.what, 100*k.found.Neighbours, 100*k.found.Probe)
		}
	}
	if r.LogLikelihood != nil {
		text += fmt.Sprintf("log-likelihood of %d rows by %d samples each: %.2f nats\n", r.LikelihoodOf, r.Samples, *r.LogLikelihood)
	}
	_, err := io.WriteString(out, text)
	return err
}

// beside says how a model's errors compare with those of components.
func beside(ratio float64, components int) string {
	const many, nothing = 2, 1e6 // where components rebuild all, a ratio says nothing
	switch {
	case !(ratio < nothing):
		return ""
	case ratio >= many:
		return fmt.Sprintf("; the MSE is %.1f times that of %d principal components", ratio, components)
	case ratio > 1:
		return fmt.Sprintf("; the MSE is %.1f %% above that of %d principal components", 100*(ratio-1), components)
	}
	return fmt.Sprintf("; the MSE is %.1f %% below that of %d principal components", 100*(1-ratio), components)
}

// stages shows the progress of something in several parts.
type stages struct {
	use  *use
	what string
	done int
	*progress
}

func newStages(u *use) *stages { return &stages{use: u} }

// show says how far a part is; a new part takes the bar of the one before away.
func (s *stages) show(what string, done, of int) {
	if s.use.quiet {
		return
	}
	if s.progress == nil || what != s.what {
		s.close()
		s.what, s.done, s.progress = what, 0, newProgress(s.use.process, what, of)
	}
	s.add(done - s.done)
	s.done = done
}

// close takes the bar away.
func (s *stages) close() {
	if s.progress != nil {
		s.progress.close()
		s.progress = nil
	}
}
