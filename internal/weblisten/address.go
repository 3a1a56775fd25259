// Package weblisten is how this module listens for HTTP: which addresses a text
// means, which hosts and origins are answered, the timeouts and bounds of
// connections, and a stop that answers what was accepted.
package weblisten

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Address reads where to listen: HOST:PORT, or a port alone, which means this
// machine only, 127.0.0.1. Port 0 is any that is free.
func Address(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if !strings.Contains(text, ":") {
		host, port, err = "", text, nil
	}
	if err != nil {
		return "", fmt.Errorf("weblisten: address %q: want a port such as 8080, or HOST:PORT such as 127.0.0.1:8080", text)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return "", fmt.Errorf("weblisten: address %q: port %q; want a number from 0 to 65535", text, port)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// Loopback says that an address of a listener reaches this machine alone.
func Loopback(a net.Addr) bool {
	address, err := netip.ParseAddrPort(a.String())
	return err == nil && address.Addr().Unmap().IsLoopback()
}
