package configs

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func load(t *testing.T, content string, environment ...string) (Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tarasul.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path, environment)
	if err == nil {
		err = c.Validate()
	}
	return c, err
}

func TestTheShippedFileIsTheDefaults(t *testing.T) {
	c, err := load(t, string(Shipped))
	if err != nil {
		t.Fatal(err)
	}
	if want := Default(); !reflect.DeepEqual(c, want) {
		t.Errorf("the shipped file differs from the defaults\nfile:\n%s\ndefaults:\n%s", Render(c), Render(want))
	}
}

func TestTheShippedFileHasEveryOption(t *testing.T) {
	var root yaml.Node
	if err := yaml.Unmarshal(Shipped, &root); err != nil {
		t.Fatal(err)
	}
	in := map[string]bool{}
	var walk func(n *yaml.Node, prefix string)
	walk = func(n *yaml.Node, prefix string) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			path := prefix + n.Content[i].Value
			in[path] = true
			if n.Content[i+1].Kind == yaml.MappingNode {
				walk(n.Content[i+1], path+".")
			}
		}
	}
	walk(root.Content[0], "")
	c := Default()
	for _, o := range options(&c) {
		if !in[o.path] {
			t.Errorf("%s is missing", o.path)
		}
	}
}

func TestWhatIsRenderedCanBeLoaded(t *testing.T) {
	want := Default()
	want.Signaling.Origins = []string{"https://a.example", "https://b.example:8443"}
	want.Certificate.Names = []string{"x.example"}
	want.Meeting.Grace = 90 * time.Second
	want.Media.TCP = false
	got, err := load(t, Render(want))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", Render(got), Render(want))
	}
}

func TestALaterSourceWins(t *testing.T) {
	c, err := load(t, "meeting:\n  grace: 90s\n  early: 5m\nsignaling: {origins: [https://a.example]}\n",
		"TARASUL_MEETING_GRACE=2m", "TARASUL_SIGNALING_ORIGINS=https://b.example, https://c.example",
		"TARASUL_URL=of somebody else", "PATH=/bin")
	if err != nil {
		t.Fatal(err)
	}
	if c.Meeting.Grace != 2*time.Minute || c.Meeting.Early != 5*time.Minute {
		t.Errorf("grace %v, early %v", c.Meeting.Grace, c.Meeting.Early)
	}
	if want := []string{"https://b.example", "https://c.example"}; !reflect.DeepEqual(c.Signaling.Origins, want) {
		t.Errorf("origins %q, want %q", c.Signaling.Origins, want)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for _, tc := range []struct {
		name        string
		file        string
		environment string
		want        []string // each in the error
	}{
		{"a misspelt key", "signaling:\n  htpp: localhost:80\n", "", []string{"line 2", "signaling.htpp", "did you mean signaling.http?"}},
		{"a key of another section", "grace: 90s\n", "", []string{"line 1", "did you mean meeting.grace?"}},
		{"a misspelt section", "\nsignalling:\n  http: x\n", "", []string{"line 2", "did you mean signaling?"}},
		{"a key like no other", "meeting:\n  zzzzzzzzzzz: 1\n", "", []string{"line 2", "there is no option meeting.zzzzzzzzzzz"}},
		{"twice", "data: a\ndata: b\n", "", []string{"line 2", "second time", "line 1"}},
		{"no duration", "meeting:\n  grace: soon\n", "", []string{"line 2", `meeting.grace: "soon" is not a duration`}},
		{"no number", "signaling:\n  sockets: many\n", "", []string{"line 2", "a whole number"}},
		{"no list", "signaling:\n  origins: https://a.example\n", "", []string{"line 2", "want a list"}},
		{"a section that is a value", "meeting: 3\n", "", []string{"line 1", "meeting is a section"}},
		{"a value that is a section", "data: {a: b}\n", "", []string{"line 1", "data: want text"}},
		{"a list for a file", "[a, b]\n", "", []string{"line 1", "the file is a section"}},
		{"two documents", "data: a\n---\ndata: b\n", "", []string{"more than one document"}},
		{"no YAML", "data: [\n", "", []string{"yaml"}},
		{"several at once", "dta: a\nmeeting:\n  gracee: 1s\n", "", []string{"line 1", "line 3"}},
		{"a variable like an option", "", "TARASUL_MEETING_GRACEE=1s", []string{"did you mean TARASUL_MEETING_GRACE?"}},
		{"a variable of the wrong kind", "", "TARASUL_MEDIA_TCP=perhaps", []string{"TARASUL_MEDIA_TCP", "true or false"}},
		{"values of several sections", "log: {level: loud}\nsignaling: {audio_slots: 3}\n", "", []string{"log: level", "signaling: audio_slots"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := load(t, tc.file, tc.environment)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in the error:\n%v", want, err)
				}
			}
		})
	}
}

func TestAFileOfCommentsIsTheDefaults(t *testing.T) {
	for _, content := range []string{"", "# nothing\n", "meeting:\n  # grace: 1m\n"} {
		c, err := load(t, content)
		if err != nil {
			t.Errorf("%q: %v", content, err)
		}
		if !reflect.DeepEqual(c, Default()) {
			t.Errorf("%q is not the defaults", content)
		}
	}
}

func TestNamesOfFieldsBecomeNamesOfOptions(t *testing.T) {
	for field, want := range map[string]string{
		"Data": "data", "SessionIdle": "session_idle", "HTTPS": "https", "TCP": "tcp", "HashesAtOnce": "hashes_at_once",
		"MemoryKiB": "memory_kib", "HTTPAddress": "http_address", "RequestsPerSecond": "requests_per_second",
	} {
		if got := snake(field); got != want {
			t.Errorf("%s: %s, want %s", field, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"serve", "user", "config", "version"}
	for word, want := range map[string]string{
		"sevre": "serve", "users": "user", "conf": "config", "confg": "config", "versoin": "version", "x": "", "": "", "completely": "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func FuzzNoFilePanics(f *testing.F) {
	f.Add("data: a\nlog: {level: info}\n")
	f.Add("a: &x [*x]")
	f.Add("meeting:\n  grace: 1m\nsignaling:\n  origins: [a, b]\n")
	f.Add("? {a: b}\n: c")
	f.Fuzz(func(t *testing.T, content string) {
		c := Default()
		if parse(&c, []byte(content)) == nil {
			_ = c.Validate()
		}
	})
}
