package sso

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
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

// A Client makes the calls of Identity Center: its OIDC and its portal's (IAM
// Identity Center OIDC API Reference, IAM Identity Center Portal API
// Reference).
type Client struct {
	Caller
	Now func() time.Time

	// OIDC and Portal are the URLs that are configured, "" for AWS's own.
	OIDC, Portal string
	FIPS, Dual   bool
}

// endpoint returns the URL of a service in a region.
func (c *Client) endpoint(service, region, configured string) string {
	if configured != "" {
		return strings.TrimSuffix(configured, "/")
	}
	partition, ok := config.PartitionOfRegion(region)
	if !ok {
		partition, _ = config.PartitionOf("aws")
	}
	suffix := partition.Suffix
	if c.Dual {
		suffix = partition.DualStack
	}
	// The standard endpoints of aws-us-gov are those for FIPS.
	if c.FIPS && (partition.Name != "aws-us-gov" || c.Dual) {
		service += "-fips"
	}
	return "https://" + service + "." + region + "." + suffix
}

func (c *Client) oidc(s Session) string { return c.endpoint("oidc", s.Region, c.OIDC) }

func (c *Client) portal(region string) string { return c.endpoint("portal.sso", region, c.Portal) }

// The redirect URI of a registration is without the port (RFC 8252, section
// 7.3).
const (
	callbackPath = "/oauth/callback"
	redirectURI  = "http://127.0.0.1" + callbackPath
)

// register makes this program known to Identity Center for a flow.
func (c *Client) register(ctx context.Context, s Session, flow Flow) (Registration, error) {
	body := map[string]any{"clientName": "vault", "clientType": "public", "scopes": s.Scopes}
	if flow == PKCE {
		body["grantTypes"] = []string{"authorization_code", "refresh_token"}
		body["redirectUris"] = []string{redirectURI}
		body["issuerUrl"] = s.StartURL
	}
	var answer struct {
		ClientID              string `json:"clientId"`
		ClientSecret          string
		ClientSecretExpiresAt int64
	}
	err := c.JSON(ctx, sts.Request{Step: sts.Step{Action: "RegisterClient"}, Method: http.MethodPost, URL: c.oidc(s) + "/client/register", Body: body}, &answer)
	if err != nil {
		return Registration{}, err
	}
	if answer.ClientID == "" || answer.ClientSecret == "" {
		return Registration{}, errors.New("RegisterClient: AWS answered without a client")
	}
	return Registration{answer.ClientID, keystore.NewSecret(answer.ClientSecret), time.Unix(answer.ClientSecretExpiresAt, 0).UTC(), flow, s.Scopes}, nil
}

// A grant is what a token is asked for with.
type grant struct {
	kind   string
	fields map[string]keystore.Secret
	once   bool
}

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// token asks for a token. A refresh token that does not come anew stays.
func (c *Client) token(ctx context.Context, s Session, r Registration, g grant) (Token, error) {
	body := map[string]any{"clientId": r.ID, "clientSecret": r.Secret.Reveal(), "grantType": g.kind}
	secrets := []keystore.Secret{r.Secret}
	for name, value := range g.fields {
		body[name] = value.Reveal()
		secrets = append(secrets, value)
	}
	var answer struct {
		AccessToken, RefreshToken string
		ExpiresIn                 int64
	}
	asked := c.Now()
	err := c.JSON(ctx, sts.Request{
		Step: sts.Step{Action: "CreateToken"}, Method: http.MethodPost, URL: c.oidc(s) + "/token", Body: body, Secrets: secrets, Once: g.once,
	}, &answer)
	if err != nil {
		return Token{}, err
	}
	if answer.AccessToken == "" || answer.ExpiresIn <= 0 {
		return Token{}, errors.New("CreateToken: AWS answered without a token")
	}
	refresh := g.fields["refreshToken"]
	if answer.RefreshToken != "" {
		refresh = keystore.NewSecret(answer.RefreshToken)
	}
	expires := asked.Add(time.Duration(answer.ExpiresIn) * time.Second).UTC().Truncate(time.Second)
	return Token{keystore.NewSecret(answer.AccessToken), expires, refresh, r}, nil
}

// refresh asks for a token in place of one that ends.
func (c *Client) refresh(ctx context.Context, s Session, t Token) (Token, error) {
	return c.token(ctx, s, t.Client, grant{kind: "refresh_token", fields: map[string]keystore.Secret{"refreshToken": t.Refresh}, once: true})
}

// code returns the error code of a call that AWS refused, "" for other errors.
func code(err error) string {
	var refused *sts.CallError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

// portalCall makes a call of the portal with an access token.
func (c *Client) portalCall(ctx context.Context, step sts.Step, method, path string, query url.Values, access keystore.Secret, into any) error {
	address := c.portal(step.Region) + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return c.JSON(ctx, sts.Request{
		Step: step, Method: method, URL: address,
		Header:  map[string]string{"X-Amz-Sso_bearer_token": access.Reveal()},
		Secrets: []keystore.Secret{access},
	}, into)
}

// RoleCredentials returns credentials of a role that is assigned to who
// signed in.
func (c *Client) RoleCredentials(ctx context.Context, step sts.Step, access keystore.Secret) (sts.Credentials, error) {
	var answer struct {
		RoleCredentials struct {
			AccessKeyID                   string `json:"accessKeyId"`
			SecretAccessKey, SessionToken string
			Expiration                    int64 // in milliseconds
		}
	}
	asked := c.Now()
	query := url.Values{"role_name": {step.SSORole}, "account_id": {step.SSOAccount}}
	if err := c.portalCall(ctx, step, http.MethodGet, "/federation/credentials", query, access, &answer); err != nil {
		return sts.Credentials{}, err
	}
	got := answer.RoleCredentials
	if got.AccessKeyID == "" || got.SecretAccessKey == "" || got.SessionToken == "" || got.Expiration == 0 {
		return sts.Credentials{}, fmt.Errorf("%s: AWS answered without credentials", step.Action)
	}
	return sts.Credentials{
		AccessKeyID:     got.AccessKeyID,
		SecretAccessKey: keystore.NewSecret(got.SecretAccessKey),
		SessionToken:    keystore.NewSecret(got.SessionToken),
		Issued:          asked.UTC().Truncate(time.Second),
		Expires:         time.UnixMilli(got.Expiration).UTC().Truncate(time.Second),
	}, nil
}

// Logout ends what an access token is good for.
func (c *Client) Logout(ctx context.Context, s Session, access keystore.Secret) error {
	return c.portalCall(ctx, sts.Step{Action: "Logout", Region: s.Region}, http.MethodPost, "/logout", nil, access, nil)
}

// An Account is one that who signed in has a role in.
type Account struct {
	ID    string `json:"accountId"`
	Name  string `json:"accountName"`
	Email string `json:"emailAddress"`
}

// Accounts returns the accounts, in AWS's order.
func (c *Client) Accounts(ctx context.Context, s Session, access keystore.Secret) ([]Account, error) {
	var all []Account
	err := c.pages(ctx, s, "ListAccounts", "/assignment/accounts", url.Values{}, access, func() (any, func() string) {
		var page struct {
			NextToken   string
			AccountList []Account
		}
		return &page, func() string {
			all = append(all, page.AccountList...)
			return page.NextToken
		}
	})
	return all, err
}

// Roles returns the names of the roles in an account.
func (c *Client) Roles(ctx context.Context, s Session, account string, access keystore.Secret) ([]string, error) {
	var all []string
	err := c.pages(ctx, s, "ListAccountRoles", "/assignment/roles", url.Values{"account_id": {account}}, access, func() (any, func() string) {
		var page struct {
			NextToken string
			RoleList  []struct{ RoleName string }
		}
		return &page, func() string {
			for _, r := range page.RoleList {
				all = append(all, r.RoleName)
			}
			return page.NextToken
		}
	})
	return all, err
}

// pageSize is the most that the portal gives at once.
const pageSize = "100"

// pages gets a list page by page: each is decoded into what page returns, whose
// function takes it and says what the next one is called.
func (c *Client) pages(ctx context.Context, s Session, action sts.Action, path string, query url.Values, access keystore.Secret, page func() (any, func() string)) error {
	query.Set("max_result", pageSize)
	for {
		into, take := page()
		if err := c.portalCall(ctx, sts.Step{Action: action, Region: s.Region}, http.MethodGet, path, query, access, into); err != nil {
			return err
		}
		next := take()
		if next == "" || next == query.Get("next_token") {
			return nil
		}
		query.Set("next_token", next)
	}
}

// A Portal is a client of AWS that also makes the calls of Identity Center that
// a plan has.
type Portal struct {
	sts.Client
	SSO *Client
}

// Call makes the step's call.
func (p Portal) Call(ctx context.Context, with sts.Credentials, s sts.Step, mfa string) (sts.Credentials, error) {
	if s.Action == sts.SSORoleCredentials {
		return p.SSO.RoleCredentials(ctx, s, with.SessionToken)
	}
	return p.Client.Call(ctx, with, s, mfa)
}
