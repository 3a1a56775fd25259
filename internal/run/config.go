package run

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

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
	meta   toml.MetaData
	values map[string]toml.Primitive
}

// What no configuration has: the parser's time and memory grow with the square
// of the depth of what it reads.
const (
	largestConfig = 64 << 10 // bytes
	mostNested    = 256      // brackets, braces; four times as many dots
)

// ReadConfig reads a file of TOML.
func ReadConfig(path string) (*Config, error) {
	c := &Config{path: path}
	text, err := readConfig(path)
	if err == nil {
		c.meta, err = toml.Decode(string(text), &c.values)
	}
	if err != nil {
		return nil, fmt.Errorf("run: read %s: %w", path, err)
	}
	return c, nil
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
func (c *Config) Has(key string) bool { return c.meta.IsDefined(key) }

// Into writes what was read to what the settings point to. A key that no
// setting has is an error.
func (c *Config) Into(settings []Setting) error {
	var known []string
	for _, s := range settings {
		known = append(known, s.Key)
		value, there := c.values[s.Key]
		if !there {
			continue
		}
		if err := c.meta.PrimitiveDecode(value, s.Value); err != nil {
			return fmt.Errorf("run: read %s: %w", c.path, err)
		}
	}
	for _, key := range c.meta.Keys() {
		if slices.Contains(known, key[0]) {
			continue
		}
		if near := advice.Nearest(key[0], known); near != "" && len(key) == 1 {
			return fmt.Errorf("run: read %s: unknown key %s; want perhaps %s", c.path, key, near)
		}
		return fmt.Errorf("run: read %s: unknown key %s", c.path, key)
	}
	return nil
}
