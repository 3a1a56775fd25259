package session

import (
	"encoding/json"

	"aegis/internal/run"
	"aegis/model"
)

// ConfigOption is a value of a configuration that a user can set: in
// config.toml, and where it has a help by a command too.
type ConfigOption struct {
	Key    string // in config.toml, and in a model file's metadata unless it is Local
	Value  string // what stands for a value in the help, such as rows
	Help   string // empty: it is set in a file only
	Flag   string // of a command, where that is not the key's name
	Resume bool   // may change when a run is resumed
	None   bool   // the word none takes it away: of text that may be empty
	Local  bool   // of this run and machine alone: a model file does not keep it

	At func(*Config) any // a pointer to its value, which says how it is parsed

	spec    bool                     // a file has to have it, unless its model is a preset
	program func(*ProgramConfig) any // nil: a program of one's own says it, or has none
}

// ConfigGroup is options that belong together.
type ConfigGroup struct {
	Name    string
	Options []ConfigOption
}

// ConfigGroups is the one table of a configuration's options: config.toml is
// written and read by it, and commands have their flags and help from it.
func ConfigGroups() []ConfigGroup {
	return []ConfigGroup{
		{"Network", networkOptions()},
		{"Training", trainingOptions()},
		{"Variational networks", variationalOptions()},
		{"Adversarial networks", adversarialOptions()},
		{"Regularisation", regularOptions()},
		{"Data", dataOptions()},
		{"How files are read", readingOptions()},
		{"Device", deviceOptions()},
	}
}

// configTable returns the options of all groups.
func configTable() []ConfigOption {
	var all []ConfigOption
	for _, g := range ConfigGroups() {
		all = append(all, g.Options...)
	}
	return all
}

// Setting is a key of a configuration's file, and a pointer to its value.
type Setting = run.Setting

// settings returns what config.toml has of a configuration, in the table's order.
func (c *Config) settings() []run.Setting {
	var all []run.Setting
	for _, o := range configTable() {
		all = append(all, run.Setting{Key: o.Key, Value: o.At(c)})
	}
	return all
}

// modelConfig is a configuration as a model file keeps it: without what is
// Local, so that runs which differ in nothing else leave the same bytes.
type modelConfig struct{ config any }

// MarshalJSON writes the keys in the order of their names.
func (m modelConfig) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal(m.config)
	if err != nil {
		return nil, err
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		return nil, err
	}
	for _, o := range configTable() {
		if o.Local {
			delete(keys, o.Key)
		}
	}
	return json.Marshal(keys)
}

// initFromKey is that of the model that training starts from.
const initFromKey = "init_from"

// scheduleKey is that of the learning rate's schedule, which can be written in
// several ways.
const scheduleKey = "schedule"

// epochsKey is that of the number of epochs.
const epochsKey = "epochs"

// programKey is in the config.toml of a program of one's own: its name.
const programKey = "program"

// settings returns what config.toml has of a program's configuration.
func (c *ProgramConfig) settings() []run.Setting {
	var all []run.Setting
	for _, o := range configTable() {
		if o.program != nil {
			all = append(all, run.Setting{Key: o.Key, Value: o.program(c)})
		}
	}
	return all
}

// Presets returns the names of the networks that have one, the default first.
func Presets() []string {
	var names []string
	for _, s := range model.Presets() {
		names = append(names, s.Model)
	}
	return names
}
