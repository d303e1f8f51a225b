// Command gen writes the TypeScript side of the protocol from the registry, so that the
// client cannot drift from the server. A test compares its output with the file.
package main

import (
	"bytes"
	"flag"
	"log"
	"os"

	"tarasul/signaling/protocol"
)

func main() {
	out := flag.String("o", "", "file to write; standard output if empty")
	flag.Parse()
	var b bytes.Buffer
	protocol.WriteTypeScript(&b)
	if *out == "" {
		os.Stdout.Write(b.Bytes())
		return
	}
	if err := os.WriteFile(*out, b.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}
