package ststest

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The rules are those of the IAM User Guide, "AWS Signature Version 4 for
// API requests" and "Create a signed AWS API request".
const (
	sigAlgorithm  = "AWS4-HMAC-SHA256"
	sigTerminator = "aws4_request"
	sigTime       = "20060102T150405Z"

	signatureDiffers = "The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

	// maxSkew is how far a request's clock may be off.
	maxSkew = 5 * time.Minute
)

var regionPattern = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-\d$`)

// An authorization is what an Authorization header says.
type authorization struct {
	accessKeyID, date, region, service, terminator string

	signed    []string // names of the signed headers, as given
	signature string
}

// parseAuthorization parses an Authorization header.
func parseAuthorization(header string) (authorization, *apiError) {
	if header == "" {
		return authorization{}, &apiError{http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token"}
	}
	algorithm, rest, _ := strings.Cut(header, " ")
	if algorithm != sigAlgorithm {
		return authorization{}, incomplete("Unsupported AWS 'algorithm': '%s' (only %s for now). ", algorithm, sigAlgorithm)
	}
	fields := make(map[string]string)
	for field := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(field), "=")
		if _, twice := fields[name]; !ok || twice {
			return authorization{}, incomplete("'%s' not a valid key=value pair (missing equal-sign) in Authorization header: '%s'.", strings.TrimSpace(field), header)
		}
		fields[name] = value
	}
	var missing strings.Builder
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if fields[name] == "" {
			fmt.Fprintf(&missing, "Authorization header requires '%s' parameter. ", name)
		}
	}
	if missing.Len() > 0 {
		return authorization{}, incomplete("%sAuthorization=%s", missing.String(), algorithm)
	}
	scope := strings.Split(fields["Credential"], "/")
	if len(scope) != 5 {
		return authorization{}, incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", fields["Credential"])
	}
	return authorization{
		accessKeyID: scope[0],
		date:        scope[1],
		region:      scope[2],
		service:     scope[3],
		terminator:  scope[4],
		signed:      strings.Split(fields["SignedHeaders"], ";"),
		signature:   fields["Signature"],
	}, nil
}

// authenticate verifies that the call is signed for the service with a valid
// credential, and sets its caller. The server's mu must be held.
func (s *Server) authenticate(c *call, service string) *apiError {
	if c.authErr != nil {
		return c.authErr
	}
	date := c.request.Header.Get("X-Amz-Date")
	signedAt, err := time.Parse(sigTime, date)
	switch {
	case date == "":
		return incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=%s", sigAlgorithm)
	case err != nil:
		return incomplete("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", date)
	}
	if err := c.auth.checkScope(service, date); err != nil {
		return err
	}
	if err := checkClock(signedAt, c.arrived); err != nil {
		return err
	}
	if err := checkSignedHeaders(c.request.Header, c.auth.signed); err != nil {
		return err
	}
	key, err2 := s.lookup(c)
	if err2 != nil {
		return err2
	}
	want := c.auth.sign(key.secret, date, canonicalRequest(c.request, c.auth.signed, c.body))
	if subtle.ConstantTimeCompare([]byte(want), []byte(c.auth.signature)) != 1 {
		return mismatch(signatureDiffers)
	}
	if key.kind == longTerm {
		key.used, key.usedFor, key.usedIn = c.arrived, service, c.auth.region
	}
	c.caller = key
	return nil
}

// checkScope checks the credential scope against the service that was called
// and the date of the request. Every fault is named, as AWS does.
func (a authorization) checkScope(service, date string) *apiError {
	var faults strings.Builder
	if !regionPattern.MatchString(a.region) {
		fmt.Fprintf(&faults, "Credential should be scoped to a valid region. ")
	}
	if a.service != service {
		fmt.Fprintf(&faults, "Credential should be scoped to correct service: '%s'. ", service)
	}
	if a.terminator != sigTerminator {
		fmt.Fprintf(&faults, "Credential should be scoped with a valid terminator: '%s', not '%s'. ", sigTerminator, a.terminator)
	}
	if a.date != date[:8] {
		fmt.Fprintf(&faults, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'. ", a.date, date[:8], date)
	}
	if faults.Len() > 0 {
		return mismatch("%s", faults.String())
	}
	return nil
}

// checkClock checks that the request was signed about now.
func checkClock(signed, now time.Time) *apiError {
	now = now.UTC().Truncate(time.Second)
	earliest, latest := now.Add(-maxSkew), now.Add(maxSkew)
	show := func(t time.Time) string { return t.Format(sigTime) }
	switch {
	case signed.Before(earliest):
		return mismatch("Signature expired: %s is now earlier than %s (%s - %d min.)", show(signed), show(earliest), show(now), int(maxSkew.Minutes()))
	case signed.After(latest):
		return mismatch("Signature not yet current: %s is still later than %s (%s + %d min.)", show(signed), show(latest), show(now), int(maxSkew.Minutes()))
	}
	return nil
}

// checkSignedHeaders checks that the host and all x-amz-* headers of the
// request are signed, and that the list is lower-case and sorted.
func checkSignedHeaders(header http.Header, signed []string) *apiError {
	if !slices.IsSorted(signed) || slices.ContainsFunc(signed, func(name string) bool { return name != strings.ToLower(name) }) {
		return mismatch(signatureDiffers)
	}
	if !slices.Contains(signed, "host") {
		return mismatch("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for name := range header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !slices.Contains(signed, lower) {
			return mismatch("'%s' must be a 'SignedHeader' in the AWS Authorization.", lower)
		}
	}
	return nil
}

// lookup returns the credential that the call names, if it may be used.
// The server's mu must be held.
func (s *Server) lookup(c *call) (*credential, *apiError) {
	unknown := &apiError{http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid."}
	key, ok := s.keys[c.auth.accessKeyID]
	if !ok || !key.active || key.partition != partitionOf(c.auth.region) {
		return nil, unknown
	}
	if key.lag > 0 {
		key.lag--
		return nil, unknown
	}
	// For long-term keys both are empty.
	if subtle.ConstantTimeCompare([]byte(key.token), []byte(c.request.Header.Get("X-Amz-Security-Token"))) != 1 {
		return nil, unknown
	}
	if key.kind != longTerm && !c.arrived.Before(key.expires) {
		return nil, &apiError{http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired"}
	}
	return key, nil
}

// sign returns the signature that belongs to a canonical request.
func (a authorization) sign(secret, date, canonical string) string {
	scope := strings.Join([]string{a.date, a.region, a.service, a.terminator}, "/")
	text := strings.Join([]string{sigAlgorithm, date, scope, hexSHA256([]byte(canonical))}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{a.date, a.region, a.service, a.terminator} {
		key = hmacSHA256(key, part)
	}
	return hex.EncodeToString(hmacSHA256(key, text))
}

// canonicalRequest returns the canonical form of a request, as every service
// but S3 has it: the path is encoded once more than it came.
func canonicalRequest(r *http.Request, signed []string, body []byte) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n")
	b.WriteString(canonicalPath(r.URL.EscapedPath()) + "\n")
	b.WriteString(canonicalQuery(r.URL.Query()) + "\n")
	for _, name := range signed {
		b.WriteString(name + ":" + canonicalHeader(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(signed, ";") + "\n" + hexSHA256(body))
	return b.String()
}

// canonicalPath returns the path without empty and dot segments, encoded.
func canonicalPath(escaped string) string {
	segments := []string{""}
	for segment := range strings.SplitSeq(escaped, "/") {
		switch segment {
		case "", ".":
		case "..":
			segments = segments[:max(1, len(segments)-1)]
		default:
			segments = append(segments, uriEncode(segment))
		}
	}
	path := strings.Join(segments, "/")
	if path == "" || strings.HasSuffix(escaped, "/") && path != "/" {
		path += "/"
	}
	return path
}

// canonicalQuery returns the parameters sorted by encoded name, then value.
func canonicalQuery(query url.Values) string {
	var pairs [][2]string
	for name, values := range query {
		for _, value := range values {
			pairs = append(pairs, [2]string{uriEncode(name), uriEncode(value)})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	parts := make([]string, len(pairs))
	for i, pair := range pairs {
		parts[i] = pair[0] + "=" + pair[1]
	}
	return strings.Join(parts, "&")
}

// canonicalHeader returns the values of a header joined, with white space
// trimmed and runs of it made one blank. A header that is absent is empty.
func canonicalHeader(r *http.Request, name string) string {
	if name == "host" {
		return r.Host
	}
	var values []string
	for _, value := range r.Header[textproto.CanonicalMIMEHeaderKey(name)] {
		values = append(values, strings.Join(strings.Fields(value), " "))
	}
	return strings.Join(values, ",")
}

// uriEncode encodes all but the unreserved characters of RFC 3986.
func uriEncode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func hmacSHA256(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func mismatch(format string, args ...any) *apiError {
	return &apiError{http.StatusForbidden, "SignatureDoesNotMatch", fmt.Sprintf(format, args...)}
}

func incomplete(format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "IncompleteSignature", fmt.Sprintf(format, args...)}
}
