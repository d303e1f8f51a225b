package signaling

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"tarasul/web"
)

var testFiles = fstest.MapFS{
	"index.html":                        {Data: []byte("<!doctype html>the page")},
	"assets/app-Ab3dE6gH.js":            {Data: []byte("plain script")},
	"assets/app-Ab3dE6gH.js.br":         {Data: []byte("brotli")},
	"assets/app-Ab3dE6gH.js.gz":         {Data: []byte("gzip")},
	"favicon.svg":                       {Data: []byte("<svg/>")},
	"assets/plex-arabic-x1y2z3w4.woff2": {Data: []byte("font")},
}

func TestTheClientIsServed(t *testing.T) {
	files, err := newClient(testFiles)
	if err != nil {
		t.Fatal(err)
	}
	const forever, ask = "public, max-age=31536000, immutable", "no-cache"
	for _, tc := range []struct {
		path, accept string
		status       int
		body, kind   string
		encoding     string
		caching      string
	}{
		{"/", "", 200, "the page", "text/html; charset=utf-8", "", ask},
		{"/index.html", "", 200, "the page", "text/html; charset=utf-8", "", ask},
		{"/meetings/m7", "", 200, "the page", "text/html; charset=utf-8", "", ask},
		{"/favicon.svg", "", 200, "<svg/>", "image/svg+xml", "", ask},
		{"/assets/app-Ab3dE6gH.js", "", 200, "plain script", "text/javascript; charset=utf-8", "", forever},
		{"/assets/app-Ab3dE6gH.js", "gzip, deflate, br", 200, "brotli", "text/javascript; charset=utf-8", "br", forever},
		{"/assets/app-Ab3dE6gH.js", "gzip", 200, "gzip", "text/javascript; charset=utf-8", "gzip", forever},
		{"/assets/app-Ab3dE6gH.js", "br;q=0, gzip;q=0.5", 200, "gzip", "text/javascript; charset=utf-8", "gzip", forever},
		{"/assets/app-Ab3dE6gH.js", "br; q=0.0", 200, "plain script", "text/javascript; charset=utf-8", "", forever},
		{"/assets/plex-arabic-x1y2z3w4.woff2", "br", 200, "font", "font/woff2", "", forever},
		{"/assets/gone-Ab3dE6gH.js", "", 404, "", "", "", ""},
		{"/assets/app-Ab3dE6gH.js.br", "", 404, "", "", "", ""},
		{"/../../etc/passwd.txt", "", 404, "", "", "", ""},
	} {
		t.Run(tc.path+" "+tc.accept, func(t *testing.T) {
			r := httptest.NewRequest("GET", "http://localhost/", nil)
			r.URL.Path = tc.path
			if tc.accept != "" {
				r.Header.Set("Accept-Encoding", tc.accept)
			}
			w := httptest.NewRecorder()
			files.ServeHTTP(w, r)
			got := w.Result()
			body, _ := io.ReadAll(got.Body)
			if got.StatusCode != tc.status {
				t.Fatalf("status %d, want %d", got.StatusCode, tc.status)
			}
			if tc.status != 200 {
				return
			}
			if !strings.HasSuffix(string(body), tc.body) {
				t.Errorf("body %q, want %q", body, tc.body)
			}
			for header, want := range map[string]string{"Content-Type": tc.kind, "Content-Encoding": tc.encoding, "Cache-Control": tc.caching} {
				if got := got.Header.Get(header); got != want {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
			etag := got.Header.Get("ETag")
			if !strings.HasPrefix(etag, `"`) {
				t.Fatalf("no strong ETag: %q", etag)
			}
			r.Header.Set("If-None-Match", etag)
			w = httptest.NewRecorder()
			files.ServeHTTP(w, r)
			if w.Code != http.StatusNotModified {
				t.Errorf("asked with the ETag: %d, want 304", w.Code)
			}
		})
	}
}

func TestTheClientIsOnlyRead(t *testing.T) {
	files, err := newClient(testFiles)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	files.ServeHTTP(w, httptest.NewRequest("POST", "http://localhost/", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestWhatIsEmbeddedCanBeServed(t *testing.T) {
	embedded, _ := web.Files()
	if _, err := newClient(embedded); err != nil {
		t.Error(err)
	}
	if _, err := newClient(fstest.MapFS{}); err == nil {
		t.Error("a client without index.html is taken")
	}
}
