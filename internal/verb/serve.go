package verb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/internal/cli"
)

// serving is the verb serve.
type serving struct {
	deviceFlags
	process *cli.Process
	listen  string
	log     string
	bounds  aegis.ServeOptions
	ports   aegis.ListenOptions
	memory  int // MiB
	body    int // MiB
}

func serveVerb(p *cli.Process) *cobra.Command {
	s := &serving{process: p}
	c := &cobra.Command{
		Use:   "serve RUN...",
		Short: "Answer for models over HTTP",
		Long: "Answers for the models of runs over HTTP: encode, decode, reconstruct, denoise, generate and\n" +
			"detect, as JSON or NumPy arrays. A model is called as its run's folder is, or NAME=RUN.\n" +
			"/openapi.json describes all routes, / lists the models. It listens on this machine alone,\n" +
			"unless --listen names another address; who may ask, and TLS, are a proxy's to see to.\n" +
			"An interrupt ends it once what was accepted is answered, a second one at once.",
		Example: "  go run ./cmd/aegis train --epochs 1 --limit 2000 --out runs/digits\n" +
			"  go build -o aegis ./cmd/aegis\n" +
			"  ./aegis serve runs/digits --listen 8317 &\n" +
			"  curl -s --retry 30 --retry-all-errors --retry-delay 1 -f localhost:8317/readyz\n" +
			"  kill $!; wait $!",
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return s.run(c.Context(), args) },
	}
	s.deviceFlags.add(c)
	f := c.Flags()
	f.StringVar(&s.listen, "listen", "127.0.0.1:8080", "where to listen: HOST:PORT, or a port of this machine alone; port 0 is any that is free")
	f.StringSliceVar(&s.ports.Hosts, "host", nil, "a name beside localhost that requests may be for, such as one that a proxy passes on; may be there several times")
	f.StringSliceVar(&s.ports.Origins, "origin", nil, "a site whose pages may ask (CORS), such as https://example.org; may be there several times")
	f.StringVar(&s.log, "log", "text", "lines about requests on standard error: text, json or off")
	f.IntVar(&s.body, "max-body", 64, "MiB of a request's body")
	f.IntVar(&s.bounds.MaxRows, "max-rows", 1<<14, "rows of a request")
	f.IntVar(&s.bounds.MaxWaiting, "max-waiting", 1<<10, "requests that wait for one operation of a model")
	f.IntVar(&s.memory, "memory", 512, "MiB of all bodies, rows and answers that are held at once")
	f.IntVar(&s.ports.Connections, "connections", 1<<10, "connections that are open at once")
	f.DurationVar(&s.bounds.Time, "timeout", 30*time.Second, "for a request's answer, once its body has come")
	f.DurationVar(&s.bounds.BodyTime, "body-timeout", 10*time.Second, "for a request's body to come")
	f.DurationVar(&s.ports.StopTime, "stop-timeout", 30*time.Second, "for what was accepted to be answered at the end")
	return c
}

// named is a run with the name that requests call its model.
type named struct{ name, path string }

// names reads the arguments.
func (s *serving) names(args []string) ([]named, error) {
	if len(args) == 0 {
		return nil, cli.Usage(errors.New("want a RUN: a run's directory or a model's file; or several"))
	}
	var runs []named
	seen := map[string]string{}
	for _, arg := range args {
		if arg == "" {
			return nil, cli.Usage(errors.New("RUN is empty; give a run's directory or a model's file"))
		}
		name, path, ok := strings.Cut(arg, "=")
		if _, err := os.Stat(arg); !ok || err == nil || strings.ContainsRune(name, filepath.Separator) {
			path = arg
			dir, err := filepath.Abs(arg)
			if err != nil {
				return nil, err
			}
			if info, err := os.Stat(dir); err == nil && !info.IsDir() {
				dir = filepath.Dir(dir)
			}
			name = filepath.Base(dir)
		}
		if other, ok := seen[name]; ok {
			return nil, cli.Usage(fmt.Errorf("%s and %s are both called %s: want NAME=RUN, a name of its own for each", other, path, name))
		}
		seen[name] = path
		runs = append(runs, named{name, path})
	}
	return runs, nil
}

// check says which flags make no sense.
func (s *serving) check() error {
	for name, n := range map[string]int{"max-body": s.body, "max-rows": s.bounds.MaxRows, "max-waiting": s.bounds.MaxWaiting, "memory": s.memory, "connections": s.ports.Connections} {
		if n < 1 {
			return cli.Usage(fmt.Errorf("--%s wants a number of at least 1", name))
		}
	}
	for name, d := range map[string]time.Duration{"timeout": s.bounds.Time, "body-timeout": s.bounds.BodyTime, "stop-timeout": s.ports.StopTime} {
		if d <= 0 {
			return cli.Usage(fmt.Errorf("--%s wants a time such as 30s", name))
		}
	}
	const mebi = 20
	s.bounds.MaxBody, s.bounds.Memory = int64(s.body)<<mebi, int64(s.memory)<<mebi
	switch s.log {
	case "text":
		s.bounds.Log = slog.New(slog.NewTextHandler(s.process.Stderr, nil))
	case "json":
		s.bounds.Log = slog.New(slog.NewJSONHandler(s.process.Stderr, nil))
	case "off":
	default:
		return cli.Usage(fmt.Errorf("--log %s: want text, json or off", s.log))
	}
	return nil
}

func (s *serving) run(ctx context.Context, args []string) error {
	if err := s.check(); err != nil {
		return err
	}
	runs, err := s.names(args)
	if err != nil {
		return err
	}
	server, err := aegis.NewServer(s.bounds)
	if err != nil {
		return err
	}
	s.ports.Stopping = server.Stopping
	listener, err := aegis.Listen(s.listen, s.ports)
	if err != nil {
		return err
	}
	where := "this machine alone"
	if !listener.Loopback() {
		where = "whoever reaches this address, without asking who it is"
	}
	s.process.Say("serve: http://%s, for %s", listener.Addr(), where)
	serving, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- listener.Serve(serving, server) }()
	models, err := s.load(ctx, server, runs)
	defer func() {
		for _, m := range models {
			_ = m.Close() // nothing was written to it
		}
	}()
	if err != nil {
		cancel()
		if stopped := <-served; ctx.Err() == nil || stopped != nil {
			return errors.Join(err, stopped)
		}
		return nil // it was stopped while it loaded
	}
	server.Ready()
	s.process.Say("serve: ready")
	err = <-served
	end, done := context.WithTimeout(context.Background(), s.ports.StopTime)
	defer done()
	return errors.Join(err, server.Close(end))
}

// load opens all models, with what is served beside them.
func (s *serving) load(ctx context.Context, server *aegis.Server, runs []named) (models []*aegis.Model, err error) {
	for _, n := range runs {
		r, m, err := s.deviceFlags.load(n.path)
		if err != nil {
			return models, err
		}
		models = append(models, m)
		served := aegis.ServedModel{Name: n.name, Model: m}
		if served.Detector, err = s.detector(ctx, n.name, r, m); err != nil {
			return models, err
		}
		if _, ok := r.Config(); ok {
			served.Codes = func(ctx context.Context) (*aegis.Codes, error) {
				g := &generating{use: use{process: s.process, quiet: true}}
				return g.fit(ctx, opened{run: r, model: m})
			}
			served.Explorer = func(ctx context.Context) ([]byte, error) { return explore(ctx, n.name, r, m, served.Detector) }
		}
		if err := server.Add(served); err != nil {
			return models, err
		}
	}
	return models, nil
}

// explore writes the page of a model with the rows of its run that it was not
// trained on. Scores of lines are none of its rows, which are windows.
func explore(ctx context.Context, name string, r *aegis.Run, m *aegis.Model, d *aegis.Detector) ([]byte, error) {
	rows, err := (&dataFlags{}).open(ctx, r, m)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // they were read only
	if d != nil && d.OfLines() {
		d = nil
	}
	var page bytes.Buffer
	err = r.WriteExplorer(ctx, &page, m, rows, aegis.ExplorerOptions{Detector: d, Title: name, Seed: 1})
	return page.Bytes(), err
}

// detector is the one beside a model, or one that is fitted as detect does it.
func (s *serving) detector(ctx context.Context, name string, r *aegis.Run, m *aegis.Model) (*aegis.Detector, error) {
	d := &detecting{use: use{process: s.process}, given: func(string) bool { return false }}
	found, fitted, err := d.detector(ctx, r, m)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		s.process.Say("serve: %s detects nothing: %v", name, err)
		return nil, nil
	case fitted:
		if err := found.Save(r.Path(aegis.DetectorFile)); err != nil {
			s.process.Say("serve: the detector of %s is not kept, and will be fitted anew: %v", name, err)
		}
	}
	return found, nil
}
