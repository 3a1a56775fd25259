package weblisten

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// guard answers only requests for hosts that are this server's. A page of another
// site can let its name lead to this machine (DNS rebinding), but not change the
// Host header: a name has to be known, and an address to be one of this machine.
type guard struct {
	next     http.Handler
	loopback bool
	hosts    map[string]bool
	origins  map[string]bool
	cross    *http.CrossOriginProtection
	refuse   func(w http.ResponseWriter, code int, message string)
}

func newGuard(next http.Handler, loopback bool, o Options) (*guard, error) {
	g := &guard{next: next, loopback: loopback, hosts: map[string]bool{"localhost": true}, origins: map[string]bool{}, cross: http.NewCrossOriginProtection(), refuse: o.Refuse}
	if g.refuse == nil {
		g.refuse = func(w http.ResponseWriter, code int, message string) { http.Error(w, message, code) }
	}
	for _, name := range o.Hosts {
		if name == "" || strings.ContainsAny(name, ":/ ") {
			return nil, fmt.Errorf("weblisten: host %q: want a name such as models.example.org, without a port", name)
		}
		g.hosts[strings.ToLower(name)] = true
	}
	for _, origin := range o.Origins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != origin {
			return nil, fmt.Errorf("weblisten: origin %q: want a scheme and a host, such as https://example.org", origin)
		}
		if err := g.cross.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("weblisten: origin %q: %w", origin, err)
		}
		g.origins[origin] = true
	}
	return g, nil
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !g.known(r.Host) {
		g.refuse(w, http.StatusMisdirectedRequest, fmt.Sprintf("host %q is not this server's; names that it is to answer to are given when it starts", clip(r.Host)))
		return
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if origin := r.Header.Get("Origin"); g.origins[origin] {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", origin)
		h.Add("Vary", "Origin")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", "GET, POST")
			h.Set("Access-Control-Allow-Headers", "Content-Type, Accept")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	if err := g.cross.Check(r); err != nil {
		g.refuse(w, http.StatusForbidden, "a page of another origin asked; origins that may are given when the server starts")
		return
	}
	g.next.ServeHTTP(w, r)
}

// known says that a Host header names this server.
func (g *guard) known(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), "."))
	if g.hosts[host] {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && (!g.loopback || address.Unmap().IsLoopback())
}

// clip is the start of a text that a client sent.
func clip(text string) string { return text[:min(len(text), 100)] }
