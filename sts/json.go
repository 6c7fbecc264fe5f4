package sts

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/shellvault/vault/keystore"
)

// A Request is one call of a service that speaks JSON and wants no signature.
type Request struct {
	Step   Step // for what; its action names the call
	Method string
	URL    string
	Header map[string]string
	Body   any // nil for none

	Secrets []keystore.Secret // in header and body: no error repeats them
	Once    bool              // what it shows is spent by the first answer
}

// JSON makes a call and reads its answer into a value, nil for none. It is made
// up to three times where AWS asks to go slower, or is not reached. The error
// is a *CallError, whose Code is an error of OAuth (RFC 6749, section 5.2)
// where AWS answers with one.
func (c *AWS) JSON(ctx context.Context, r Request, into any) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	var body []byte
	if r.Body != nil {
		if body, err = json.Marshal(r.Body); err != nil {
			return err
		}
		defer clear(body)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for try := 1; ; try++ {
		err := c.jsonOnce(ctx, client, r, body, into)
		var refused *CallError
		if err == nil || !errors.As(err, &refused) || try == jsonAttempts || !refused.passing() || r.Once && refused.Code != tooMany {
			return err
		}
		pause := time.NewTimer(jitter(try, refused.Code == tooMany))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return err
		}
	}
}

const (
	jsonAttempts = 3
	tooMany      = "TooManyRequestsException"
)

// passing reports whether the same call may go well in a moment.
func (e *CallError) passing() bool {
	return e.Code == tooMany || e.status >= 500 || e.Err != nil && !errors.Is(e.Err, context.DeadlineExceeded) && hopeless(e.Err) != 0
}

func (c *AWS) jsonOnce(ctx context.Context, client *http.Client, r Request, body []byte, into any) error {
	request, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(body))
	if err != nil {
		return errNotURL(r.URL)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("User-Agent", "vault")
	for name, value := range r.Header {
		request.Header.Set(name, value)
	}
	w := &wire{client: client, now: c.Now}
	answer, err := w.Do(request)
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	e := &CallError{Step: r.Step, Host: w.host, Skew: w.ahead, status: w.status}
	switch {
	case err != nil:
		e.Message, e.Err = unreachable(err, w.host), err
	case answer.StatusCode/100 != 2:
		e.read(answer)
	case into == nil:
		return nil
	case json.NewDecoder(answer.Body).Decode(into) != nil:
		e.Message = w.host + " answered something else than AWS does"
	default:
		return nil
	}
	secrets := make([]string, len(r.Secrets))
	for i, s := range r.Secrets {
		secrets[i] = s.Reveal()
	}
	e.Code, e.RequestID = conceal(printable(e.Code), secrets...), printable(e.RequestID)
	e.Message = conceal(printable(e.Message), secrets...)
	return e
}

// read takes what an answer says of an error (Smithy, "AWS restJson1
// protocol", "Operation error serialization").
func (e *CallError) read(answer *http.Response) {
	var said struct {
		OAuth       string `json:"error"`
		Description string `json:"error_description"`
		Type        string `json:"__type"`
		Code        string
		Message     string
	}
	_ = json.NewDecoder(answer.Body).Decode(&said) // what is no JSON says nothing
	kind, _, _ := strings.Cut(cmp.Or(answer.Header.Get("X-Amzn-Errortype"), said.Type, said.Code), ":")
	kind = kind[strings.LastIndexByte(kind, '#')+1:]
	e.Code, e.Message = cmp.Or(said.OAuth, kind), cmp.Or(said.Description, said.Message)
	e.RequestID = cmp.Or(answer.Header.Get("X-Amzn-Requestid"), answer.Header.Get("X-Amz-Request-Id"))
	switch {
	case e.Code == "" && answer.StatusCode == http.StatusTooManyRequests:
		e.Code = tooMany
	case e.Code == "":
		e.Message = fmt.Sprintf("%s answered HTTP %d, and not as AWS does", e.Host, answer.StatusCode)
	}
}

// An errNotURL reports an endpoint that nothing can be sent to.
type errNotURL string

func (e errNotURL) Error() string {
	text := string(e)
	if u, err := url.Parse(text); err == nil {
		text = u.Redacted()
	}
	return fmt.Sprintf("%q is not a URL", text)
}
