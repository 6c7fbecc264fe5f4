package sts

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// dialTimeout bounds the way to a connection, looking up the name included.
const dialTimeout = 5 * time.Second

// client returns the HTTP client of all calls.
func (c *AWS) client() (*http.Client, error) {
	c.connect.Do(func() {
		transport := awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout }).GetTransport()
		if c.CABundle != "" {
			if transport.TLSClientConfig.RootCAs, c.httpErr = readCertificates(c.CABundle); c.httpErr != nil {
				return
			}
		}
		transport.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
			if answer.StatusCode != http.StatusOK {
				return proxyError(answer.StatusCode)
			}
			return nil
		}
		c.http = &http.Client{
			Transport: transport,
			// STS sends nobody elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	})
	return c.http, c.httpErr
}

func readCertificates(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("ca_bundle %q: %w", path, errors.Unwrap(err))
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_bundle %q holds no certificate", path)
	}
	return pool, nil
}

// api returns the SDK's client for the call of a step.
func (c *AWS) api(with Credentials, s Step, w *wire, once bool) *sts.Client {
	o := sts.Options{
		Region: s.Region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: with.AccessKeyID, SecretAccessKey: with.SecretAccessKey.Reveal(), SessionToken: with.SessionToken.Reveal()}, nil
		}),
		HTTPClient:   w,
		HTTPSignerV4: signer{c},
		// do corrects the clock, also where nothing else is to be retried.
		DisableClockSkewCorrection: true,
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 3
			if once {
				o.MaxAttempts = 1
			}
			o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(hopeless)}, o.Retryables...)
			o.Backoff = retry.BackoffDelayerFunc(backoff)
		}),
	}
	if s.Endpoint != "" {
		o.BaseEndpoint = &s.Endpoint
	}
	if c.FIPS {
		o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	if c.Dual {
		o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	return sts.New(o)
}

// A proxyError is the status by which a proxy refused a connection.
type proxyError int

func (e proxyError) Error() string { return fmt.Sprintf("the proxy answered HTTP %d", int(e)) }

// hopeless says of errors that they will be the same in a second: there is no
// way to AWS, or something else stands in it.
func hopeless(err error) aws.Ternary {
	var dns *net.DNSError
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	var proxy proxyError
	if errors.As(err, &dns) || errors.As(err, &cert) || errors.As(err, &proxy) && proxy < 500 ||
		errors.As(err, &op) && op.Op == "dial" && op.Timeout() {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

// backoff waits up to a second where AWS asks to go slower, and a moment where
// a connection failed.
func backoff(attempt int, err error) (time.Duration, error) {
	return jitter(attempt, retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err) == aws.TrueTernary), nil
}

// jitter returns how long to wait after an attempt; of many that were told at
// once to go slower each waits another time.
func jitter(attempt int, throttled bool) time.Duration {
	most := 100 * time.Millisecond
	if throttled {
		most = 500 * time.Millisecond
	}
	if attempt > 1 {
		most *= 2
	}
	return most/2 + rand.N(most/2)
}

// A signer signs by the client's clock.
type signer struct{ c *AWS }

func (s signer) SignHTTP(ctx context.Context, with aws.Credentials, r *http.Request, payload, service, region string, _ time.Time, options ...func(*v4.SignerOptions)) error {
	now := s.c.Now().Add(-time.Duration(s.c.ahead.Load()))
	return v4.NewSigner().SignHTTP(ctx, with, r, payload, service, region, now, options...)
}

// A wire carries the requests of one call, and remembers of the last one what
// is needed when it fails.
type wire struct {
	client *http.Client
	now    func() time.Time

	host   string
	status int           // of the answer, 0 where there was none
	sent   time.Time     // by our clock
	ahead  time.Duration // by how much our clock is ahead of AWS's, 0 if that is not known
}

// mostAnswer is more than STS ever answers.
const mostAnswer = 1 << 20

func (w *wire) Do(r *http.Request) (*http.Response, error) {
	w.host, w.status, w.ahead, w.sent = r.URL.Host, 0, 0, w.now()
	answer, err := w.client.Do(r)
	if err != nil {
		return nil, err
	}
	// To its end, or the connection would be of no use for the next call.
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	answer.Body.Close()
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	w.status = answer.StatusCode
	if date, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		w.ahead = ahead(w.sent, w.now(), date)
	}
	return answer, nil
}

// ahead returns how far a clock is ahead of AWS's that showed these times
// when a request left and when its answer, with AWS's whole seconds, came.
func ahead(sent, received, date time.Time) time.Duration {
	switch {
	case date.After(received):
		return received.Sub(date).Round(time.Second)
	case sent.After(date.Add(time.Second)):
		return sent.Sub(date).Round(time.Second)
	}
	return 0
}
