package sts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/shellvault/vault/keystore"
)

// A Machine is what vault runs on, which has credentials for whoever is there
// (AWS SDKs and Tools Reference Guide, pages "IMDS credential provider" and
// "Container credential provider"). No proxy is asked on the way to it.
type Machine struct {
	Now      func() time.Time
	Metadata string // URL of the instance's metadata service; "": InstanceMetadata
}

// The addresses of an instance's metadata service (Amazon EC2 User Guide,
// "Access instance metadata").
const (
	InstanceMetadata  = "http://169.254.169.254"
	InstanceMetadata6 = "http://[fd00:ec2::254]"
)

// Bounds of the talk with a machine. It is near: what does not answer at once
// is not there.
const (
	machineDial     = time.Second
	machineTimeout  = 2 * time.Second
	machineAttempts = 2
	mostMachine     = 64 << 10 // of an answer
)

// machineKeys are credentials as the metadata service and the container's
// endpoint answer them; Code is the former's.
type machineKeys struct {
	Code            string
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string
	Expiration      time.Time
}

// Instance returns the credentials of the instance's role. Version 2 of the
// metadata service alone is asked.
func (m Machine) Instance(ctx context.Context) (Credentials, error) {
	base := m.Metadata
	if base == "" {
		base = InstanceMetadata
	}
	base = strings.TrimSuffix(base, "/")
	if u, err := url.Parse(base); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return Credentials{}, fmt.Errorf("%q is not the URL of a metadata service", base)
	}
	client := machineClient()
	defer client.CloseIdleConnections()
	status, token, err := machineCall(ctx, client, http.MethodPut, base+"/latest/api/token", "X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")
	switch {
	case errors.Is(err, context.Canceled):
		return Credentials{}, err
	case err != nil:
		// From a container the answer does not come back where the instance
		// allows one hop (Amazon EC2 User Guide, "Instance metadata options").
		return Credentials{}, fmt.Errorf("%w; this is no EC2 instance, or a container on one whose hop limit is 1", err)
	case status != http.StatusOK:
		return Credentials{}, fmt.Errorf("the metadata service answered HTTP %d to version 2", status)
	}
	ask := func(path string) (int, []byte, error) {
		return machineCall(ctx, client, http.MethodGet, base+"/latest/meta-data/iam/security-credentials/"+path, "X-Aws-Ec2-Metadata-Token", string(token))
	}
	status, list, err := ask("")
	role, _, _ := strings.Cut(strings.TrimSpace(string(list)), "\n")
	switch role = strings.TrimSpace(role); {
	case err != nil:
		return Credentials{}, err
	case status == http.StatusNotFound || status == http.StatusOK && role == "":
		return Credentials{}, errors.New("the instance has no role")
	case status != http.StatusOK:
		return Credentials{}, fmt.Errorf("the metadata service answered HTTP %d for the role's name", status)
	}
	status, text, err := ask(url.PathEscape(role))
	defer clear(text)
	if err != nil {
		return Credentials{}, err
	}
	if status != http.StatusOK {
		return Credentials{}, fmt.Errorf("the metadata service answered HTTP %d for role %q", status, printable(role))
	}
	var keys machineKeys
	if json.Unmarshal(text, &keys) != nil {
		return Credentials{}, errors.New("the metadata service answered something else than credentials")
	}
	if keys.Code != "Success" {
		return Credentials{}, fmt.Errorf("the metadata service says %q of role %q", printable(keys.Code), printable(role))
	}
	return keys.credentials(m.Now())
}

// Container returns the credentials that the endpoint at a URL of ContainerURL
// gives; authorization goes into the header of that name, if there is one.
func (m Machine) Container(ctx context.Context, endpoint string, authorization keystore.Secret) (Credentials, error) {
	header := ""
	if !authorization.IsZero() {
		if strings.ContainsAny(authorization.Reveal(), "\r\n") {
			return Credentials{}, errors.New("the authorization token has a line break in it")
		}
		header = "Authorization"
	}
	client := machineClient()
	defer client.CloseIdleConnections()
	status, text, err := machineCall(ctx, client, http.MethodGet, endpoint, header, authorization.Reveal())
	defer clear(text)
	switch {
	case err != nil:
		return Credentials{}, err
	case status != http.StatusOK:
		return Credentials{}, fmt.Errorf("the container's endpoint answered HTTP %d", status)
	}
	var keys machineKeys
	if json.Unmarshal(text, &keys) != nil {
		return Credentials{}, errors.New("the container's endpoint answered something else than credentials")
	}
	return keys.credentials(m.Now())
}

// ContainerURL returns the URL of a container's endpoint from the two variables
// that may name it; the relative one wins. Without TLS only this machine and
// the addresses of ECS and EKS are asked (AWS SDKs and Tools Reference Guide,
// page "Container credential provider").
func ContainerURL(relative, full string) (string, error) {
	const ecs = "http://169.254.170.2"
	switch {
	case relative != "" && (!strings.HasPrefix(relative, "/") || strings.HasPrefix(relative, "//")):
		return "", fmt.Errorf("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=%q is not a path", relative)
	case relative != "":
		return ecs + relative, nil
	case full == "":
		return "", errors.New("neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set")
	}
	u, err := url.Parse(full)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return "", errors.New("AWS_CONTAINER_CREDENTIALS_FULL_URI is not a URL") // it may hold a token
	}
	if u.Scheme == "https" || u.Hostname() == "localhost" {
		return full, nil
	}
	near := []netip.Addr{netip.MustParseAddr("169.254.170.2"), netip.MustParseAddr("169.254.170.23"), netip.MustParseAddr("fd00:ec2::23")}
	if at, err := netip.ParseAddr(u.Hostname()); err != nil || !at.IsLoopback() && !slices.Contains(near, at) {
		return "", fmt.Errorf("AWS_CONTAINER_CREDENTIALS_FULL_URI: without TLS %q is not asked for credentials", u.Hostname())
	}
	return full, nil
}

func (k machineKeys) credentials(now time.Time) (Credentials, error) {
	switch {
	case k.AccessKeyID == "" || k.SecretAccessKey == "":
		return Credentials{}, errors.New("the answer holds no access key")
	case !k.Expiration.IsZero() && !k.Expiration.After(now):
		return Credentials{}, fmt.Errorf("the answer holds credentials that ended at %s", k.Expiration.UTC().Format(time.RFC3339))
	}
	return Credentials{
		AccessKeyID:     printable(k.AccessKeyID),
		SecretAccessKey: keystore.NewSecret(k.SecretAccessKey),
		SessionToken:    keystore.NewSecret(k.Token),
		Issued:          now.UTC().Truncate(time.Second),
		Expires:         k.Expiration.UTC(),
	}, nil
}

func machineClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DialContext: (&net.Dialer{Timeout: machineDial}).DialContext, TLSHandshakeTimeout: machineTimeout},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// machineCall makes a request with one header, twice if need be, and returns
// the status and the body. An error does not repeat the path.
func machineCall(ctx context.Context, client *http.Client, method, address, header, value string) (status int, body []byte, err error) {
	for range machineAttempts {
		status, body, err = machineTry(ctx, client, method, address, header, value)
		if ctx.Err() != nil {
			return 0, nil, context.Canceled
		}
		if err == nil && status < 500 {
			break
		}
	}
	if err != nil {
		u, _ := url.Parse(address)
		err = errors.New(unreachable(err, u.Host))
	}
	return status, body, err
}

func machineTry(ctx context.Context, client *http.Client, method, address, header, value string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, machineTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return 0, nil, err
	}
	if header != "" {
		r.Header.Set(header, value)
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostMachine))
	return answer.StatusCode, body, err
}
