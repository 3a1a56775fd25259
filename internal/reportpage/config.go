package reportpage

import (
	"fmt"
	"reflect"
	"strings"

	"aegis/internal/session"
)

// options are the configuration, with what differs from the preset.
func (r *left) options() (groups []Group, changed int) {
	if r.config == nil {
		return nil, 0
	}
	now := *r.config
	preset, err := session.NewConfig(now.Model)
	known := err == nil
	preset.Output = preset.LastActivation() // as a run writes it down
	for _, g := range session.ConfigGroups() {
		group := Group{Name: g.Name}
		for _, o := range g.Options {
			option := Option{Key: o.Key, Value: shown(o.At(&now)), Help: o.Help}
			if known {
				option.Preset = shown(o.At(&preset))
				option.Changed = option.Value != option.Preset && !ofData(o.Key)
			}
			if option.Changed {
				changed++
			}
			group.Options = append(group.Options, option)
		}
		groups = append(groups, group)
	}
	return groups, changed
}

// ofData says that data decide an option, and no user.
func ofData(key string) bool { return key == "image" || key == "classes" }

// shown is an option's value in words.
func shown(pointer any) string {
	value := reflect.ValueOf(pointer).Elem()
	text := fmt.Sprint(value.Interface())
	if value.Kind() == reflect.Slice { // as it is written on a command line
		text = strings.ReplaceAll(strings.Trim(text, "[]"), " ", ",")
	}
	if text == "" {
		return "none"
	}
	return text
}

// repeat is how the run is repeated, nil where nothing says it.
func (r *left) repeat() *Repeat {
	if r.configText == "" {
		return nil
	}
	p := &Repeat{Config: r.configText, Program: r.program}
	if s := r.summary; s != nil {
		p.Facts = append(p.Facts, Fact{"Version", "aegis " + s.Version})
		if s.Commit != "" {
			p.Facts = append(p.Facts, Fact{"Commit", s.Commit})
		}
		p.Facts = append(p.Facts, Fact{"Seed", fmt.Sprint(s.Seed)}, Fact{"Computed on", s.Device})
	} else if r.config != nil {
		p.Facts = append(p.Facts, Fact{"Seed", fmt.Sprint(r.config.Seed)})
	}
	return p
}
