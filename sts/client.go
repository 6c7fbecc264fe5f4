package sts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

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
	// code where the step names a device. A call that is not signed shows the
	// session token of the credentials: a web identity's, or Identity Center's.
	Call(ctx context.Context, with Credentials, s Step, code string) (Credentials, error)

	// Caller asks AWS whose the credentials are (GetCallerIdentity), at the
	// endpoint of the region, or at the URL if there is one.
	Caller(ctx context.Context, with Credentials, region, endpoint string) (Caller, error)
}

// AWS is the Client that speaks to AWS. The proxy variables are honoured. It
// keeps connections from call to call, and must not be copied.
type AWS struct {
	Now      func() time.Time
	CABundle string // a file of PEM certificates to trust in place of the system's; "": the system's
	FIPS     bool
	Dual     bool // dual-stack endpoints

	connect sync.Once
	http    *http.Client
	httpErr error

	ahead atomic.Int64 // the skew of our clock, once AWS refused a call for it
}

// timeout bounds one call with its retries.
const timeout = 20 * time.Second

// Call makes the step's call. One that carries an MFA code is made once: AWS
// accepts a code once, and a lost answer may have used it up.
func (c *AWS) Call(ctx context.Context, with Credentials, s Step, code string) (Credentials, error) {
	var serial, token *string
	if code != "" {
		serial, token = &s.MFASerial, &code
	}
	seconds := aws.Int32(int32(s.Duration / time.Second))
	var got *types.Credentials
	var call func(context.Context, *sts.Client) error
	switch s.Action {
	case GetSessionToken:
		call = func(ctx context.Context, api *sts.Client) error {
			out, err := api.GetSessionToken(ctx, &sts.GetSessionTokenInput{DurationSeconds: seconds, SerialNumber: serial, TokenCode: token})
			if err == nil {
				got = out.Credentials
			}
			return err
		}
	case GetFederationToken:
		call = func(ctx context.Context, api *sts.Client) error {
			out, err := api.GetFederationToken(ctx, &sts.GetFederationTokenInput{DurationSeconds: seconds, Name: &s.SessionName, Policy: aws.String(fullPolicy)})
			if err == nil {
				got = out.Credentials
			}
			return err
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
		in.PolicyArns = policies(s)
		for _, t := range s.Tags {
			in.Tags = append(in.Tags, types.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)})
		}
		call = func(ctx context.Context, api *sts.Client) error {
			out, err := api.AssumeRole(ctx, in)
			if err == nil {
				got = out.Credentials
			}
			return err
		}
	case AssumeRoleWithWebIdentity:
		token := with.SessionToken.Reveal()
		in := &sts.AssumeRoleWithWebIdentityInput{DurationSeconds: seconds, RoleArn: &s.RoleARN, RoleSessionName: &s.SessionName, WebIdentityToken: &token,
			PolicyArns: policies(s)}
		call = func(ctx context.Context, api *sts.Client) error {
			out, err := api.AssumeRoleWithWebIdentity(ctx, in)
			if err == nil {
				got = out.Credentials
			}
			return err
		}
	default:
		return Credentials{}, fmt.Errorf("%s is not a call", s.Action)
	}
	answer, err := c.do(ctx, with, s, code, func(ctx context.Context, api *sts.Client) error {
		err := call(ctx, api)
		if err == nil && (got == nil || got.AccessKeyId == nil || got.SecretAccessKey == nil || got.SessionToken == nil || got.Expiration == nil) {
			return errNoCredentials
		}
		return err
	})
	if err != nil {
		return Credentials{}, err
	}
	// The expiry is by AWS's clock.
	skew := answer.ahead
	if skew.Abs() <= clockTolerance {
		skew = 0
	}
	return Credentials{
		AccessKeyID:     *got.AccessKeyId,
		SecretAccessKey: keystore.NewSecret(*got.SecretAccessKey),
		SessionToken:    keystore.NewSecret(*got.SessionToken),
		Issued:          answer.sent.UTC().Truncate(time.Second),
		Expires:         got.Expiration.Add(skew).UTC(),
		Skew:            skew,
	}, nil
}

// policies returns the session policies of a step as the SDK takes them.
func policies(s Step) []types.PolicyDescriptorType {
	var list []types.PolicyDescriptorType
	for _, arn := range s.PolicyARNs {
		list = append(list, types.PolicyDescriptorType{Arn: aws.String(arn)})
	}
	return list
}

var errNoCredentials = errors.New("AWS answered without credentials")

// Caller asks AWS whose the credentials are.
func (c *AWS) Caller(ctx context.Context, with Credentials, region, endpoint string) (Caller, error) {
	s := Step{Action: "GetCallerIdentity", Region: cmp.Or(region, "us-east-1"), Endpoint: endpoint}
	var who Caller
	_, err := c.do(ctx, with, s, "", func(ctx context.Context, api *sts.Client) error {
		out, err := api.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err == nil {
			who = Caller{printable(aws.ToString(out.Account)), printable(aws.ToString(out.Arn)), printable(aws.ToString(out.UserId))}
		}
		return err
	})
	return who, err
}

// do makes a call, and once more by AWS's clock if AWS refuses it for ours:
// it looks at the signature before it looks at an MFA code.
func (c *AWS) do(ctx context.Context, with Credentials, s Step, code string, call func(context.Context, *sts.Client) error) (*wire, error) {
	client, err := c.client()
	if err != nil {
		return nil, err
	}
	if code != "" {
		// Not on a connection that may have gone while a person typed.
		client.CloseIdleConnections()
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for try := 1; ; try++ {
		w := &wire{client: client, now: c.Now}
		err := call(ctx, c.api(with, s, w, code != ""))
		if err == nil {
			return w, nil
		}
		err = failure(err, w, s, with, code)
		var refused *CallError
		if try > 1 || !errors.As(err, &refused) || !refused.ClockOff() || refused.Skew == 0 {
			return nil, err
		}
		c.ahead.Store(int64(refused.Skew))
	}
}
