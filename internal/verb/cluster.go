package verb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/data"
	"aegis/internal/cli"
)

// clustering is the verb cluster.
type clustering struct {
	use
	outFlags
	k       int
	seed    uint64
	rows    bool
	centres string
}

func clusterVerb(p *cli.Process) *cobra.Command {
	u := &clustering{use: use{process: p}}
	c := &cobra.Command{
		Use:   "cluster RUN",
		Short: "Find groups among the codes, without labels",
		Long: "Finds clusters of codes by k-means. --out writes the cluster of each row, from 0, and\n" +
			"how far its code lies from the centre; --centres draws what the centres decode to.\n" +
			"Where the rows have classes it says how clusters agree with them.",
		Example: "  go run ./cmd/aegis train --epochs 1 --limit 10000 --out runs/digits\n" +
			"  go run ./cmd/aegis cluster runs/digits -k 10 --limit 2000 --out clusters.csv --centres centres.png",
		Args: oneRun,
		RunE: func(c *cobra.Command, args []string) error {
			return u.with(c.Context(), args[0], func(o opened) error { return u.run(c.Context(), o) })
		},
	}
	u.use.add(c)
	f := c.Flags()
	f.IntVarP(&u.k, "clusters", "k", 0, "how many clusters (0: as many as the rows have classes)")
	f.Uint64Var(&u.seed, "seed", 1, "seed of the starts")
	f.BoolVar(&u.rows, "beside", false, "cluster the rows themselves too, and say how these clusters agree with classes")
	f.StringVar(&u.out, "out", "", "where the cluster of each row goes: a name that ends in .csv, .tsv, .jsonl or .npy")
	f.StringVar(&u.format, "format", "", "csv, tsv, jsonl or npy (default: as the name ends)")
	f.StringVar(&u.centres, "centres", "", "where the centres go: of images .png, else as rows of a table")
	return c
}

func (u *clustering) run(ctx context.Context, o opened) error {
	if u.k < 0 {
		return cli.Usage(errors.New("--clusters wants a number of at least 1"))
	}
	if u.out == "-" && u.json {
		return u.apart(u.out)
	}
	if u.out != "" {
		if _, err := formatOf(u.out, u.format); err != nil {
			return err
		}
	}
	named := &naming{Reader: o.rows}
	stages := newStages(&u.use)
	found, err := o.model.Cluster(ctx, named, aegis.ClusterOptions{K: u.k, Seed: u.seed, Rows: u.rows, Progress: stages.show})
	stages.close()
	if err != nil {
		return err
	}
	if u.out != "" {
		if err := u.assignments(found, named.names); err != nil {
			return err
		}
	}
	if u.centres != "" {
		if err := u.drawCentres(ctx, o.model, found); err != nil {
			return err
		}
	}
	if u.json {
		return printJSON(u.process.Stdout, found)
	}
	if u.out == "-" {
		return nil
	}
	return printClusters(u.process.Stdout, found)
}

// naming keeps the names of the rows that are read.
type naming struct {
	data.Reader
	names []string
}

func (n *naming) Next(k int) (data.Chunk, error) {
	c, err := n.Reader.Next(k)
	n.names = append(n.names, c.Names...)
	return c, err
}

// Len returns how many rows there are.
func (n *naming) Len() int { return data.Len(n.Reader) }

// assignments writes the cluster of each row.
func (u *clustering) assignments(c *aegis.Clusters, names []string) error {
	columns := numbers("cluster", "distance")
	if names != nil {
		columns = append([]column{{name: "file", text: true}}, columns...)
	}
	return u.write(u.process, columns, len(c.Assignments), func(t *table) error {
		for i, cluster := range c.Assignments {
			if names != nil {
				t.text(names[i])
			}
			t.double(float64(cluster))
			t.float(float32(c.Distances[i]))
			if err := t.endRow(); err != nil {
				return err
			}
		}
		return nil
	})
}

// drawCentres writes what the centres decode to.
func (u *clustering) drawCentres(ctx context.Context, m *aegis.Model, c *aegis.Clusters) error {
	if m.Spec().Condition != "" {
		return errors.New("aegis: cluster: a centre decodes to a row by its class too, which a cluster has not; want a model that reads no labels for --centres")
	}
	rows, err := m.Decode(ctx, c.Centres)
	if err != nil {
		return err
	}
	if m.Spec().Image[0] > 0 {
		pixels, err := m.Bytes(rows)
		if err != nil {
			return err
		}
		return u.process.WriteFile(u.centres, func(w io.Writer) error { return writeSheet(w, m, pixels) })
	}
	out := rowsFlags{outFlags: outFlags{out: u.centres}}
	return out.write(ctx, &u.use, m, c.K, func(put sink) error { return put(rebuilt{n: c.K, values: rows}) })
}

// printClusters prints how large the clusters are and how they agree.
func printClusters(out io.Writer, c *aegis.Clusters) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "cluster\trows\t")
	if c.Classes != nil {
		fmt.Fprint(w, "class\t")
	}
	fmt.Fprintln(w)
	for k, size := range c.Sizes {
		fmt.Fprintf(w, "%d\t%d\t", k, size)
		if c.Classes != nil {
			fmt.Fprintf(w, "%s\t", c.Classes[k])
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	text := fmt.Sprintf("silhouette %.3f\n", c.Silhouette)
	for _, a := range []struct {
		what string
		*aegis.Agreement
	}{{"codes", c.Codes}, {"rows themselves", c.Rows}} {
		if a.Agreement != nil {
			text += fmt.Sprintf("clusters of %s and classes: accuracy %.2f %% at the best match, NMI %.3f, ARI %.3f\n", a.what, 100*a.Accuracy, a.NMI, a.ARI)
		}
	}
	_, err := io.WriteString(out, text)
	return err
}
