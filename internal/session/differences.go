package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"aegis/internal/run"
)

// differences compares a configuration with that of the state: refused is what may
// not change, changed what may and did, both in words.
func (e *earlier) differences(now *Config) (refused, changed []string, err error) {
	var was Config
	var keys map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal([]byte(e.config), &was), json.Unmarshal([]byte(e.config), &keys)); err != nil {
		return nil, nil, fmt.Errorf("aegis: resume %s: the configuration in %s: %w", e.from, run.LastFile, err)
	}
	there, err := e.configured()
	if err != nil {
		return nil, nil, err
	}
	for _, o := range configTable() {
		of := &was
		if _, kept := keys[o.Key]; !kept && there != nil && (o.Resume || o.Key == initFromKey) { // a model's file has no paths and no device
			of = there
		}
		a, b := o.At(now), o.At(of)
		if same(a, b) {
			continue
		}
		if o.Resume {
			changed = append(changed, wasOther(o, a, b))
		} else {
			refused = append(refused, hasOther(o, a, b))
		}
	}
	if was.endingSchedule() && was.Schedule == now.Schedule {
		if is, first := now.scheduleEpochs(), was.scheduleEpochs(); is != first {
			refused = append(refused, fmt.Sprintf("epochs %d under the schedule %s, which the run made %d epochs long (schedule_epochs %d keeps it so)", is, now.Schedule, first, first))
		}
	}
	return refused, changed, nil
}

// hasOther says that an option may not be what it is now.
func hasOther(o ConfigOption, now, was any) string {
	return fmt.Sprintf("%s %s, the run has %s", o.Key, shownValue(now), shownValue(was))
}

// wasOther says that an option is another one from here on.
func wasOther(o ConfigOption, now, was any) string {
	return fmt.Sprintf("%s is %s from here on, it was %s", o.Key, shownValue(now), shownValue(was))
}

// programDifferences does so for a program of one's own, whose batch is its own.
func (e *earlier) programDifferences(now *ProgramConfig, course course) (refused, changed []string, err error) {
	var was ProgramConfig
	if err := json.Unmarshal([]byte(e.config), &was); err != nil {
		return nil, nil, fmt.Errorf("aegis: resume %s: the configuration in %s: %w", e.from, run.LastFile, err)
	}
	for _, o := range configTable() {
		if o.program == nil {
			continue
		}
		switch a, b := o.program(now), o.program(&was); {
		case same(a, b):
		case o.Resume:
			changed = append(changed, wasOther(o, a, b))
		default:
			refused = append(refused, hasOther(o, a, b))
		}
	}
	if e.known && e.course.Batch != course.Batch {
		refused = append(refused, fmt.Sprintf("batch %d, the run has %d", course.Batch, e.course.Batch))
	}
	return refused, changed, nil
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
