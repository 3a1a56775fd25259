package session

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"aegis/internal/run"
)

// Seed is the seed of every random number.
type Seed uint64

// MarshalTOML writes it as the signed integer of the same bits, since TOML has
// no other: a seed of 2⁶⁴−1 is −1.
func (s Seed) MarshalTOML() ([]byte, error) { return strconv.AppendInt(nil, int64(s), 10), nil }

// UnmarshalTOML reads what MarshalTOML writes.
func (s *Seed) UnmarshalTOML(value any) error {
	n, ok := value.(int64)
	if !ok {
		return fmt.Errorf("aegis: seed %v; want a whole number", value)
	}
	*s = Seed(n)
	return nil
}

// Path is a path of the file system. Such a one may hold any bytes, and text
// only UTF-8: as text it is in double quotes, with escapes as in Go, where it
// could not be read back otherwise.
type Path string

// MarshalText writes the path, quoted where it must be.
func (p Path) MarshalText() ([]byte, error) {
	if utf8.ValidString(string(p)) && !strings.HasPrefix(string(p), `"`) {
		return []byte(p), nil
	}
	return strconv.AppendQuoteToASCII(nil, string(p)), nil
}

// UnmarshalText reads what MarshalText writes.
func (p *Path) UnmarshalText(text []byte) error {
	if !strings.HasPrefix(string(text), `"`) {
		*p = Path(text)
		return nil
	}
	s, err := strconv.Unquote(string(text))
	if err != nil {
		return fmt.Errorf("aegis: path %s; want it quoted as in Go: %w", text, err)
	}
	*p = Path(s)
	return nil
}

// LoadConfig reads the config.toml that a run left.
func LoadConfig(path string) (Config, error) {
	c, err := NewConfig("fc12")
	if err != nil {
		return Config{}, err
	}
	c.Hidden = nil // a file without hidden layers says so
	if err := run.ReadConfig(path, &c); err != nil {
		return Config{}, &ConfigError{err}
	}
	return c, c.Validate()
}
