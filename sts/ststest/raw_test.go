package ststest_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/shellvault/vault/sts/ststest"
)

const (
	whoAmI       = "Action=GetCallerIdentity&Version=2011-06-15"
	unsignedName = "403 SignatureDoesNotMatch: '%s' must be a 'SignedHeader' in the AWS Authorization."
	badSignature = "403 SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)

// A rawCall is a request that is signed, with what is changed before that and
// after.
type rawCall struct {
	method, target, body string
	service, region      string
	key                  aws.Credentials
	at                   time.Time
	before, after        func(*http.Request)
}

// do sends the call and returns the answer with its body.
func (w *world) do(t *testing.T, c rawCall) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), c.method, w.URL()+c.target, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.before != nil {
		c.before(r)
	}
	sum := sha256.Sum256([]byte(c.body))
	if err := v4.NewSigner().SignHTTP(context.Background(), c.key, r, hex.EncodeToString(sum[:]), c.service, c.region, c.at); err != nil {
		t.Fatal(err)
	}
	if c.after != nil {
		c.after(r)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// signed returns a good call of alice's with the body.
func (w *world) signed(body string) rawCall {
	return rawCall{method: "POST", target: "/", body: body, service: "sts", region: "us-east-1", key: w.key, at: w.clock.Now()}
}

var errorPattern = regexp.MustCompile(`(?s)^<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error>
    <Type>(Sender|Receiver)</Type>
    <Code>(.*)</Code>
    <Message>(.*)</Message>
  </Error>
  <RequestId>([0-9a-f-]{36})</RequestId>
</ErrorResponse>
$`)

// rawOutcome returns an answer as outcome does.
func rawOutcome(t *testing.T, answer *http.Response, body string) string {
	t.Helper()
	if answer.StatusCode == http.StatusOK {
		return "ok"
	}
	m := errorPattern.FindStringSubmatch(body)
	if m == nil {
		return answer.Status[:3] + " " + strings.TrimSpace(body)
	}
	if got := answer.Header.Get("X-Amzn-Requestid"); got != m[4] {
		t.Errorf("got request id %q in the header, %q in the body", got, m[4])
	}
	message := strings.NewReplacer("&#39;", "'", "&#34;", `"`, "&lt;", "<", "&amp;", "&").Replace(m[3])
	return answer.Status[:3] + " " + m[2] + ": " + message
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// edit replaces text in the Authorization header.
func edit(old, replacement string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, replacement, 1))
	}
}

func setBody(body string) func(*http.Request) {
	return func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
}

func TestSignatureIsVerified(t *testing.T) {
	w := newWorld(t)
	session := w.session(t, false)
	stale := session
	stale.SessionToken = w.session(t, false).SessionToken
	bare := session
	bare.SessionToken = ""
	tokenTooMany := w.key
	tokenTooMany.SessionToken = session.SessionToken
	wrongSecret := w.key
	wrongSecret.SecretAccessKey = strings.Repeat("x", 40)
	unknown := w.key
	unknown.AccessKeyID = "AKIAAAAAAAAAAAAAAAAA"
	now := w.clock.Now()
	tests := []struct {
		name   string
		change func(*rawCall)
		want   string
	}{
		{"good", func(*rawCall) {}, "ok"},
		{"good with a session", func(c *rawCall) { c.key = session }, "ok"},
		{"good as GET", func(c *rawCall) { c.method, c.target, c.body = "GET", "/?"+whoAmI, "" }, "ok"},
		{"good with more headers", func(c *rawCall) {
			c.before = func(r *http.Request) {
				r.Header["X-Amz-Meta"] = []string{"  a   b ", "c"}
				r.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
			}
		}, "ok"},
		{"good with a query to encode", func(c *rawCall) {
			c.method, c.body = "GET", ""
			c.target = "/?" + whoAmI + "&Zeta=" + url.QueryEscape("a b+c/d~é&=") + "&Alpha=2&Alpha=1"
		}, "ok"},

		{"body changed", func(c *rawCall) { c.after = setBody(whoAmI + "&x=y") }, badSignature},
		{"query changed", func(c *rawCall) { c.after = func(r *http.Request) { r.URL.RawQuery = "x=y" } }, badSignature},
		{"method changed", func(c *rawCall) {
			c.method, c.target, c.body = "GET", "/?"+whoAmI, ""
			c.after = func(r *http.Request) { r.Method = "POST" }
		}, badSignature},
		{"signed header changed", func(c *rawCall) { c.after = header("Content-Type", "text/plain") }, badSignature},
		{"signed header taken away", func(c *rawCall) { c.after = func(r *http.Request) { r.Header.Del("Content-Type") } }, badSignature},
		{"host changed", func(c *rawCall) { c.after = func(r *http.Request) { r.Host = "sts.amazonaws.com" } }, badSignature},
		{"date changed", func(c *rawCall) {
			c.after = header("X-Amz-Date", now.Add(time.Second).Format("20060102T150405Z"))
		}, badSignature},
		{"region changed", func(c *rawCall) { c.after = edit("us-east-1", "us-east-2") }, badSignature},
		{"signature changed", func(c *rawCall) { c.after = edit("Signature=", "Signature=0") }, badSignature},
		{"secret wrong", func(c *rawCall) { c.key = wrongSecret }, badSignature},
		{"unsigned header added", func(c *rawCall) { c.after = header("X-Amz-Extra", "1") },
			strings.Replace(unsignedName, "%s", "x-amz-extra", 1)},
		{"other unsigned header added", func(c *rawCall) { c.after = header("X-Other", "1") }, "ok"},
		{"date not signed", func(c *rawCall) { c.after = edit(";x-amz-date", "") },
			strings.Replace(unsignedName, "%s", "x-amz-date", 1)},
		{"host not signed", func(c *rawCall) { c.after = edit(";host", "") },
			"403 SignatureDoesNotMatch: 'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{"token not signed", func(c *rawCall) { c.key, c.after = session, edit(";x-amz-security-token", "") },
			strings.Replace(unsignedName, "%s", "x-amz-security-token", 1)},
		{"names not sorted", func(c *rawCall) { c.after = edit("host;x-amz-date", "x-amz-date;host") }, badSignature},
		{"names not lower-case", func(c *rawCall) { c.after = edit("content-type", "Content-Type") }, badSignature},

		{"key unknown", func(c *rawCall) { c.key = unknown }, invalidToken},
		{"token of another session", func(c *rawCall) { c.key = stale }, invalidToken},
		{"session without its token", func(c *rawCall) { c.key = bare }, invalidToken},
		{"user's key with a token", func(c *rawCall) { c.key = tokenTooMany }, invalidToken},
		{"region of another partition", func(c *rawCall) { c.region = "cn-north-1" }, invalidToken},

		{"service wrong", func(c *rawCall) { c.service = "ec2" },
			"403 SignatureDoesNotMatch: Credential should be scoped to correct service: 'sts'. "},
		{"region malformed", func(c *rawCall) { c.region = "nowhere" },
			"403 SignatureDoesNotMatch: Credential should be scoped to a valid region. "},
		{"terminator wrong", func(c *rawCall) { c.after = edit("aws4_request", "aws5_request") },
			"403 SignatureDoesNotMatch: Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'. "},
		{"scope of another day", func(c *rawCall) { c.after = edit("/20300506/", "/20300507/") },
			"403 SignatureDoesNotMatch: Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20300507' != '20300506', from '20300506T070809Z'. "},
		{"scope too short", func(c *rawCall) { c.after = edit("/sts/", "/") },
			"400 IncompleteSignature: Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '" + w.key.AccessKeyID + "/20300506/us-east-1/aws4_request'"},

		{"signed five minutes ago", func(c *rawCall) { c.at = now.Add(-5 * time.Minute) }, "ok"},
		{"signed longer ago", func(c *rawCall) { c.at = now.Add(-5*time.Minute - time.Second) },
			"403 SignatureDoesNotMatch: Signature expired: 20300506T070308Z is now earlier than 20300506T070309Z (20300506T070809Z - 5 min.)"},
		{"signed five minutes ahead", func(c *rawCall) { c.at = now.Add(5 * time.Minute) }, "ok"},
		{"signed further ahead", func(c *rawCall) { c.at = now.Add(5*time.Minute + time.Second) },
			"403 SignatureDoesNotMatch: Signature not yet current: 20300506T071310Z is still later than 20300506T071309Z (20300506T070809Z + 5 min.)"},
		{"no date", func(c *rawCall) { c.after = func(r *http.Request) { r.Header.Del("X-Amz-Date") } },
			"400 IncompleteSignature: Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256"},
		{"date malformed", func(c *rawCall) { c.after = header("X-Amz-Date", "yesterday") },
			"400 IncompleteSignature: Date must be in ISO-8601 'basic format'. Got 'yesterday'. See http://en.wikipedia.org/wiki/ISO_8601"},

		{"no authorization", func(c *rawCall) { c.after = func(r *http.Request) { r.Header.Del("Authorization") } },
			"403 MissingAuthenticationToken: Request is missing Authentication Token"},
		{"another algorithm", func(c *rawCall) { c.after = edit("SHA256", "SHA512") },
			"400 IncompleteSignature: Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512' (only AWS4-HMAC-SHA256 for now). "},
		{"parts missing", func(c *rawCall) { c.after = header("Authorization", "AWS4-HMAC-SHA256 SignedHeaders=host") },
			"400 IncompleteSignature: Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization=AWS4-HMAC-SHA256"},
		{"no equal sign", func(c *rawCall) { c.after = header("Authorization", "AWS4-HMAC-SHA256 nonsense") },
			"400 IncompleteSignature: 'nonsense' not a valid key=value pair (missing equal-sign) in Authorization header: 'AWS4-HMAC-SHA256 nonsense'."},

		{"signature twice", func(c *rawCall) { c.after = edit("Signature=", "Signature=0, Signature=") },
			"400 IncompleteSignature: "},
		{"no action", func(c *rawCall) { c.body = "Version=2011-06-15" }, "400 MissingAction: Missing Action"},
		{"unknown action", func(c *rawCall) { c.body = "Action=Nonsense&Version=2011-06-15" },
			"400 InvalidAction: Could not find operation Nonsense for version 2011-06-15"},
		{"unknown version", func(c *rawCall) { c.body = "Action=GetCallerIdentity&Version=2010-01-01" },
			"400 InvalidAction: Could not find operation GetCallerIdentity for version 2010-01-01"},
		{"no version", func(c *rawCall) { c.body = "Action=GetCallerIdentity" },
			"400 InvalidAction: Could not find operation GetCallerIdentity for version NO_VERSION_SPECIFIED"},
		{"malformed body", func(c *rawCall) { c.body = "Action=%zz" }, "400 MalformedQueryString: The query string contains a syntax error."},
		{"malformed query", func(c *rawCall) { c.after = func(r *http.Request) { r.URL.RawQuery = "x=%zz" } }, "400 MalformedQueryString: The query string contains a syntax error."},
		{"path changed", func(c *rawCall) { c.after = func(r *http.Request) { r.URL.Path = "/other" } }, "404 <UnknownOperationException/>"},
		{"method unknown", func(c *rawCall) { c.method = "PUT" }, "404 <UnknownOperationException/>"},
		{"body too long", func(c *rawCall) { c.body = strings.Repeat("x", 1<<20+1) }, "413 http: request body too large"},

		{"parameters missing", func(c *rawCall) { c.body = "Action=AssumeRole&Version=2011-06-15" },
			"400 ValidationError: 2 validation errors detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null; Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null"},
		{"duration no number", func(c *rawCall) { c.body = "Action=GetSessionToken&Version=2011-06-15&DurationSeconds=long" },
			"400 MalformedInput: DurationSeconds is not an integer."},
		{"duration too large a number", func(c *rawCall) {
			c.body = "Action=GetSessionToken&Version=2011-06-15&DurationSeconds=99999999999"
		}, "400 MalformedInput: DurationSeconds is not an integer."},
		{"tag without a key", func(c *rawCall) {
			c.body = "Action=GetFederationToken&Version=2011-06-15&Name=me&Tags.member.1.Value=v"
		}, "400 ValidationError: 1 validation error detected: Value null at 'tags.1.member.key' failed to satisfy constraint: Member must not be null"},
		{"markup in a value", func(c *rawCall) {
			c.body = "Action=GetFederationToken&Version=2011-06-15&Name=" + url.QueryEscape(`<a href="x">&`)
		}, `400 ValidationError: 1 validation error detected: Value '<a href="x">&' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := w.signed(whoAmI)
			c.at = now
			test.change(&c)
			answer, body := w.do(t, c)
			got := strings.ReplaceAll(rawOutcome(t, answer, body), "&gt;", ">")
			if strings.HasSuffix(test.want, " ") && strings.Contains(got, "(missing equal-sign)") {
				got = got[:len(test.want)] // goes on with the header
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// The answer is what the STS API Reference shows, byte for byte.
func TestAnswerXML(t *testing.T) {
	w := newWorld(t)
	w.AddRole(away, "Role", ststest.Trust{Principals: []string{home}})
	tests := []struct {
		name, body, want string
	}{
		{"GetCallerIdentity", whoAmI, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>arn:aws:iam::111111111111:user/alice</Arn>
    <UserId>AIDA\w{17}</UserId>
    <Account>111111111111</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata>
    <RequestId>REQUEST</RequestId>
  </ResponseMetadata>
</GetCallerIdentityResponse>
`},
		{"GetSessionToken", "Action=GetSessionToken&Version=2011-06-15", `<GetSessionTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetSessionTokenResult>
    <Credentials>
      <AccessKeyId>ASIA\w{16}</AccessKeyId>
      <SecretAccessKey>[A-Za-z0-9+/]{40}</SecretAccessKey>
      <SessionToken>[A-Za-z0-9+/]+==</SessionToken>
      <Expiration>2030-05-06T19:08:09Z</Expiration>
    </Credentials>
    <SessionTokenSize>\d+</SessionTokenSize>
    <SessionTokenUtilization>\d+</SessionTokenUtilization>
  </GetSessionTokenResult>
  <ResponseMetadata>
    <RequestId>REQUEST</RequestId>
  </ResponseMetadata>
</GetSessionTokenResponse>
`},
		{"AssumeRole", "Action=AssumeRole&Version=2011-06-15&RoleSessionName=me&SourceIdentity=us&Policy=%7B%7D&RoleArn=arn:aws:iam::222222222222:role/Role", `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <AssumedRoleUser>
      <AssumedRoleId>AROA\w{17}:me</AssumedRoleId>
      <Arn>arn:aws:sts::222222222222:assumed-role/Role/me</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIA\w{16}</AccessKeyId>
      <SecretAccessKey>[A-Za-z0-9+/]{40}</SecretAccessKey>
      <SessionToken>[A-Za-z0-9+/]+==</SessionToken>
      <Expiration>2030-05-06T08:08:09Z</Expiration>
    </Credentials>
    <PackedPolicySize>1</PackedPolicySize>
    <SourceIdentity>us</SourceIdentity>
    <SessionTokenSize>\d+</SessionTokenSize>
    <SessionTokenUtilization>\d+</SessionTokenUtilization>
  </AssumeRoleResult>
  <ResponseMetadata>
    <RequestId>REQUEST</RequestId>
  </ResponseMetadata>
</AssumeRoleResponse>
`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer, body := w.do(t, w.signed(test.body))
			id := answer.Header.Get("X-Amzn-Requestid")
			if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
				t.Errorf("request id %q", id)
			}
			if got, want := answer.Header.Get("Content-Type"), "text/xml"; got != want {
				t.Errorf("got content type %q, want %q", got, want)
			}
			if got, want := answer.Header.Get("Date"), "Mon, 06 May 2030 07:08:09 GMT"; got != want {
				t.Errorf("got date %q, want %q", got, want)
			}
			if !regexp.MustCompile("^" + strings.Replace(test.want, "REQUEST", id, 1) + "$").MatchString(body) {
				t.Errorf("got\n%s\nwant\n%s", body, test.want)
			}
		})
	}
}
