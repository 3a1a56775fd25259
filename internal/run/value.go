package run

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// assign writes a value of TOML to what a pointer of a setting points to.
func assign(pointer, value any) error {
	at := reflect.ValueOf(pointer).Elem()
	switch p := pointer.(type) {
	case toml.Unmarshaler:
		return p.UnmarshalTOML(value)
	case encoding.TextUnmarshaler:
		if text, ok := asText(value, at.Kind() != reflect.String); ok {
			return p.UnmarshalText([]byte(text))
		}
		return wantValue("text in quotes", value)
	}
	switch at.Kind() {
	case reflect.Bool:
		return assignAs[bool](at, value, "true or false")
	case reflect.String:
		return assignAs[string](at, value, "text in quotes")
	case reflect.Float64:
		if whole, ok := value.(int64); ok {
			value = float64(whole)
		}
		return assignAs[float64](at, value, "a number")
	case reflect.Int:
		if n, ok := value.(int64); ok && int64(int(n)) != n {
			return errors.New("want a whole number, got one that is out of range")
		}
		return assignAs[int64](at, value, "a whole number")
	}
	return assignList(at, value)
}

// asText is text or, where that stands for it, a number.
func asText(value any, number bool) (text string, ok bool) {
	if text, ok = value.(string); ok || !number {
		return text, ok
	}
	switch value.(type) {
	case int64, float64:
		return shown(value), true
	}
	return "", false
}

func assignAs[T any](at reflect.Value, value any, want string) error {
	v, ok := value.(T)
	if !ok {
		return wantValue(want, value)
	}
	at.Set(reflect.ValueOf(v).Convert(at.Type()))
	return nil
}

// assignList writes a list: a slice, or an array of as many values.
func assignList(at reflect.Value, value any) error {
	values, ok := value.([]any)
	if !ok {
		example := `["a", "b"]`
		if at.Type().Elem().Kind() == reflect.Int {
			example = "[3, 7]"
		}
		return wantValue("a list such as "+example, value)
	}
	list := reflect.New(at.Type()).Elem()
	if at.Kind() == reflect.Slice {
		list = reflect.MakeSlice(at.Type(), len(values), len(values))
	} else if list.Len() != len(values) {
		return fmt.Errorf("want a list of %d values, got %d", list.Len(), len(values))
	}
	for i, v := range values {
		if err := assign(list.Index(i).Addr().Interface(), v); err != nil {
			return fmt.Errorf("value %d of the list: %w", i+1, err)
		}
	}
	at.Set(list)
	return nil
}

func wantValue(want string, got any) error { return fmt.Errorf("want %s, got %s", want, shown(got)) }

// shown is a value as a file has it, in a few words.
func shown(value any) string {
	switch v := value.(type) {
	case string:
		return fmt.Sprintf("the text %.80q", v)
	case float64:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(text, ".eIN") {
			text += ".0"
		}
		return text
	case []any:
		return "a list"
	case time.Time:
		return "a date or a time"
	}
	if isTable(value) {
		return "a section"
	}
	return fmt.Sprint(value)
}

// isTable says whether a value of TOML is a table, or a list of tables.
func isTable(value any) bool {
	switch value.(type) {
	case map[string]any, []map[string]any:
		return true
	}
	return false
}
