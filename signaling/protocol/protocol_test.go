package protocol

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestTheTypeScriptIsWhatTheGeneratorWrites(t *testing.T) {
	var want bytes.Buffer
	WriteTypeScript(&want)
	got, err := os.ReadFile("../../web/src/protocol.gen.ts")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("web/src/protocol.gen.ts is not what the registry says; run: go generate ./signaling/protocol")
	}
}

func TestTheDocumentSpeaksOfEverything(t *testing.T) {
	document, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	says := func(what, text string) {
		t.Helper()
		if !strings.Contains(string(document), text) {
			t.Errorf("PROTOCOL.md does not mention the %s %s", what, text)
		}
	}
	name := func(body any) string { return "`" + reflect.TypeOf(body).Name() + "`" }
	for _, r := range Requests() {
		says("request", "| `"+r.Type+"` | "+name(r.Body)+" | "+name(r.Reply)+" |")
	}
	for _, e := range Events() {
		says("event", "| `"+e.Type+"` | "+name(e.Body)+" |")
	}
	for _, c := range Codes() {
		says("code", "`"+string(c)+"`")
	}
}

func TestEveryTypeIsRegisteredOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Requests() {
		if seen[r.Type] {
			t.Errorf("request %s is registered twice", r.Type)
		}
		seen[r.Type] = true
	}
	seen = map[string]bool{}
	for _, e := range Events() {
		if seen[e.Type] {
			t.Errorf("event %s is registered twice", e.Type)
		}
		seen[e.Type] = true
	}
	codes := map[Code]bool{}
	for _, c := range Codes() {
		if c == "" || codes[c] {
			t.Errorf("code %q is empty or listed twice", c)
		}
		codes[c] = true
	}
}

// Every field needs a name on the wire: one without would be capitalised, and one that is
// not exported would vanish.
func TestEveryFieldHasItsNameOnTheWire(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var check func(reflect.Type)
	check = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			check(typ.Elem())
			return
		case reflect.Struct:
		default:
			return
		}
		if seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			f := typ.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !f.IsExported() || name == "" || name != strings.ToLower(name) {
				t.Errorf("%s.%s has no proper name on the wire", typ.Name(), f.Name)
			}
			check(f.Type)
		}
	}
	check(reflect.TypeFor[Envelope]())
	for _, r := range Requests() {
		check(reflect.TypeOf(r.Body))
		check(reflect.TypeOf(r.Reply))
	}
	for _, e := range Events() {
		check(reflect.TypeOf(e.Body))
	}
}

// What a client sends must not be able to become anything but data on another client.
func FuzzNoRequestBodyPanics(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[]`, `"x"`, `{"__proto__":{"a":1},"meeting":"m"}`, `{"tiles":[{"width":1e400}]}`, `{"sends":{"__proto__":"camera"}}`,
		strings.Repeat(`{"a":`, 2000), `{"thread":{"meeting":{}}}`, `{"starts":9223372036854775808}`, "{\"text\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, r := range Requests() {
			body := reflect.New(reflect.TypeOf(r.Body))
			if json.Unmarshal(raw, body.Interface()) != nil {
				continue
			}
			if _, err := json.Marshal(body.Interface()); err != nil {
				t.Errorf("%s: a body that was read cannot be written: %v", r.Type, err)
			}
		}
	})
}
