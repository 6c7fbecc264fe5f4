package ststest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"github.com/shellvault/vault/sts/ststest"
)

// start is when the clocks of these tests start.
var start = time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC)

// The accounts of these tests: home has the users, away the roles.
const (
	home = "111111111111"
	away = "222222222222"
)

// A world is a server with a clock that stands and one user who has MFA.
type world struct {
	*ststest.Server
	clock *ststest.Clock
	alice *ststest.User
	mfa   *ststest.MFA
	key   aws.Credentials // of alice
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := ststest.NewClock(start)
	w := &world{Server: ststest.New(clock.Now), clock: clock}
	t.Cleanup(w.Close)
	w.alice = w.AddUser(home, "alice")
	w.mfa = w.alice.AddMFA("alice")
	w.key.AccessKeyID, w.key.SecretAccessKey = w.alice.NewKey()
	return w
}

// code returns the MFA code of now and moves the clock on to the next.
func (w *world) code() string {
	w.clock.Advance(30 * time.Second)
	return w.mfa.Code(w.clock.Now())
}

// sts returns an SDK client that makes one attempt and signs by the clock.
func (w *world) sts(key aws.Credentials) *sts.Client {
	return w.stsIn("eu-west-1", key)
}

func (w *world) stsIn(region string, key aws.Credentials) *sts.Client {
	return sts.New(sts.Options{
		Region:       region,
		BaseEndpoint: aws.String(w.URL()),
		Credentials:  credentials{key},
		Retryer:      aws.NopRetryer{},
		HTTPSignerV4: clockSigner{v4.NewSigner(), w.clock.Now},
		HTTPClient:   &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	})
}

// clockSigner signs with the time of a clock, where the SDK takes the system's.
type clockSigner struct {
	*v4.Signer
	now func() time.Time
}

func (s clockSigner) SignHTTP(ctx context.Context, key aws.Credentials, r *http.Request, hash, service, region string, _ time.Time, options ...func(*v4.SignerOptions)) error {
	return s.Signer.SignHTTP(ctx, key, r, hash, service, region, s.now(), options...)
}

// outcome returns an error of the SDK as "STATUS CODE: MESSAGE", or "ok".
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	var response *awshttp.ResponseError
	var api smithy.APIError
	if !errors.As(err, &response) || !errors.As(err, &api) {
		return "no answer"
	}
	if response.RequestID == "" {
		return "no request id"
	}
	return fmt.Sprintf("%d %s: %s", response.HTTPStatusCode(), api.ErrorCode(), api.ErrorMessage())
}

// keysOf returns issued credentials as the SDK takes them.
func keysOf(c *types.Credentials) aws.Credentials {
	return aws.Credentials{
		AccessKeyID:     aws.ToString(c.AccessKeyId),
		SecretAccessKey: aws.ToString(c.SecretAccessKey),
		SessionToken:    aws.ToString(c.SessionToken),
		Expires:         aws.ToTime(c.Expiration),
		CanExpire:       true,
	}
}

// session returns a session of alice from GetSessionToken.
func (w *world) session(t *testing.T, withMFA bool) aws.Credentials {
	t.Helper()
	in := &sts.GetSessionTokenInput{}
	if withMFA {
		in.SerialNumber, in.TokenCode = aws.String(w.mfa.Serial()), aws.String(w.code())
	}
	out, err := w.sts(w.key).GetSessionToken(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return keysOf(out.Credentials)
}

// assume returns what AssumeRole gives the holder of key for a role.
func (w *world) assume(t *testing.T, key aws.Credentials, role *ststest.Role, change func(*sts.AssumeRoleInput)) (*sts.AssumeRoleOutput, error) {
	t.Helper()
	in := &sts.AssumeRoleInput{RoleArn: aws.String(role.ARN()), RoleSessionName: aws.String("test")}
	if change != nil {
		change(in)
	}
	return w.sts(key).AssumeRole(t.Context(), in)
}

// identity returns who AWS says the holder of key is.
func (w *world) identity(t *testing.T, key aws.Credentials) (*sts.GetCallerIdentityOutput, error) {
	t.Helper()
	return w.sts(key).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
}

// credentials is a provider of credentials that stay.
type credentials struct{ key aws.Credentials }

func (c credentials) Retrieve(context.Context) (aws.Credentials, error) { return c.key, nil }

// tagged1 adds one tag to a call.
func tagged1(in *sts.AssumeRoleInput) {
	in.Tags = []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}
}

// equalRequest reports whether two records are the same.
func equalRequest(a, b ststest.Request) bool {
	sameTime := a.Time.Equal(b.Time)
	a.Time, b.Time = time.Time{}, time.Time{}
	return sameTime && reflect.DeepEqual(a, b)
}
