package sts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
)

// A Console is AWS's console of one partition, which a browser can be signed in
// to with temporary credentials (IAM User Guide, "Enable custom identity broker
// access to the AWS console").
type Console struct {
	Partition config.Partition
	Endpoint  string // URL of the sign-in service, "" for the partition's own
}

// mostConsole is the longest session of the console, by that page.
const mostConsole = 12 * time.Hour

// signIn returns the URL of the sign-in service. In the commercial partition
// only a region's takes a browser on to another page after it has signed it
// out.
func (c Console) signIn() (string, error) {
	switch {
	case c.Endpoint != "":
		return strings.TrimRight(c.Endpoint, "/"), nil
	case c.Partition.SignIn == "":
		return "", fmt.Errorf("no console is known for the partition %q", c.Partition.Name)
	case c.Partition.Name == "aws":
		return "https://us-east-1." + c.Partition.SignIn, nil
	}
	return "https://" + c.Partition.SignIn, nil
}

// Page returns the URL of a page of the console: its path, which may have a
// query and a fragment, "" for the first page.
func (c Console) Page(region, path string) (string, error) {
	host := c.Partition.Console
	if c.Partition.Name == "aws" && region != "" {
		host = region + "." + host
	}
	if path == "" {
		path = "console/home"
	}
	page, err := url.Parse("/" + strings.TrimLeft(path, "/"))
	if err != nil || strings.Contains(page.Path, "://") || strings.ContainsAny(path, "\\\x00\r\n") {
		return "", fmt.Errorf("%q is not a path in the console", path)
	}
	page.Scheme, page.Host = "https", host
	if query := page.Query(); region != "" && !query.Has("region") {
		query.Set("region", region)
		page.RawQuery = query.Encode()
	}
	return page.String(), nil
}

// A jsonCaller makes calls without a signature, as AWS does.
type jsonCaller interface {
	JSON(ctx context.Context, r Request, into any) error
}

// Token has the sign-in service make a token of credentials, good for 15
// minutes and one browser. session is how long the console's session lasts, 0
// for as long as the credentials do.
func (c Console) Token(ctx context.Context, caller jsonCaller, with Credentials, session time.Duration) (keystore.Secret, error) {
	base, err := c.signIn()
	if err != nil {
		return keystore.Secret{}, err
	}
	text, err := json.Marshal(map[string]string{
		"sessionId": with.AccessKeyID, "sessionKey": with.SecretAccessKey.Reveal(), "sessionToken": with.SessionToken.Reveal(),
	})
	if err != nil {
		return keystore.Secret{}, err
	}
	query := url.Values{"Action": {"getSigninToken"}, "SessionType": {"json"}, "Session": {string(text)}}
	if session > 0 {
		query.Set("SessionDuration", strconv.Itoa(int(session/time.Second)))
	}
	var answer struct{ SigninToken string }
	err = caller.JSON(ctx, Request{
		Step: Step{Action: "getSigninToken"}, Method: http.MethodGet, URL: base + "/federation?" + query.Encode(),
		Secrets: []keystore.Secret{with.SecretAccessKey, with.SessionToken},
	}, &answer)
	var refused *CallError
	switch {
	case errors.As(err, &refused) && refused.status == http.StatusBadRequest:
		// It says no more, in HTML.
		refused.Message = "the sign-in service does not take these credentials"
		return keystore.Secret{}, err
	case err != nil:
		return keystore.Secret{}, err
	case answer.SigninToken == "":
		return keystore.Secret{}, errors.New("getSigninToken: the sign-in service answered without a token")
	}
	return keystore.NewSecret(answer.SigninToken), nil
}

// Address returns the address that signs a browser in and leads it to the page.
// It is as good as a password for 15 minutes. With signOut it first ends the
// session of another account that the browser may have.
func (c Console) Address(token keystore.Secret, page string, signOut bool) (keystore.Secret, error) {
	base, err := c.signIn()
	if err != nil {
		return keystore.Secret{}, err
	}
	address := base + "/federation?" + url.Values{
		"Action": {"login"}, "Issuer": {"vault"}, "Destination": {page}, "SigninToken": {token.Reveal()},
	}.Encode()
	if signOut {
		address = base + "/oauth?" + url.Values{"Action": {"logout"}, "redirect_uri": {address}}.Encode()
	}
	return keystore.NewSecret(address), nil
}

// ConsoleRefuses returns why the console does not take the temporary
// credentials of who has the ARN, "" if it does.
func ConsoleRefuses(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) == 6 && (strings.HasPrefix(parts[5], "assumed-role/") || strings.HasPrefix(parts[5], "federated-user/")) {
		return ""
	}
	return "they are a session of an IAM user, and AWS's console takes those of roles and of federated users only"
}

// fullPolicy lets a federated user do what the user may: what a session may do
// is what both the user's policies and this one allow (AWS STS API Reference,
// GetFederationToken).
const fullPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// FederationStep returns the call that makes of a user's key what the console
// takes. name is who does it.
func FederationStep(profile, name string, life time.Duration) Step {
	return Step{
		Action: GetFederationToken, Profile: profile, SessionName: federatedName(name), Duration: life,
		Reason: "the console takes no session of an IAM user",
	}
}

// federatedName makes of a session name one of a federated user: 2 to 32
// characters (AWS STS API Reference, GetFederationToken).
func federatedName(name string) string {
	if len(name) > 32 {
		name = name[:32]
	}
	if len(name) < 2 {
		name += "--"
	}
	return name
}

// Console returns the way to credentials that the console takes, and for how
// long its session may be asked for beside that, 0 for as long as they last.
// life is how long a person wants the session, 0 for the usual; ttl is the
// usual life of a federated user, 0 for 1 h.
func (p Plan) Console(name string, life, ttl time.Duration) (Plan, time.Duration, error) {
	last := len(p.Steps) - 1
	p.Steps = append([]Step(nil), p.Steps...)
	s := &p.Steps[last]
	switch {
	case s.Action == GetSessionToken:
		d := first(life, ttl, time.Hour)
		if err := within("federated session", d, mostSession); err != nil {
			return Plan{}, 0, err
		}
		federated := FederationStep(s.Profile, name, d)
		federated.Endpoint, federated.Region = s.Endpoint, s.Region
		*s = federated
		return p, 0, nil
	case p.oneRole():
		return p, min(first(life, s.Duration, time.Hour), mostConsole), nil
	case s.Action == AssumeRole && life != 0:
		s.Duration = life
		p.capped(s, fromARole)
	case life != 0:
		p.notef("the session of the console lasts as long as the credentials: --duration does not count")
	}
	return p, 0, nil
}

// oneRole reports whether the plan leads to a role that is not assumed from
// another: for a chained one the console takes no duration, by the page above.
func (p Plan) oneRole() bool {
	roles := 0
	for _, s := range p.Steps {
		switch s.Action {
		case AssumeRole, AssumeRoleWithWebIdentity, SSORoleCredentials:
			roles++
		case StaticKeys:
			if !strings.HasPrefix(s.AccessKeyID, "AKIA") { // IAM User Guide, "IAM identifiers": long-lived ones do
				return false
			}
		case CredentialProcess, CredentialSource, LoginSession:
			return false
		}
	}
	return roles == 1
}
