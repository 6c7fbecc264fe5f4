package sts

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/aws/smithy-go"
)

// A CallError reports a call that AWS refused, or that did not get there.
type CallError struct {
	Step        Step
	AccessKeyID string // what it was signed with
	Code        string // AWS's error code; "" where AWS did not answer
	Message     string
	RequestID   string
	Host        string        // that was asked
	Skew        time.Duration // by how much our clock is ahead of AWS's, if known
	Err         error         // why there was no answer

	status int // of the answer, 0 where there was none
}

func (e *CallError) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Step.Action))
	switch {
	case e.Step.RoleARN != "":
		fmt.Fprintf(&b, " %q", e.Step.RoleARN)
	case e.Step.SSORole != "":
		fmt.Fprintf(&b, " %q in account %s", e.Step.SSORole, e.Step.SSOAccount)
	}
	if e.Code != "" {
		fmt.Fprintf(&b, ": %s", e.Code)
	}
	if message := strings.TrimRight(e.Message, " ."); message != "" {
		fmt.Fprintf(&b, ": %s", message)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request id %s)", e.RequestID)
	}
	return b.String()
}

func (e *CallError) Unwrap() error { return e.Err }

// WrongMFACode reports whether AWS refused the MFA code itself.
func (e *CallError) WrongMFACode() bool {
	return e.Code == "AccessDenied" && strings.Contains(e.Message, "MultiFactorAuthentication failed")
}

// ClockOff reports whether AWS refused the call for our clock.
func (e *CallError) ClockOff() bool {
	return strings.Contains(e.Message, "Signature expired") || strings.Contains(e.Message, "Signature not yet current") || e.Code == "RequestTimeTooSkewed"
}

// wrongDevice reports whether AWS takes no code at all of the MFA device.
func (e *CallError) wrongDevice() bool {
	return e.WrongMFACode() && strings.Contains(e.Message, "serial")
}

// spentCode reports whether the MFA code of a call that ended with err may be
// used up: not where AWS was not reached, or did not get as far as the code.
func spentCode(err error) bool {
	var e *CallError
	if !errors.As(err, &e) {
		return err == nil
	}
	var dial *net.OpError
	switch {
	case e.status >= 500, e.Code == "Throttling", e.Code == "RequestLimitExceeded", e.ClockOff(), e.sourceGone(), e.Code == "SignatureDoesNotMatch":
		return false
	case errors.As(e.Err, &dial):
		return dial.Op != "dial" && dial.Op != "proxyconnect"
	}
	return true
}

// tooLong reports whether the role does not allow the duration.
func (e *CallError) tooLong() bool {
	return e.Code == "ValidationError" && strings.Contains(e.Message, "DurationSeconds exceeds")
}

// sourceGone reports whether what the call was signed with is no longer valid.
func (e *CallError) sourceGone() bool {
	return e.Code == "ExpiredToken" || e.Code == "ExpiredTokenException" || e.Code == "InvalidClientTokenId"
}

// tokenGone reports whether Identity Center no longer takes the access token
// (IAM Identity Center Portal API Reference, "Errors").
func (e *CallError) tokenGone() bool {
	return e.Step.Action == SSORoleCredentials && e.Code == "UnauthorizedException"
}

// failure returns what the SDK reports of a call as an error of ours.
func failure(err error, w *wire, s Step, with Credentials, code string) error {
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	e := &CallError{Step: s, AccessKeyID: with.AccessKeyID, Host: w.host, Skew: w.ahead, status: w.status}
	var request interface{ ServiceRequestID() string }
	if errors.As(err, &request) {
		e.RequestID = request.ServiceRequestID()
	}
	var api smithy.APIError
	switch {
	// The SDK calls it UnknownError where there is no code.
	case errors.As(err, &api) && api.ErrorCode() != "UnknownError":
		e.Code, e.Message = api.ErrorCode(), api.ErrorMessage()
	case errors.Is(err, errNoCredentials):
		e.Message = errNoCredentials.Error()
	case w.status != 0:
		e.Message = fmt.Sprintf("%s answered HTTP %d, and not as AWS does", w.host, w.status)
	default:
		e.Message, e.Err = unreachable(err, w.host), err
	}
	// What others say may repeat what was sent, and goes to a terminal.
	e.Code, e.RequestID = printable(e.Code), printable(e.RequestID)
	e.Message = conceal(printable(e.Message), with.SecretAccessKey.Reveal(), with.SessionToken.Reveal(), code)
	return e
}

// unreachable says in a few words why host did not answer.
func unreachable(err error, host string) string {
	var dns *net.DNSError
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	var u *url.Error
	var why string
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		why = "the name is not known"
	case errors.As(err, &dns):
		why = "the name cannot be looked up"
	case errors.As(err, &cert):
		why = cert.Err.Error()
	case errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err) || errors.As(err, &op) && op.Timeout():
		why = "no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		why = "the connection broke"
	case errors.As(err, &op) && op.Op == "proxyconnect":
		why = "the proxy: " + op.Err.Error()
	case errors.As(err, &op):
		why = op.Err.Error()
	case errors.As(err, &u):
		why = u.Err.Error()
	default:
		// The SDK could not even make a request.
		_, why, _ = strings.Cut(err.Error(), "Invalid Configuration: ")
		if why == "" {
			why = err.Error()
		}
	}
	if host == "" {
		return why
	}
	return fmt.Sprintf("cannot reach %s: %s", host, why)
}

// printable returns text on one line, without control characters.
func printable(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
}

// conceal returns text without the secrets. One of digits is one only where it
// stands by itself: an account number may contain it.
func conceal(text string, secrets ...string) string {
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		digits := strings.Trim(secret, "0123456789") == ""
		for at := 0; ; {
			i := strings.Index(text[at:], secret)
			if i < 0 {
				break
			}
			at += i
			end := at + len(secret)
			if digits && (at > 0 && isDigit(text[at-1]) || end < len(text) && isDigit(text[end])) {
				at++
				continue
			}
			text = text[:at] + "[secret]" + text[end:]
			at += len("[secret]")
		}
	}
	return text
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
