package aegis

import (
	"context"
	"fmt"
	"net/http"

	"aegis/internal/serve"
	"aegis/internal/weblisten"
)

// How models are served over HTTP.
type (
	// ServeOptions are the bounds of a [Server]; the zero value has the defaults.
	ServeOptions = serve.Options
	// ListenOptions say which hosts a [Listener] answers for, and bound its
	// connections; the zero value has the defaults.
	ListenOptions = weblisten.Options
	// Listener is an open port, from [Listen]. Serve answers what comes until its
	// context ends; then it accepts no more, answers what was accepted, and
	// returns.
	Listener = weblisten.Listener
)

// ServedModel is a model as a [Server] has it.
type ServedModel struct {
	// Name is what requests call it: letters, digits, points, dashes and
	// underscores.
	Name     string
	Model    *Model
	Detector *Detector // nil: it detects nothing
	// Codes gives what codes of a plain model are drawn from, such as by
	// [Model.FitCodes], when they are first asked for; nil: a plain model generates
	// nothing.
	Codes func(ctx context.Context) (*Codes, error)
	// Explorer gives the HTML page at /models/{name}/explorer when it is first asked
	// for; nil: there is none.
	Explorer func(ctx context.Context) ([]byte, error)
}

// Server answers for models over HTTP, as JSON or NumPy arrays: it is an
// http.Handler, for [Listener.Serve] or for a server of one's own, which then has to
// check hosts and to bound heads and connections. GET /openapi.json describes its
// routes. Rows of different clients run together in batches, and a row's answer has
// the same bits as those of [Model] and [Detector].
type Server struct{ server *serve.Server }

// NewServer makes a server of models, which stay their owner's. One without models
// is not ready until [Server.Ready], so that it can answer while they are loaded.
func NewServer(o ServeOptions, models ...ServedModel) (*Server, error) {
	server, err := serve.New(o)
	if err != nil {
		return nil, err
	}
	s := &Server{server}
	for _, m := range models {
		if err := s.Add(m); err != nil {
			return nil, err
		}
	}
	if len(models) > 0 {
		s.Ready()
	}
	return s, nil
}

// Add serves one more model. Two of one name are an error.
func (s *Server) Add(m ServedModel) error {
	if m.Model.loaded() == nil {
		return fmt.Errorf("aegis: serve %s: no model; want one that was loaded", m.Name)
	}
	if m.Detector != nil && m.Detector.Model() != m.Model {
		return fmt.Errorf("aegis: serve %s: the detector is %w", m.Name, ErrOtherModel)
	}
	added := serve.Model{Name: m.Name, Model: m.Model.loaded(), Codes: m.Codes, Explorer: m.Explorer}
	if m.Detector != nil {
		added.Detector = m.Detector.fitted()
	}
	return s.server.Add(added)
}

// Ready says that all models have been added: /readyz answers so.
func (s *Server) Ready() { s.server.Ready() }

// Stopping says that the server is about to stop: /readyz answers so, and requests
// are answered on.
func (s *Server) Stopping() { s.server.Stopping() }

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.server.ServeHTTP(w, r) }

// Close refuses later requests and waits until those that were begun have ended, or
// ctx has. The models stay open.
func (s *Server) Close(ctx context.Context) error { return s.server.Close(ctx) }

// Listen opens a port: HOST:PORT, or a port alone, which only this machine reaches;
// port 0 is any that is free.
func Listen(address string, o ListenOptions) (*Listener, error) {
	if o.Refuse == nil {
		o.Refuse = serve.WriteError
	}
	return weblisten.Listen(address, o)
}
