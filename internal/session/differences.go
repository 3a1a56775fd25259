package session

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"aegis/internal/run"
	"aegis/model/optim"
)

// differences are those of a configuration from that of the state.
type differences struct {
	refused []string // what may not change, in words
	changed []change // what may and did
	others  []string // what else is other from here on, in words
	scaled  bool     // the same rows are as they were: else they may be as the model has them that the run started from
}

// change is an option that has another value than it had.
type change struct {
	option   ConfigOption
	now, was string
}

// notes say what is other from here on.
func (d differences) notes() (notes []string) {
	for _, c := range d.changed {
		notes = append(notes, fmt.Sprintf("%s is %s from here on, it was %s", c.option.Key, c.now, c.was))
	}
	return append(notes, d.others...)
}

// unused adds to why nothing is left to train what would have been other, beside
// what shows in no parameter and the number of epochs.
func (d differences) unused() string {
	var unused []string
	for _, c := range d.changed {
		if !c.option.Local && c.option.Key != epochsKey {
			unused = append(unused, c.option.Key+" "+c.now)
		}
	}
	if unused == nil {
		return ""
	}
	return "; not used: " + strings.Join(unused, ", ")
}

// add takes in what an option is now and was, pointers to it.
func (d *differences) add(o ConfigOption, now, was any) {
	switch {
	case same(now, was):
	case o.Resume:
		d.changed = append(d.changed, change{o, shownValue(now), shownValue(was)})
	default:
		d.refused = append(d.refused, fmt.Sprintf("%s %s, the run has %s", o.Key, shownValue(now), shownValue(was)))
	}
}

// differences compares a configuration, fitted to its data, with that of the state.
func (e *earlier) differences(now *Config) (d differences, err error) {
	var was Config
	var keys map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal([]byte(e.config), &was), json.Unmarshal([]byte(e.config), &keys)); err != nil {
		return d, fmt.Errorf("aegis: resume %s: the configuration in %s: %w", e.from, run.LastFile, err)
	}
	there, err := e.configured()
	if err != nil {
		return d, err
	}
	for _, o := range configTable() {
		of := &was
		if _, kept := keys[o.Key]; !kept && o.Local { // config.toml alone has it
			if of = there; of == nil {
				continue
			}
		}
		if o.Key != scheduleKey || !sameSchedule(now.Schedule, of.Schedule) {
			d.add(o, o.At(now), o.At(of))
		}
	}
	if was.endingSchedule() && now.endingSchedule() {
		if is, first := now.scheduleEpochs(), was.scheduleEpochs(); is != first {
			d.refused = append(d.refused, fmt.Sprintf("%d epochs of the schedule %s, which the run made %d epochs long (schedule_epochs %d keeps it so)", is, now.Schedule, first, first))
		}
	}
	d.refused = append(d.refused, reads(now, &was)...)
	d.scaled = there != nil || reflect.DeepEqual(now.Scaling, was.Scaling)
	return d, nil
}

// sameSchedule says that two schedules are one, however they are written.
func sameSchedule(a, b string) bool {
	one, errA := optim.ParseSchedule(cmp.Or(a, optim.Constant))
	two, errB := optim.ParseSchedule(cmp.Or(b, optim.Constant))
	return errA == nil && errB == nil && one == two
}

// reads says what the network reads of rows that is not what it read: values are
// the same, and their names are not. Older versions kept none.
func reads(now, was *Config) (refused []string) {
	if names := was.Form.Columns; names != nil && !slices.Equal(now.Form.Columns, names) {
		refused = append(refused, fmt.Sprintf("columns %.200q, the run has %.200q", now.Form.Columns, names))
	}
	if names := was.Form.Classes; now.Condition != "" && names != nil && !slices.Equal(now.Form.Classes, names) {
		refused = append(refused, fmt.Sprintf("classes %.200q, the run has %.200q", now.Form.Classes, names))
	}
	return refused
}

// programDifferences does so for a program of one's own, whose batch is its own.
func (e *earlier) programDifferences(now *ProgramConfig, course course) (d differences, err error) {
	var was ProgramConfig
	var keys map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal([]byte(e.config), &was), json.Unmarshal([]byte(e.config), &keys)); err != nil {
		return d, fmt.Errorf("aegis: resume %s: the configuration in %s: %w", e.from, run.LastFile, err)
	}
	for _, o := range configTable() {
		if _, kept := keys[o.Key]; o.program != nil && (kept || !o.Local) {
			d.add(o, o.program(now), o.program(&was))
		}
	}
	if e.known && e.course.Batch != course.Batch {
		d.refused = append(d.refused, fmt.Sprintf("batch %d, the run has %d", course.Batch, e.course.Batch))
	}
	if is, first := course.Optimizers, e.course.Optimizers; first != nil && !slices.Equal(is, first) {
		d.others = append(d.others, fmt.Sprintf("optimizers are %s from here on, they were %s", strings.Join(is, ", "), strings.Join(first, ", ")))
	}
	d.scaled = true
	return d, nil
}

// configured is the run's config.toml, nil where there is none.
func (e *earlier) configured() (*Config, error) {
	path := filepath.Join(e.from, run.ConfigFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	c, err := LoadRunConfig(path)
	if err != nil {
		return nil, err
	}
	file, err := c.forFile()
	return &file, err
}

// same compares two values of an option, pointers to them; a list that is nil has
// no names.
func same(a, b any) bool {
	x, y := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	if x.Kind() == reflect.Slice && x.Len() == 0 && y.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(x.Interface(), y.Interface()) || shownValue(a) == shownValue(b)
}

// shownValue is an option's value in words.
func shownValue(pointer any) string {
	text := fmt.Sprint(reflect.ValueOf(pointer).Elem().Interface())
	if text == "" || text == "[]" {
		return "none"
	}
	return text
}
