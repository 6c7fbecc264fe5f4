package sts

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/shellvault/vault/keystore"
)

// A Caller is who AWS takes some credentials for.
type Caller struct {
	Account string
	ARN     string
	UserID  string
}

// A Client makes the calls of a plan.
type Client interface {
	// Call makes the step's call, signed with the credentials; code is the MFA
	// code where the step names a device.
	Call(ctx context.Context, with Credentials, s Step, code string) (Credentials, error)

	// Caller asks AWS whose the credentials are (GetCallerIdentity), at the
	// endpoint of the region, or at the URL if there is one.
	Caller(ctx context.Context, with Credentials, region, endpoint string) (Caller, error)
}

// AWS is the Client that speaks to AWS. The proxy variables are honoured.
type AWS struct {
	Now      func() time.Time
	CABundle string // a file of PEM certificates to trust in place of the system's; "": the system's
	FIPS     bool
	Dual     bool // dual-stack endpoints
}

// timeout bounds one call with its retries.
const timeout = 20 * time.Second

func (c *AWS) client(with Credentials, region, endpoint string, once bool) (*sts.Client, error) {
	o := sts.Options{
		Region: region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: with.AccessKeyID, SecretAccessKey: with.SecretAccessKey.Reveal(), SessionToken: with.SessionToken.Reveal()}, nil
		}),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 3
			o.MaxBackoff = time.Second
			if once {
				o.MaxAttempts = 1
			}
		}),
		ClientLogMode: 0,
	}
	if endpoint != "" {
		o.BaseEndpoint = &endpoint
	}
	if c.FIPS {
		o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	if c.Dual {
		o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	transport := awshttp.NewBuildableClient().WithTimeout(timeout)
	if c.CABundle != "" {
		pem, err := os.ReadFile(c.CABundle)
		if err != nil {
			return nil, fmt.Errorf("ca_bundle %q: %w", c.CABundle, errors.Unwrap(err))
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_bundle %q holds no certificate", c.CABundle)
		}
		transport = transport.WithTransportOptions(func(t *http.Transport) {
			if t.TLSClientConfig == nil {
				t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
			}
			t.TLSClientConfig.RootCAs = pool
		})
	}
	o.HTTPClient = transport
	return sts.New(o), nil
}

// Call makes the step's call. One that carries an MFA code is made once: AWS
// accepts a code once, and a lost answer may have used it up.
func (c *AWS) Call(ctx context.Context, with Credentials, s Step, code string) (Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	api, err := c.client(with, s.Region, s.Endpoint, code != "")
	if err != nil {
		return Credentials{}, err
	}
	var serial, token *string
	if code != "" {
		serial, token = &s.MFASerial, &code
	}
	seconds := aws.Int32(int32(s.Duration / time.Second))
	var got *types.Credentials
	issued := c.Now()
	switch s.Action {
	case GetSessionToken:
		var out *sts.GetSessionTokenOutput
		out, err = api.GetSessionToken(ctx, &sts.GetSessionTokenInput{DurationSeconds: seconds, SerialNumber: serial, TokenCode: token})
		if err == nil {
			got = out.Credentials
		}
	case AssumeRole:
		in := &sts.AssumeRoleInput{DurationSeconds: seconds, SerialNumber: serial, TokenCode: token,
			RoleArn: &s.RoleARN, RoleSessionName: &s.SessionName, TransitiveTagKeys: s.TransitiveTagKeys}
		if s.ExternalID != "" {
			in.ExternalId = &s.ExternalID
		}
		if s.SourceIdentity != "" {
			in.SourceIdentity = &s.SourceIdentity
		}
		for _, t := range s.Tags {
			in.Tags = append(in.Tags, types.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)})
		}
		var out *sts.AssumeRoleOutput
		out, err = api.AssumeRole(ctx, in)
		if err == nil {
			got = out.Credentials
		}
	default:
		return Credentials{}, fmt.Errorf("%s is not a call", s.Action)
	}
	if err == nil && (got == nil || got.AccessKeyId == nil || got.SecretAccessKey == nil || got.SessionToken == nil || got.Expiration == nil) {
		err = errors.New("AWS answered without credentials")
	}
	if err != nil {
		return Credentials{}, c.failure(err, s, with)
	}
	return Credentials{
		AccessKeyID:     *got.AccessKeyId,
		SecretAccessKey: keystore.NewSecret(*got.SecretAccessKey),
		SessionToken:    keystore.NewSecret(*got.SessionToken),
		Issued:          issued.UTC().Truncate(time.Second),
		Expires:         got.Expiration.UTC(),
	}, nil
}

// Caller asks AWS whose the credentials are.
func (c *AWS) Caller(ctx context.Context, with Credentials, region, endpoint string) (Caller, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s := Step{Action: "GetCallerIdentity", Region: region, Endpoint: endpoint}
	api, err := c.client(with, region, endpoint, false)
	if err != nil {
		return Caller{}, err
	}
	out, err := api.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Caller{}, c.failure(err, s, with)
	}
	return Caller{Account: aws.ToString(out.Account), ARN: aws.ToString(out.Arn), UserID: aws.ToString(out.UserId)}, nil
}

// A CallError reports a call that AWS refused, or that did not get there.
type CallError struct {
	Step        Step
	AccessKeyID string // what it was signed with
	Code        string // AWS's error code; "" where AWS did not answer
	Message     string
	RequestID   string
	Host        string        // that did not answer
	Skew        time.Duration // by how much our clock is ahead of AWS's, if known
	Err         error
}

func (e *CallError) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Step.Action))
	if e.Step.RoleARN != "" {
		fmt.Fprintf(&b, " %q", e.Step.RoleARN)
	}
	if e.Code == "" {
		fmt.Fprintf(&b, ": %s", e.Message)
		return b.String()
	}
	fmt.Fprintf(&b, ": %s: %s", e.Code, strings.TrimRight(e.Message, " ."))
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

// sourceGone reports whether what the call was signed with is no longer valid.
func (e *CallError) sourceGone() bool {
	return e.Code == "ExpiredToken" || e.Code == "ExpiredTokenException" || e.Code == "InvalidClientTokenId"
}

func (c *AWS) failure(err error, s Step, with Credentials) error {
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	e := &CallError{Step: s, AccessKeyID: with.AccessKeyID, Err: err}
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		if date, perr := http.ParseTime(response.Response.Header.Get("Date")); perr == nil {
			e.Skew = c.Now().Sub(date).Round(time.Second)
		}
	}
	var request interface{ ServiceRequestID() string }
	if errors.As(err, &request) {
		e.RequestID = request.ServiceRequestID()
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		e.Code, e.Message = api.ErrorCode(), api.ErrorMessage()
		return e
	}
	e.Message, e.Host = unreachable(err)
	return e
}

// unreachable says in a few words why there was no answer, and whose.
func unreachable(err error) (why, host string) {
	var u *url.Error
	if errors.As(err, &u) {
		if parsed, perr := url.Parse(u.URL); perr == nil {
			host = parsed.Host
		}
	}
	var dns *net.DNSError
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &dns):
		why = "the name is not known"
	case errors.As(err, &cert):
		why = cert.Err.Error()
	case errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err):
		why = "no answer in time"
	case errors.As(err, &op):
		why = op.Err.Error()
	case u != nil:
		why = u.Err.Error()
	default:
		return err.Error(), ""
	}
	if host == "" {
		return why, ""
	}
	return fmt.Sprintf("cannot reach %s: %s", host, why), host
}
