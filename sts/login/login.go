// Package login takes credentials from the sign-in that "aws login" leaves in
// a file, and renews it there as the AWS CLI and the SDKs do, so that they go
// on with it (AWS SDKs and Tools Reference Guide, page "Login credential
// provider"; AWS Sign-In API Reference, CreateOAuth2Token).
package login

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

// A Caller makes calls without a signature, as *sts.AWS does.
type Caller interface {
	JSON(ctx context.Context, r sts.Request, into any) error
}

// A Cache is the folder in which "aws login" keeps sign-ins.
type Cache struct {
	Dir string
	Now func() time.Time
	Caller

	Endpoint string // URL that is configured for the service, "" for AWS's own
	Region   string
	FIPS     bool
	Dual     bool

	// Lock takes the lock of a sign-in: of many processes one renews it.
	Lock func(ctx context.Context, id string) (unlock func(), err error)
	// Note prints a line for the user.
	Note func(line string)
}

// An Error reports a sign-in that only a person can renew.
type Error struct {
	Session string // login_session of the profile
	Why     string
	Err     error
}

func (e *Error) Error() string { return fmt.Sprintf("sign-in of %s: %s", e.Session, e.Why) }

func (e *Error) Unwrap() error { return e.Err }

// The life that credentials must have left: a renewal is due, and without one
// they are still handed out.
const (
	renewBefore = 5 * time.Minute
	least       = 30 * time.Second
)

// file is one of the files. What is not named here stays as it is.
type file struct {
	AccessToken struct {
		AccessKeyID     string `json:"accessKeyId"`
		SecretAccessKey string `json:"secretAccessKey"`
		SessionToken    string `json:"sessionToken"`
		AccountID       string `json:"accountId,omitempty"`
		ExpiresAt       string `json:"expiresAt"`
	} `json:"accessToken"`
	RefreshToken string `json:"refreshToken"`
	ClientID     string `json:"clientId"`
	Key          string `json:"dpopKey"`

	expires time.Time
	all     map[string]json.RawMessage
}

// ID names a sign-in in files and locks.
func ID(session string) string {
	sum := sha256.Sum256([]byte(session))
	return hex.EncodeToString(sum[:])
}

func (c *Cache) path(session string) string { return filepath.Join(c.Dir, ID(session)+".json") }

// Credentials returns the credentials of a sign-in, renewed if they are about
// to end.
func (c *Cache) Credentials(ctx context.Context, session string) (sts.Credentials, error) {
	have, err := c.read(session)
	if err != nil || have.left(c.Now()) > renewBefore {
		return have.credentials(c.Now()), err
	}
	unlock, err := c.Lock(ctx, ID(session)[:32])
	if err != nil {
		return sts.Credentials{}, err
	}
	defer unlock()
	// Another process may have renewed it while this one waited.
	if have, err = c.read(session); err != nil || have.left(c.Now()) > renewBefore {
		return have.credentials(c.Now()), err
	}
	got, err := c.renew(ctx, session, have)
	if err == nil {
		return got.credentials(c.Now()), nil
	}
	if again, readErr := c.read(session); readErr == nil && again.left(c.Now()) > renewBefore {
		return again.credentials(c.Now()), nil // the AWS CLI was quicker
	}
	var ended *Error
	if !errors.As(err, &ended) && have.left(c.Now()) > least {
		return have.credentials(c.Now()), nil // they will do for this once
	}
	return sts.Credentials{}, err
}

// Expires returns when what is kept of a sign-in ends; ok is false where there
// is none.
func (c *Cache) Expires(session string) (end time.Time, ok bool) {
	f, err := c.read(session)
	return f.expires, err == nil
}

func (f file) left(now time.Time) time.Duration { return f.expires.Sub(now) }

func (f file) credentials(now time.Time) sts.Credentials {
	return sts.Credentials{
		AccessKeyID:     f.AccessToken.AccessKeyID,
		SecretAccessKey: keystore.NewSecret(f.AccessToken.SecretAccessKey),
		SessionToken:    keystore.NewSecret(f.AccessToken.SessionToken),
		Issued:          now.UTC().Truncate(time.Second),
		Expires:         f.expires,
	}
}

// The AWS CLI may be writing the file: what is torn is whole in a moment.
const (
	tornTries = 3
	tornPause = 50 * time.Millisecond
	mostFile  = 1 << 20
)

func (c *Cache) read(session string) (file, error) {
	for try := 1; ; try++ {
		text, err := readFile(c.path(session))
		if errors.Is(err, fs.ErrNotExist) {
			return file{}, &Error{Session: session, Why: "nobody is signed in"}
		}
		if err != nil {
			return file{}, err
		}
		f, err := parse(text)
		clear(text)
		if err == nil {
			return f, nil
		}
		if try == tornTries {
			return file{}, &Error{Session: session, Why: "what is kept of it cannot be read: " + err.Error()}
		}
		time.Sleep(tornPause)
	}
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostFile))
}

// parse reads a file. The error does not repeat what it holds.
func parse(text []byte) (f file, err error) {
	if json.Unmarshal(text, &f.all) != nil || json.Unmarshal(text, &f) != nil {
		return file{}, errors.New("not JSON as the AWS CLI writes it")
	}
	for _, need := range []struct{ name, value string }{
		{"accessKeyId", f.AccessToken.AccessKeyID}, {"secretAccessKey", f.AccessToken.SecretAccessKey}, {"sessionToken", f.AccessToken.SessionToken},
		{"refreshToken", f.RefreshToken}, {"clientId", f.ClientID}, {"dpopKey", f.Key},
	} {
		if need.value == "" {
			return file{}, fmt.Errorf("it lacks %s", need.name)
		}
	}
	if f.expires, err = time.Parse(time.RFC3339, f.AccessToken.ExpiresAt); err != nil {
		return file{}, errors.New("its expiresAt is not a time")
	}
	f.expires = f.expires.UTC()
	return f, nil
}

// renew has the sign-in renewed, and keeps what that gives before it is used:
// the refresh token is another one then.
func (c *Cache) renew(ctx context.Context, session string, f file) (file, error) {
	address := c.address()
	proof, err := prove(f.Key, http.MethodPost, address, c.Now())
	if err != nil {
		return file{}, &Error{Session: session, Why: err.Error()}
	}
	var answer struct {
		AccessToken struct {
			AccessKeyID                   string `json:"accessKeyId"`
			SecretAccessKey, SessionToken string
		}
		RefreshToken string
		ExpiresIn    int64
	}
	err = c.JSON(ctx, sts.Request{
		Step: sts.Step{Action: "CreateOAuth2Token"}, Method: http.MethodPost, URL: address,
		Header:  map[string]string{"DPoP": proof},
		Body:    map[string]string{"clientId": f.ClientID, "refreshToken": f.RefreshToken, "grantType": "refresh_token"},
		Secrets: []keystore.Secret{keystore.NewSecret(f.RefreshToken), keystore.NewSecret(proof)},
		Once:    true, // a proof is good once
	}, &answer)
	var refused *sts.CallError
	if errors.As(err, &refused) && ended[refused.Code] != "" {
		return file{}, &Error{Session: session, Why: ended[refused.Code], Err: err}
	}
	if err != nil {
		return file{}, err
	}
	got := answer.AccessToken
	if got.AccessKeyID == "" || got.SecretAccessKey == "" || got.SessionToken == "" || answer.ExpiresIn <= 0 {
		return file{}, errors.New("CreateOAuth2Token: AWS answered without credentials")
	}
	f.AccessToken.AccessKeyID, f.AccessToken.SecretAccessKey, f.AccessToken.SessionToken = got.AccessKeyID, got.SecretAccessKey, got.SessionToken
	f.expires = c.Now().Add(time.Duration(answer.ExpiresIn) * time.Second).UTC().Truncate(time.Second)
	f.AccessToken.ExpiresAt = f.expires.Format(time.RFC3339)
	if answer.RefreshToken != "" {
		f.RefreshToken = answer.RefreshToken
	}
	if err := c.write(session, f); err != nil && ctx.Err() == nil {
		c.Note(fmt.Sprintf("the sign-in of %s cannot be kept: %s", session, err))
	}
	return f, nil
}

// ended says what the codes mean by which AWS refuses a renewal for good (AWS
// Sign-In API Reference, OAuth2ErrorCode).
var ended = map[string]string{
	"TOKEN_EXPIRED":            "it has ended",
	"USER_CREDENTIALS_CHANGED": "the password was changed since",
	"INSUFFICIENT_PERMISSIONS": "who signed in may not use it: the policy SignInLocalDevelopmentAccess is missing",
}

// address returns the URL of the call (the service's endpoint rules in the
// SDKs).
func (c *Cache) address() string {
	const path = "/v1/token"
	if c.Endpoint != "" {
		return strings.TrimSuffix(c.Endpoint, "/") + path
	}
	partition, ok := config.PartitionOfRegion(c.Region)
	if !ok {
		partition, _ = config.PartitionOf("aws")
	}
	suffix, service := partition.Suffix, "signin"
	if c.Dual {
		suffix = partition.DualStack
	}
	if c.FIPS {
		service += "-fips"
	}
	switch partition.Name {
	case "aws", "aws-cn", "aws-us-gov":
		if !c.FIPS && !c.Dual {
			return "https://" + c.Region + "." + partition.SignIn + path
		}
	}
	return "https://" + service + "." + c.Region + "." + suffix + path
}

// write puts the file back with what vault does not know of.
func (c *Cache) write(session string, f file) error {
	for name, value := range map[string]any{"accessToken": f.AccessToken, "refreshToken": f.RefreshToken} {
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		f.all[name] = text
	}
	text, err := json.Marshal(f.all)
	if err != nil {
		return err
	}
	defer clear(text)
	return keystore.WriteFileAtomic(c.path(session), text, 0o600)
}
