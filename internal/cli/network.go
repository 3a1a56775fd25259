package cli

import (
	"slices"

	"aegis"
)

// Network is the options of a network as flags of another command than train.
type Network struct {
	given []given
}

// NetworkFlag is one of them.
type NetworkFlag struct {
	Name, Help string
	Switch     bool // it needs no value

	option  option
	network *Network
}

// Flags returns those by which a network is described: not how it is trained.
func (n *Network) Flags() []*NetworkFlag {
	described := []string{"Network", "Variational networks", "Adversarial networks", "Regularisation"}
	beside := []string{"loss"}
	var flags []*NetworkFlag
	for _, g := range groups() {
		for _, o := range g.options {
			if o.name != "" && (slices.Contains(described, g.name) || slices.Contains(beside, o.key)) {
				flags = append(flags, &NetworkFlag{o.name, o.help + orNone(o), isSwitch(o.at(new(call))), o, n})
			}
		}
	}
	return flags
}

// Config is the configuration that the flags describe.
func (n *Network) Config() (aegis.Config, error) {
	c, err := bend(n.given, nil)
	if err != nil {
		return aegis.Config{}, err
	}
	return c.config, nil
}

// Set takes the value of a command line.
func (f *NetworkFlag) Set(text string) error {
	f.network.given = append(f.network.given, given{f.option, text})
	return f.option.set(new(call), text)
}

// String is the default, which the help does not show.
func (f *NetworkFlag) String() string { return "" }

// Type says what a value is.
func (f *NetworkFlag) Type() string {
	if f.Switch {
		return "bool"
	}
	return f.option.value
}
