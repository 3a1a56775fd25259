package session

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"aegis/data"
	"aegis/internal/run"
	"aegis/model"
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
		return fmt.Errorf("want a whole number, got %v", value)
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

// LoadConfig reads a config.toml. What it does not set is as in the preset
// that its key model names, or in the default one where it names none. A key
// that only a command knows, such as out, is an error.
func LoadConfig(path string) (Config, error) {
	c, err := ReadConfig(path, "", nil)
	var unknown *run.UnknownKeyError
	if errors.As(err, &unknown) && unknown.Near == "" {
		err = configErrorf("%w; want a key of a configuration: what a command alone knows, such as out, is none", err)
	}
	if err != nil {
		return Config{}, err
	}
	return c, c.Validate()
}

// ReadConfig reads a config.toml over a preset, "" for the one that the file
// names, with keys of a command's own beside those of a configuration. What it
// reads may yet be bent, and is not validated.
func ReadConfig(path, preset string, beside []Setting) (Config, error) {
	file, err := run.ReadConfig(path)
	if err != nil {
		return Config{}, &ConfigError{err}
	}
	if file.Has(programKey) {
		return Config{}, configErrorf("aegis: read %s: the configuration of a program of one's own, not of a network; want TrainProgram to repeat it", path)
	}
	var named Config
	if err := file.Into(slices.Concat(named.settings(), beside)); err != nil {
		return Config{}, &ConfigError{err}
	}
	c, err := presetOf(file, path, preset, named.Model)
	if err != nil {
		return Config{}, err
	}
	if err := file.Into(slices.Concat(c.settings(), beside)); err != nil {
		return Config{}, &ConfigError{err}
	}
	if preset != "" {
		c.Model = preset
	}
	c.takeAway()
	c.Settle(file.Has)
	return c, c.checkInit(path)
}

// presetOf is what a file bends: the preset that is asked for, else the one
// that the file names, else the default one.
func presetOf(file *run.Config, path, asked, named string) (Config, error) {
	if asked != "" && named != "" && asked != named && file.Has("family") {
		return Config{}, configErrorf("aegis: %s says all of a network, %s: as model %s only its name would be another; want a file with the keys alone that differ from the preset", path, named, asked)
	}
	c, err := NewConfig(cmp.Or(asked, named, Presets()[0]))
	if err == nil {
		return c, nil
	}
	// A network of a program's own: all of it is in the file.
	if missing := missingKeys(file); len(missing) > 0 {
		return Config{}, configErrorf("aegis: read %s: %w; or, for a network of your own, every key: %s not there", path, err, strings.Join(missing, ", "))
	}
	return Config{Seed: 1, Device: DeviceAuto}, nil
}

// takeAway makes the word none nothing at all, where an option has it.
func (c *Config) takeAway() {
	for _, o := range configTable() {
		if at := reflect.ValueOf(o.At(c)).Elem(); o.None && at.String() == "none" {
			at.SetString("")
		}
	}
}

// checkInit tells the two keys apart whose names are alike.
func (c Config) checkInit(path string) error {
	if c.Init == model.InitTorch || c.Init == model.InitGlorot {
		return nil
	}
	return configErrorf("aegis: read %s: init %q is how parameters are drawn, %s or %s; want perhaps init_from, a run whose parameters are the first", path, c.Init, model.InitTorch, model.InitGlorot)
}

// LoadRunConfig reads the config.toml that a run left. What is wrong with it is
// no *[ConfigError]: nobody configured anything.
func LoadRunConfig(path string) (Config, error) {
	c, err := LoadConfig(path)
	switch {
	case errors.As(err, new(*run.UnknownKeyError)): // which somebody wrote there
		err = OfRun(err)
	case err != nil:
		err = fmt.Errorf("aegis: a run left %s: %w; restore it, or take it away and name the data", path, OfRun(err))
	}
	return c, err
}

// OfRun makes an error of what a run left of one of a configuration, which wraps
// no *[ConfigError].
func OfRun(err error) error {
	var wrong *ConfigError
	if !errors.As(err, &wrong) {
		return err
	}
	return &runError{err.Error(), OfRun(wrong.Err)}
}

type runError struct {
	text  string
	cause error
}

func (e *runError) Error() string { return e.text }
func (e *runError) Unwrap() error { return e.cause }

// missingKeys returns those that a network of a program's own has to have and
// that are not in a file.
func missingKeys(file *run.Config) (missing []string) {
	for _, o := range configTable() {
		if o.spec && !file.Has(o.Key) {
			missing = append(missing, o.Key)
		}
	}
	return missing
}

// WriteConfig writes a configuration as config.toml has it, every key of it.
func WriteConfig(w io.Writer, c Config) error {
	c, err := c.forFile()
	if err != nil {
		return err
	}
	text, err := run.EncodeConfig(c.settings())
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// forFile returns the configuration as config.toml has it: nothing in it hangs
// on a preset or on the working directory.
func (c Config) forFile() (Config, error) {
	for _, widths := range []*[]int{&c.Hidden, &c.Discriminator} {
		if *widths == nil {
			*widths = []int{} // TOML has no nil
		}
	}
	for _, names := range []*[]string{&c.Columns, &c.Drop} {
		if *names == nil {
			*names = []string{}
		}
	}
	paths := []*Path{&c.InitFrom}
	if !data.IsName(string(c.Data)) {
		paths = append(paths, &c.Data)
	}
	for _, p := range paths {
		if *p == "" {
			continue
		}
		whole, err := filepath.Abs(string(*p))
		if err != nil {
			return c, fmt.Errorf("aegis: path %s: %w", *p, err)
		}
		*p = Path(whole)
	}
	return c, nil
}
