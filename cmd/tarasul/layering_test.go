package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// lines are the layers of DESIGN.md, the top first. A package imports only from lines
// below its own. A pattern ends in /* for every package below a directory. A new package
// needs a line.
var lines = [][]string{
	{"cmd/*", "signaling/protocol/gen"},
	{"configs"},
	{"signaling/admin", "signaling/metrics"},
	{"signaling"},
	{"loadtest"},
	{"loadtest/bot", "loadtest/relay"},
	{"loadtest/*"},
	{"signaling/meeting", "signaling/chat", "signaling/correspondence", "signaling/archive", "signaling/trace"},
	{"signaling/audit"},
	{"signaling/identity"},
	{"signaling/protocol", "signaling/store", "signaling/cluster", "signaling/certificate", "web"},
	{"sfu/record", "sfu/relay", "sfu/sfutest"},
	{"sfu"},
	{"sfu/history"},
	{"sfu/packet", "sfu/layers", "sfu/allocate", "sfu/transport"},
	{"sfu/payload", "sfu/rewrite", "sfu/estimate", "sfu/speaker", "sfu/egress"},
	{"sfu/udp"},
}

// never are imports that the lines would let through, with the reason.
var never = []struct{ from, to, why string }{
	{"loadtest", "sfu", "the load tester knows the protocol only"},
	{"loadtest/*", "sfu", "the load tester knows the protocol only"},
	{"loadtest", "sfu/*", "the load tester knows the protocol only"},
	{"loadtest/*", "sfu/*", "the load tester knows the protocol only"},
	{"cmd/loadtest", "sfu", "the load tester knows the protocol only"},
	{"cmd/loadtest", "sfu/*", "the load tester knows the protocol only"},
	{"sfu", "signaling/*", "the core knows nobody"},
}

// doors are the only packages that may import a library (or what is below it); those in
// tests may be more.
var doors = []struct {
	library string
	code    []string
	tests   []string
}{
	{"modernc.org/sqlite", []string{"signaling/store"}, nil},
	{"github.com/prometheus", []string{"signaling/metrics"}, nil},
	{"github.com/redis", []string{"signaling/cluster"}, nil},
	{"github.com/gorilla/websocket", []string{"signaling", "loadtest", "loadtest/*"}, nil},
	{"github.com/pion/webrtc", []string{"loadtest", "loadtest/*", "sfu/sfutest"}, []string{"*"}},
	{"github.com/pion/dtls", []string{"sfu/transport", "loadtest/*"}, []string{"loadtest"}},
	{"github.com/pion/sdp", []string{"sfu/transport", "loadtest/*"}, []string{"loadtest"}},
	{"github.com/pion/ice", []string{"sfu/transport", "loadtest/*"}, []string{"loadtest"}},
	{"github.com/pion/stun", []string{"sfu/transport", "loadtest", "loadtest/*"}, nil},
	{"go.yaml.in/yaml", []string{"configs"}, nil},
}

// forTests are packages that every test may import, wherever they lie.
var forTests = []string{"sfu/sfutest"}

const module = "tarasul"

func matches(pattern, pkg string) bool {
	if below, ok := strings.CutSuffix(pattern, "/*"); ok {
		return strings.HasPrefix(pkg, below+"/")
	}
	return pattern == pkg || pattern == "*"
}

// lineOf gives a package's layer, -1 if it has none. A line that names it wins over a
// pattern.
func lineOf(pkg string) int {
	for i, line := range lines {
		if slices.Contains(line, pkg) {
			return i
		}
	}
	for i, line := range lines {
		if slices.ContainsFunc(line, func(pattern string) bool { return matches(pattern, pkg) }) {
			return i
		}
	}
	return -1
}

// imported is one import of one file.
type imported struct {
	file, from, to string
	test           bool
}

// imports reads the import clauses of every file in the module. The files are parsed here,
// because go test would cache the result of a tool that it does not see reading them.
func imports(t *testing.T) []imported {
	t.Helper()
	root := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	var all []imported
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && file != root && (name == "node_modules" || name == "testdata" || strings.HasPrefix(name, ".") && name != "..") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		from := path.Dir(filepath.ToSlash(relative))
		for _, spec := range parsed.Imports {
			all = append(all, imported{relative, from, strings.Trim(spec.Path.Value, `"`), strings.HasSuffix(file, "_test.go")})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("only %d imports were found", len(all))
	}
	return all
}

func TestPackagesImportOnlyFromBelow(t *testing.T) {
	for _, i := range imports(t) {
		to, ours := strings.CutPrefix(i.to, module+"/")
		if !ours || to == i.from {
			continue
		}
		from, below := lineOf(i.from), lineOf(to)
		switch {
		case from < 0:
			t.Errorf("%s: package %s has no line in this test; give it one", i.file, i.from)
		case below < 0:
			t.Errorf("%s: package %s has no line in this test; give it one", i.file, to)
		case i.test && slices.Contains(forTests, to):
		case from >= below:
			t.Errorf("%s: %s must not import %s, which is not below it", i.file, i.from, to)
		}
		for _, n := range never {
			if matches(n.from, i.from) && matches(n.to, to) {
				t.Errorf("%s: %s must not import %s: %s", i.file, i.from, to, n.why)
			}
		}
	}
}

func TestLibrariesAreImportedThroughTheirDoors(t *testing.T) {
	for _, i := range imports(t) {
		for _, door := range doors {
			if i.to != door.library && !strings.HasPrefix(i.to, door.library+"/") {
				continue
			}
			may := func(patterns []string) bool {
				return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, i.from) })
			}
			if !may(door.code) && (!i.test || !may(door.tests)) {
				t.Errorf("%s: only %s may import %s", i.file, strings.Join(door.code, ", "), door.library)
			}
		}
	}
}

func TestTheLayeringKnowsItsPatterns(t *testing.T) {
	for pkg, line := range map[string]string{
		"cmd/tarasul": "cmd/*", "signaling/protocol/gen": "cmd/*", "loadtest": "loadtest", "loadtest/bot": "loadtest/bot",
		"loadtest/synth": "loadtest/*", "sfu": "sfu", "sfu/udp": "sfu/udp",
	} {
		if i := lineOf(pkg); i < 0 || !slices.Contains(lines[i], line) {
			t.Errorf("%s is on line %d", pkg, i)
		}
	}
	if lineOf("nowhere") >= 0 {
		t.Error("a package that is nowhere has a line")
	}
}
