package identity

import (
	"crypto/rand"
	_ "embed"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"tarasul/signaling/protocol"
)

// MinPasswordRunes is the least length of a password that a person chooses.
const MinPasswordRunes = 12

//go:embed common.txt
var commonWords string

// checkPassword refuses what is guessed first: what is short, the login with a little
// around it, a well-known password with digits and signs around it, a few characters over
// and over. It asks for no kinds of characters: length is what counts (NIST SP 800-63B).
// CodeWeakPassword with field as its Field, never with the password.
func checkPassword(password, login, field string) error {
	weak := &protocol.Refusal{Code: protocol.CodeWeakPassword, Field: field}
	if len(password) > maxPasswordBytes || !utf8.ValidString(password) {
		return weak
	}
	password = norm.NFKC.String(password)
	distinct := map[rune]bool{}
	for _, r := range password {
		if unicode.IsControl(r) {
			return weak
		}
		distinct[r] = true
	}
	if utf8.RuneCountInString(password) < MinPasswordRunes || len(distinct) < 5 {
		return weak
	}
	folded := cases.Fold().String(password)
	if login != "" && utf8.RuneCountInString(strings.ReplaceAll(folded, login, "")) < MinPasswordRunes/2 {
		return weak
	}
	for _, word := range strings.Fields(commonWords) {
		if folded == word || letters(folded) == word {
			return weak
		}
		// Half of it is the word, over and over perhaps: passwordpassword, 2026welcome2026.
		if rest := strings.ReplaceAll(folded, word, ""); utf8.RuneCountInString(rest) < MinPasswordRunes/2 && len(rest) < len(folded) &&
			utf8.RuneCountInString(word) >= 5 {
			return weak
		}
	}
	return nil
}

// letters is what is left of a password when the signs that stand for letters are read as
// letters and all other signs and digits are taken away: "P@ssw0rd-2026" is "password".
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if i := strings.IndexRune("@4031$57", r); i >= 0 {
			return rune("aaoeisst"[i])
		}
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, strings.TrimFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && r != '@' && r != '$' }))
}

// choosePassword makes a first password: 16 characters, 79 bits, of letters and digits
// that are not mistaken for each other when read over the telephone.
func choosePassword() string {
	const alphabet = "abcdefghjkmnpqrstuvwxyz23456789" // 31
	var out []byte
	for len(out) < 19 {
		if len(out)%5 == 4 {
			out = append(out, '-')
			continue
		}
		var b [1]byte
		rand.Read(b[:])
		if int(b[0]) < len(alphabet)*(256/len(alphabet)) { // else some would come more often
			out = append(out, alphabet[int(b[0])%len(alphabet)])
		}
	}
	return string(out)
}
