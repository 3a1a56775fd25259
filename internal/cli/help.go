package cli

import (
	"bufio"
	"fmt"
	"io"
	"reflect"
	"strings"

	"aegis"
)

// writeHelp prints every option that has a flag, by groups.
func writeHelp(w io.Writer, name string) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "usage: %s [flags]\n\nTrains an autoencoder and writes a run directory. A preset has the hyper-parameters\nof its source; a file and any flag bend it. Such a file is TOML with a line for each\noption, as latent = 16 for --latent 16; a run leaves its own, config.toml.\n", name)
	presets, err := presetCalls()
	if err != nil {
		return err
	}
	for _, g := range groups() {
		fmt.Fprintf(b, "\n%s:\n", g.name)
		for _, o := range g.options {
			if o.name == "" {
				continue
			}
			fmt.Fprintf(b, "  %s\n\t%s%s\n", strings.TrimSpace("--"+o.name+" "+o.value), o.help+orNone(o), shownDefault(o, presets))
		}
	}
	return b.Flush()
}

// orNone says that an option can be taken away.
func orNone(o option) string {
	if o.none {
		return "; or none"
	}
	return ""
}

// presetCalls returns a command line of each preset with nothing bent.
func presetCalls() ([]*call, error) {
	var all []*call
	for _, preset := range aegis.Presets() {
		config, err := aegis.NewConfig(preset)
		if err != nil {
			return nil, err
		}
		all = append(all, &call{config: config})
	}
	return all, nil
}

// shownDefault returns what an option is where it is not given, for the help:
// "" where that is nothing, or each preset's own.
func shownDefault(o option, presets []*call) string {
	value := func(c *call) reflect.Value { return reflect.ValueOf(o.at(c)).Elem() }
	first := value(presets[0])
	if first.IsZero() {
		return ""
	}
	for _, p := range presets[1:] {
		if o.name != "model" && !reflect.DeepEqual(value(p).Interface(), first.Interface()) {
			return ""
		}
	}
	return fmt.Sprintf(" (default %v)", first.Interface())
}
