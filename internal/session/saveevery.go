package session

import (
	"fmt"
	"strconv"
	"time"
)

// SaveEvery is how often a run writes a checkpoint, also within an epoch: after so
// many steps, or so much time. Without one it is at epochs' ends. As text it is
// 500 or 30s.
type SaveEvery struct {
	Steps int64
	Time  time.Duration
}

// IsZero says that there is none.
func (e SaveEvery) IsZero() bool { return e == SaveEvery{} }

func (e SaveEvery) check() error {
	if e.Steps < 0 || e.Time < 0 || e.Steps > 0 && e.Time > 0 {
		return configErrorf("aegis: save every %d steps and %v; want one of them, above 0, or none", e.Steps, e.Time)
	}
	return nil
}

func (e SaveEvery) String() string {
	switch {
	case e.Steps > 0:
		return strconv.FormatInt(e.Steps, 10)
	case e.Time > 0:
		return e.Time.String()
	}
	return ""
}

// Set reads what String writes, for package flag.
func (e *SaveEvery) Set(text string) error {
	if text == "" {
		*e = SaveEvery{}
		return nil
	}
	steps, errSteps := strconv.ParseInt(text, 10, 64)
	if errSteps == nil && steps > 0 {
		*e = SaveEvery{Steps: steps}
		return nil
	}
	took, errTime := time.ParseDuration(text)
	if errSteps != nil && errTime == nil && took > 0 {
		*e = SaveEvery{Time: took}
		return nil
	}
	return fmt.Errorf("want steps such as 500 or a time such as 30s, above 0, got %q", text)
}

// MarshalText writes what Set reads.
func (e SaveEvery) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (e *SaveEvery) UnmarshalText(text []byte) error { return e.Set(string(text)) }

// UnmarshalTOML reads a number of steps as a number too.
func (e *SaveEvery) UnmarshalTOML(value any) error {
	switch v := value.(type) {
	case int64:
		return e.Set(strconv.FormatInt(v, 10))
	case string:
		return e.Set(v)
	}
	return fmt.Errorf("want steps such as 500 or a time such as \"30s\", got %v", value)
}

// due says whether a checkpoint is, at a step and so long after the one of another
// step.
func (e SaveEvery) due(step, last int64, since time.Duration) bool {
	if e.Steps > 0 {
		return step/e.Steps > last/e.Steps
	}
	return e.Time > 0 && since >= e.Time
}
