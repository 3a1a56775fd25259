package cli

import (
	"cmp"
	"slices"
	"strings"

	"aegis"
	"aegis/internal/session"
)

// option is something that a user can set, by a flag, in a file or both.
type option struct {
	name  string // of the flag; "": in a file only
	key   string // in config.toml; "": the command's own
	value string // what stands for a value in the help, such as rows; "": a switch has none
	help  string
	none  bool // the word none takes it away

	at func(*call) any // a pointer to its value, which says how it is parsed
}

// call is a command line, parsed.
type call struct {
	config aegis.Config

	file                                               string // --config
	out                                                string
	tries, jobs                                        int    // 0: one run
	resume                                             string // --resume
	watch                                              string // --watch
	force, quiet, json, summary, plan, doctor, version bool
}

// group is a part of the help.
type group struct {
	name    string
	options []option
}

// groups is the table of options by which flags and help are read: that of a
// configuration, and the command's own.
func groups() []group {
	var all []group
	for _, g := range session.ConfigGroups() {
		all = append(all, group{g.Name, configOptions(g)})
	}
	all[0].options = slices.Insert(all[0].options, 1, fileOption())
	return append(all, group{"Run", runOptions()}, group{"Information", informationOptions()})
}

// options returns those of all groups.
func options() []option {
	var all []option
	for _, g := range groups() {
		all = append(all, g.options...)
	}
	return all
}

// configOptions returns a group of a configuration's options. The flag of a key
// has its name, with dashes, unless it has another one.
func configOptions(g session.ConfigGroup) []option {
	var all []option
	for _, o := range g.Options {
		name := ""
		if o.Help != "" {
			name = cmp.Or(o.Flag, strings.ReplaceAll(o.Key, "_", "-"))
		}
		all = append(all, option{
			name: name, key: o.Key, value: o.Value, help: o.Help, none: o.None, at: func(c *call) any { return o.At(&c.config) },
		})
	}
	return all
}

// fileOption is in the first group, behind the preset in whose place it is.
func fileOption() option {
	return option{
		name: "config", value: "file.toml", at: func(c *call) any { return &c.file },
		help: "read options from a file, a key each: a run's config.toml, which repeats it, or one of your own; flags bend it",
	}
}

func runOptions() []option {
	return []option{
		{
			name: "out", value: "directory", at: func(c *call) any { return &c.out },
			help: "run directory (default runs/<model>-<time>)",
		},
		{
			name: "tries", value: "number", at: func(c *call) any { return &c.tries },
			help: "train so many runs, of --seed and the seeds after it, into seed-1, seed-2, … of --out, and print a table with median and range; 0: one run",
		},
		{
			name: "jobs", value: "number", at: func(c *call) any { return &c.jobs },
			help: "runs of --tries that train side by side, on one thread each unless --threads says how many",
		},
		{name: "force", at: func(c *call) any { return &c.force }, help: "replace the run, or the tries, that --out holds"},
		{
			name: "resume", value: "run|auto", at: func(c *call) any { return &c.resume },
			help: "go on with a run from its last checkpoint, under its own config.toml; or auto: with that in --out if it has one, else start; of --tries each by itself",
		},
		{
			name: "watch", value: "port", at: func(c *call) any { return &c.watch },
			help: "show the run in the browser while it trains: curves, reconstructions, codes; a port of this machine alone, or host:port",
		},
		{name: "quiet", at: func(c *call) any { return &c.quiet }, help: "print errors only"},
		{
			name: "json", at: func(c *call) any { return &c.json },
			help: "print the lines of metrics.jsonl on stdout; with --doctor, print what it says as JSON",
		},
	}
}

func informationOptions() []option {
	return []option{
		{
			name: "summary", at: func(c *call) any { return &c.summary },
			help: "print layers, shapes, parameters, FLOPs and memory, and exit",
		},
		{
			name: "plan", at: func(c *call) any { return &c.plan },
			help: "print the plan that the CPU VM trains by, and exit",
		},
		{
			name: "doctor", at: func(c *call) any { return &c.doctor },
			help: "print what this machine has, where CUDA was looked for and what auto takes, and exit",
		},
		{
			name: "version", at: func(c *call) any { return &c.version },
			help: "print version, commit and Go version, and exit",
		},
	}
}
