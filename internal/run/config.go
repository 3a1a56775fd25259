package run

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"aegis/internal/advice"
)

// Setting is a key of the configuration and its value: for reading a pointer
// to it.
type Setting struct {
	Key   string
	Value any
}

// EncodeConfig returns settings as TOML, a line each, in their order.
func EncodeConfig(settings []Setting) ([]byte, error) {
	var text bytes.Buffer
	e := toml.NewEncoder(&text)
	for _, s := range settings {
		if err := e.Encode(map[string]any{s.Key: s.Value}); err != nil {
			return nil, fmt.Errorf("run: %s: %w", ConfigFile, err)
		}
	}
	return text.Bytes(), nil
}

// Config is TOML that was read, once: it may come through a pipe.
type Config struct {
	path   string
	values []written
}

// written is a value as it stands in a file.
type written struct {
	key   string // with underscores, as settings have it
	name  string // as it is written, maybe with dashes
	value any
}

// What no configuration has: the parser's time and memory grow with the square
// of the depth of what it reads.
const (
	largestConfig = 64 << 10 // bytes
	mostNested    = 256      // brackets, braces; four times as many dots
)

// ReadConfig reads a file of TOML. Words of a key may be joined by dashes in
// place of underscores.
func ReadConfig(path string) (*Config, error) {
	c := &Config{path: path}
	text, err := readConfig(path)
	if err == nil {
		err = c.decode(string(text))
	}
	if err != nil {
		return nil, fmt.Errorf("run: read %s: %w", path, err)
	}
	return c, nil
}

func (c *Config) decode(text string) error {
	var values map[string]any
	meta, err := toml.Decode(text, &values)
	if err != nil {
		return err
	}
	for _, key := range meta.Keys() { // in their order; of a dotted one the first word alone is a key
		w := written{strings.ReplaceAll(key[0], "-", "_"), key[0], values[key[0]]}
		switch at := c.find(w.key); {
		case at == nil:
			c.values = append(c.values, w)
		case at.name != w.name:
			return fmt.Errorf("%s and %s are the same key; want one of them", at.name, w.name)
		}
	}
	return nil
}

// find returns what is written of a key, nil where nothing is.
func (c *Config) find(key string) *written {
	i := slices.IndexFunc(c.values, func(w written) bool { return w.key == key })
	if i < 0 {
		return nil
	}
	return &c.values[i]
}

func readConfig(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer func() { _ = file.Close() }() // it was read only
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("it is a directory; want the %s in it", ConfigFile)
	}
	text, err := io.ReadAll(io.LimitReader(file, largestConfig+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > largestConfig:
		return nil, fmt.Errorf("more than %d bytes; want a configuration", largestConfig)
	}
	for mark, most := range map[string]int{"[": mostNested, "{": mostNested, ".": 4 * mostNested} {
		if n := bytes.Count(text, []byte(mark)); n > most {
			return nil, fmt.Errorf("%d times %s; want a configuration, which has at most %d", n, mark, most)
		}
	}
	return text, nil
}

// Has tells whether a key is there.
func (c *Config) Has(key string) bool { return c.find(key) != nil }

// UnknownKeyError says that a file has a key that no setting has.
type UnknownKeyError struct {
	Key  string // as it is written
	Near string // the setting that was probably meant; "": none
}

func (e *UnknownKeyError) Error() string {
	text := "unknown key " + toml.Key{e.Key}.String()
	if e.Near != "" {
		text += "; want perhaps " + e.Near
	}
	return text
}

// Into writes what was read to what the settings point to. A key that no
// setting has is an error, a *[UnknownKeyError].
func (c *Config) Into(settings []Setting) error {
	for _, w := range c.values {
		if err := w.into(settings); err != nil {
			return fmt.Errorf("run: read %s: %w", c.path, err)
		}
	}
	return nil
}

func (w *written) into(settings []Setting) error {
	var known []string
	for _, s := range settings {
		if s.Key != w.key {
			known = append(known, s.Key)
			continue
		}
		if err := assign(s.Value, w.value); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		return nil
	}
	if isTable(w.value) {
		return fmt.Errorf("[%s] is a section; want every key by itself, in no section", toml.Key{w.name})
	}
	return &UnknownKeyError{w.name, advice.Nearest(w.name, known)}
}
