// Package web holds the browser client as it was built, so that the server is one file.
//
// It knows nothing of HTTP. The client's sources are in src; `npm run build` writes
// dist/app, which is not committed; dist/index.html is, so that the server builds
// without Node and says in the page what is missing.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files is the built client, with index.html at its root. Before the client was built it
// is the placeholder page alone, and Built is false.
func Files() (files fs.FS, built bool) {
	sub := "dist"
	if _, err := fs.Stat(dist, "dist/app/index.html"); err == nil {
		sub, built = "dist/app", true
	}
	files, err := fs.Sub(dist, sub)
	if err != nil {
		panic(err) // only an invalid path gives one, and both are valid
	}
	return files, built
}
