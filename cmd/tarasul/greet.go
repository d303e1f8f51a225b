package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"tarasul/signaling"
	"tarasul/signaling/protocol"
	"tarasul/web"
)

// greet tells the operator what they need to begin: the accounts of a demonstration, or
// the link that makes the first administrator; whom browsers must trust; what is missing.
func (c console) greet(ctx context.Context, h *house, parts signaling.Parts, urls []string) error {
	if parts.Demo != nil {
		demonstration(c.out, parts.Demo, urls[0])
	} else {
		token, wanted, err := h.directory.NewEnrolment(ctx)
		if err != nil {
			return err
		}
		if wanted {
			fmt.Fprintf(c.out, "\nThere is no administrator yet. Whoever opens this link first becomes one; it works once:\n\n  %s/enrol?token=%s\n\n",
				urls[0], token)
		}
	}
	if s := parts.Secure; s != nil && s.Authority() != nil {
		fmt.Fprintf(c.out, "\nThe certificate is from this server's own authority. Browsers on other machines must be told to trust it:\n"+
			"  %s/ca.crt\n  SHA-256 %s\n\n", secureURL(urls), s.Fingerprint())
	}
	if parts.Secure != nil {
		if left := time.Until(parts.Secure.Expires()); left < 30*24*time.Hour {
			fmt.Fprintf(c.out, "The certificate ends in %d days.\n", int(left.Hours()/24))
		}
	}
	if _, built := web.Files(); !built {
		fmt.Fprintln(c.out, "The browser client was not built into this binary; its pages say so. Build both with: make build")
	}
	return nil
}

// secureURL gives the first address that others can use.
func secureURL(urls []string) string {
	best := urls[0]
	for _, u := range urls {
		if strings.HasPrefix(u, "https:") {
			best = u
			if !strings.Contains(u, "//localhost") {
				return u
			}
		}
	}
	return best
}

// demonstration prints the accounts so that nobody takes this server for a real one.
func demonstration(w io.Writer, accounts []protocol.DemoAccount, url string) {
	const title = "D E M O N S T R A T I O N"
	line := strings.Repeat("=", 78)
	fmt.Fprintf(w, "\n%s\n%*s\n%s\n", line, (len(line)+len(title))/2, title, line)
	fmt.Fprintf(w, "An invented ministry. Everyone who reaches this server can read these passwords:\nnever keep anything real in it.\n\n")
	table := tabwriter.NewWriter(w, 2, 0, 3, ' ', 0)
	fmt.Fprintln(table, "  LOGIN\tPASSWORD\tNAME\tTITLE\tUNIT\tROLE")
	for _, a := range accounts {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\t%s\n", a.Login, a.Password, latin(a.Name), latin(a.Title), latin(a.Unit), a.Role)
	}
	table.Flush()
	fmt.Fprintf(w, "\nOpen %s in two windows and sign in as two of them.\n%s\n\n", url, line)
}

// latin gives a text for a console, which may not know how to set Arabic: English if
// there is any.
func latin(m protocol.Multilingual) string {
	for _, text := range []string{m.En, m.Fr, m.Ar} {
		if text = printable(text); text != "" {
			return text
		}
	}
	return ""
}

// printable leaves out what could steer a terminal.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return -1
	}, text)
}
