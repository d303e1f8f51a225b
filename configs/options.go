package configs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// option is one value of a Config: where it is in a file ("meeting.grace") and where it
// is kept.
type option struct {
	path  string
	value reflect.Value
}

// options lists every value of c in order.
func options(c *Config) []option {
	var out []option
	var walk func(v reflect.Value, prefix string)
	walk = func(v reflect.Value, prefix string) {
		for i := range v.NumField() {
			path := prefix + snake(v.Type().Field(i).Name)
			if f := v.Field(i); f.Kind() == reflect.Struct {
				walk(f, path+".")
			} else {
				out = append(out, option{path, f})
			}
		}
	}
	walk(reflect.ValueOf(c).Elem(), "")
	return out
}

// snake turns the name of a field into that of an option: SessionIdle is session_idle,
// HTTPS is https, MemoryKiB is memory_kib.
func snake(name string) string {
	name = strings.ReplaceAll(name, "KiB", "Kib")
	var b strings.Builder
	letters := []rune(name)
	for i, c := range letters {
		startsWord := i > 0 && unicode.IsUpper(c) &&
			(!unicode.IsUpper(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1]))
		if startsWord {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// kind says in words what an option wants.
func (o option) kind() string {
	switch o.value.Interface().(type) {
	case time.Duration:
		return "a duration such as 90s, 15m or 12h"
	case bool:
		return "true or false"
	case []string:
		return "a list"
	case string:
		return "text"
	}
	return "a whole number"
}

// set takes a value from its text, as the environment gives it; lists are separated by
// commas.
func (o option) set(text string) error {
	wrong := fmt.Errorf("%s: %q is not %s", o.path, text, o.kind())
	switch at := o.value.Addr().Interface().(type) {
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return wrong
		}
		*at = d
	case *bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return wrong
		}
		*at = b
	case *string:
		*at = text
	case *[]string:
		*at = nil
		for item := range strings.SplitSeq(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				*at = append(*at, item)
			}
		}
	default:
		return o.setNumber(text, wrong)
	}
	return nil
}

func (o option) setNumber(text string, wrong error) error {
	if o.value.CanUint() {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil || o.value.OverflowUint(n) {
			return wrong
		}
		o.value.SetUint(n)
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || o.value.OverflowInt(n) {
		return wrong
	}
	o.value.SetInt(n)
	return nil
}

// text writes a value as a file has it.
func (o option) text() string {
	switch v := o.value.Interface().(type) {
	case time.Duration:
		return duration(v)
	case string:
		return quoted(v)
	case []string:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = quoted(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	default:
		return fmt.Sprint(v)
	}
}

// duration writes whole units only: 12h, not 12h0m0s.
func duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// quoted writes text as YAML would have to have it; JSON strings are YAML too.
func quoted(s string) string {
	plain := s != "" && !strings.ContainsAny(s, " :#'\"[]{},&*!|>%@`") && s != "true" && s != "false" && s != "off" && s != "on"
	if _, err := strconv.ParseFloat(s, 64); plain && err != nil {
		return s
	}
	b, err := json.Marshal(s)
	if err != nil {
		return strconv.Quote(s)
	}
	return string(b)
}

// parse reads YAML over c. A key that does not exist, a second one of the same name, or a
// value of the wrong kind is named with its line; all are reported at once.
func parse(c *Config, content []byte) error {
	var root yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	if err := decoder.Decode(&root); errors.Is(err, io.EOF) {
		return nil // nothing but comments
	} else if err != nil {
		return err
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("more than one document")
	}
	p := &parser{values: map[string]option{}, sections: map[string]bool{}}
	for _, o := range options(c) {
		p.values[o.path] = o
		for at := strings.LastIndexByte(o.path, '.'); at > 0; at = strings.LastIndexByte(o.path[:at], '.') {
			p.sections[o.path[:at]] = true
		}
	}
	p.mapping(root.Content[0], "")
	return errors.Join(p.faults...)
}

type parser struct {
	values   map[string]option
	sections map[string]bool
	faults   []error
}

func (p *parser) fault(at *yaml.Node, format string, args ...any) {
	p.faults = append(p.faults, fmt.Errorf("line %d: "+format, append([]any{at.Line}, args...)...))
}

func (p *parser) mapping(node *yaml.Node, prefix string) {
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return // a section whose options are all commented out
	}
	if node.Kind != yaml.MappingNode {
		p.fault(node, "%s is a section: options go below it, indented", orFile(strings.TrimSuffix(prefix, ".")))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		path := prefix + key.Value
		if line, twice := seen[key.Value]; twice {
			p.fault(key, "%s is set a second time, first on line %d", path, line)
			continue
		}
		seen[key.Value] = key.Line
		if o, ok := p.values[path]; ok {
			p.value(o, value)
		} else if p.sections[path] {
			p.mapping(value, path+".")
		} else {
			p.fault(key, "there is no option %s%s", path, p.suggest(path, prefix))
		}
	}
}

func orFile(section string) string {
	if section == "" {
		return "the file"
	}
	return section
}

// suggest names the option that was most likely meant: one of the same section, or one
// whose last part is the same.
func (p *parser) suggest(path, prefix string) string {
	var near []string
	name := path[len(prefix):]
	for have := range p.values {
		if strings.HasPrefix(have, prefix) {
			near = append(near, have)
		}
		if strings.HasSuffix(have, "."+name) {
			return "; did you mean " + have + "?"
		}
	}
	for have := range p.sections {
		if strings.HasPrefix(have, prefix) {
			near = append(near, have)
		}
	}
	if best := Nearest(path, near); best != "" {
		return "; did you mean " + best + "?"
	}
	return ""
}

func (p *parser) value(o option, node *yaml.Node) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if list, ok := o.value.Addr().Interface().(*[]string); ok {
		var items []string
		if node.Kind != yaml.SequenceNode || node.Decode(&items) != nil {
			p.fault(node, "%s: want a list, such as [a, b]", o.path)
			return
		}
		if len(items) == 0 {
			items = nil
		}
		*list = items
		return
	}
	if node.Kind != yaml.ScalarNode || node.Tag == "!!null" {
		p.fault(node, "%s: want %s", o.path, o.kind())
		return
	}
	if err := o.set(node.Value); err != nil {
		p.fault(node, "%w", err)
	}
}

// environmentPrefix begins the name of every variable: TARASUL_MEETING_GRACE sets
// meeting.grace.
const environmentPrefix = "TARASUL_"

// fromEnvironment reads variables over c. A variable that begins like a section but names
// no option of it is a mistake; others that begin with the prefix belong to somebody else.
func fromEnvironment(c *Config, environment []string) error {
	names := map[string]option{}
	var known, sections []string
	for _, o := range options(c) {
		name := environmentPrefix + strings.ToUpper(strings.ReplaceAll(o.path, ".", "_"))
		names[name] = o
		known = append(known, name)
		if section, _, nested := strings.Cut(o.path, "."); nested {
			sections = append(sections, environmentPrefix+strings.ToUpper(section)+"_")
		}
	}
	var faults []error
	for _, pair := range environment {
		name, value, _ := strings.Cut(pair, "=")
		if o, ok := names[name]; ok {
			if err := o.set(value); err != nil {
				faults = append(faults, fmt.Errorf("environment variable %s: %w", name, err))
			}
			continue
		}
		for _, section := range sections {
			if strings.HasPrefix(name, section) {
				fault := fmt.Errorf("there is no option for the environment variable %s", name)
				if best := Nearest(name, known); best != "" {
					fault = fmt.Errorf("%w; did you mean %s?", fault, best)
				}
				faults = append(faults, fault)
				break
			}
		}
	}
	return errors.Join(faults...)
}

// Nearest gives the candidate that a mistyped word was most likely meant to be, empty if
// none is near: at most about a third of its letters differ.
func Nearest(word string, candidates []string) string {
	best, least := "", (len(word)+2)/3+1
	for _, c := range candidates {
		if d := distance(word, c); d < least || d == least && best != "" && c < best {
			best, least = c, d
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with their neighbour that
// lead from a to b (Damerau-Levenshtein, optimal string alignment).
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	rows := make([][]int, len(s)+1)
	for i := range rows {
		rows[i] = make([]int, len(t)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(s); i++ {
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(s)][len(t)]
}
