package signaling

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"time"

	"tarasul/signaling/protocol"
	"tarasul/signaling/store"
)

func refuse(code protocol.Code) *protocol.Refusal { return &protocol.Refusal{Code: code} }

func invalid(field string) *protocol.Refusal {
	return &protocol.Refusal{Code: protocol.CodeInvalid, Field: field}
}

func malformed(detail string) *protocol.Refusal {
	return &protocol.Refusal{Code: protocol.CodeMalformed, Detail: detail}
}

func rateLimited(wait time.Duration) *protocol.Refusal {
	return &protocol.Refusal{Code: protocol.CodeRateLimited, RetryAfter: int(max(1, wait.Milliseconds()))}
}

// retryLater is how long a client that meets a busy or stopping server should wait.
const retryLater = 2 * time.Second

func unavailable() *protocol.Refusal {
	return &protocol.Refusal{Code: protocol.CodeUnavailable, RetryAfter: int(retryLater.Milliseconds())}
}

// refusalOf says to a client what err means. What is no refusal is our own fault: the
// client is given a reference, and the log says under it what happened while doing what.
func refusalOf(log *slog.Logger, doing string, err error) *protocol.Refusal {
	if r := refusalIn(err); r != nil {
		return r
	}
	if errors.Is(err, store.ErrBusy) || errors.Is(err, store.ErrClosed) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		log.Warn("request not finished in time", "request", doing)
		return unavailable()
	}
	reference := randomName(4)
	log.Error("request failed", "request", doing, "reference", reference, "error", err)
	return &protocol.Refusal{Code: protocol.CodeInternal, Detail: reference}
}

// refusalIn gives the refusal in err, nil if there is none.
func refusalIn(err error) *protocol.Refusal {
	r, _ := errors.AsType[*protocol.Refusal](err)
	return r
}

// statusOf is the HTTP status that goes with a refusal.
func statusOf(code protocol.Code) int {
	switch code {
	case protocol.CodeUnauthenticated, protocol.CodeWrongPassword:
		return http.StatusUnauthorized
	case protocol.CodeForbidden, protocol.CodePasswordChange:
		return http.StatusForbidden
	case protocol.CodeNotFound:
		return http.StatusNotFound
	case protocol.CodeMalformed, protocol.CodeVersion:
		return http.StatusBadRequest
	case protocol.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case protocol.CodeRateLimited:
		return http.StatusTooManyRequests
	case protocol.CodeUnavailable:
		return http.StatusServiceUnavailable
	case protocol.CodeInternal:
		return http.StatusInternalServerError
	case protocol.CodeInvalid, protocol.CodeWeakPassword:
		return http.StatusUnprocessableEntity
	}
	return http.StatusConflict
}

// retrySeconds is the value of the Retry-After header for a refusal, rounded up.
func retrySeconds(r *protocol.Refusal) int {
	return int(math.Ceil(float64(r.RetryAfter) / 1000))
}

// randomName gives 2n hexadecimal digits that nobody can guess if n is large enough (16).
func randomName(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails; crypto/rand ends the process instead
	return hex.EncodeToString(b)
}
