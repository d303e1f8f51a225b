package signaling

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"
)

// asset is one file of the client and what is known of it before anyone asks.
type asset struct {
	kind      string // Content-Type
	etag      string
	immutable bool // its name has a hash of its content
	body      []byte
	encoded   []encoding // the same file compressed, the best first
}

// encoding is a compressed form of an asset that lies beside it in the files.
type encoding struct {
	name string // as in Accept-Encoding
	etag string
	body []byte
}

// client serves the embedded browser client. The files are read once.
type client struct {
	assets map[string]asset // by path, without the leading slash
}

// hashed matches what the bundler calls a file whose name changes with its content.
var hashed = regexp.MustCompile(`^assets/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9.]+$`)

// kinds are the types that must not depend on the tables of the machine.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".ico": "image/x-icon",
	".js": "text/javascript; charset=utf-8", ".json": "application/json", ".mjs": "text/javascript; charset=utf-8",
	".png": "image/png", ".svg": "image/svg+xml", ".ttf": "font/ttf", ".txt": "text/plain; charset=utf-8",
	".wasm": "application/wasm", ".webmanifest": "application/manifest+json", ".woff": "font/woff", ".woff2": "font/woff2",
}

func newClient(files fs.FS) (*client, error) {
	c := &client{assets: map[string]asset{}}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, ".br") || strings.HasSuffix(name, ".gz") {
			return err
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		a := asset{kind: kindOf(name), etag: etagOf(body), immutable: hashed.MatchString(name), body: body}
		for _, e := range []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}} {
			if body, err := fs.ReadFile(files, name+e.suffix); err == nil {
				a.encoded = append(a.encoded, encoding{e.name, etagOf(body), body})
			}
		}
		c.assets[name] = a
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the client's files: %w", err)
	}
	if _, ok := c.assets["index.html"]; !ok {
		return nil, fmt.Errorf("read the client's files: no index.html")
	}
	return c, nil
}

func kindOf(name string) string {
	ext := path.Ext(name)
	if k, ok := kinds[ext]; ok {
		return k
	}
	if k := mime.TypeByExtension(ext); k != "" {
		return k
	}
	return "application/octet-stream"
}

func etagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
}

// ServeHTTP serves a file, or index.html for a path that the page itself interprets (one
// without an extension).
func (c *client) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	a, ok := c.assets[name]
	if !ok {
		if path.Ext(name) != "" {
			http.NotFound(w, r)
			return
		}
		a = c.assets["index.html"]
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "no-cache") // kept, but asked for each time whether it still holds
	if a.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body, etag := a.body, a.etag
	if len(a.encoded) > 0 {
		h.Add("Vary", "Accept-Encoding")
		for _, e := range a.encoded {
			if accepts(r, e.name) {
				h.Set("Content-Encoding", e.name)
				body, etag = e.body, e.etag
				break
			}
		}
	}
	h.Set("ETag", etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// accepts reports whether the client takes the encoding (RFC 9110 section 12.5.3); one
// that is offered with q=0 it does not.
func accepts(r *http.Request, name string) bool {
	for offer := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, parameters, _ := strings.Cut(offer, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), name) {
			continue
		}
		q := strings.ReplaceAll(parameters, " ", "")
		return q != "q=0" && !strings.HasPrefix(q, "q=0.0")
	}
	return false
}
