package sts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/shellvault/vault/config"
)

// The calls to IAM (AWS IAM API Reference).
const (
	ListMFADevices       Action = "ListMFADevices"
	ListAccessKeys       Action = "ListAccessKeys"
	GetAccessKeyLastUsed Action = "GetAccessKeyLastUsed"
	CreateAccessKey      Action = "CreateAccessKey"
	UpdateAccessKey      Action = "UpdateAccessKey"
	DeleteAccessKey      Action = "DeleteAccessKey"
)

// OfIAM reports whether an action is one of IAM.
func (a Action) OfIAM() bool {
	switch a {
	case ListMFADevices, ListAccessKeys, GetAccessKeyLastUsed, CreateAccessKey, UpdateAccessKey, DeleteAccessKey:
		return true
	}
	return false
}

// IAM makes a call to IAM and decodes into answer, a pointer to a struct for
// encoding/xml, what it answers. endpoint is the URL that is configured for
// IAM, "" for AWS's own in the partition of that name. An error is a
// *CallError.
func (c *AWS) IAM(ctx context.Context, with Credentials, partition, endpoint string, action Action, params url.Values, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for try, corrected := 1, false; ; try++ {
		err := c.iam(ctx, with, partition, endpoint, action, params, answer)
		var e *CallError
		switch {
		case !errors.As(err, &e):
			return err
		case e.ClockOff() && e.Skew != 0 && !corrected:
			c.ahead.Store(int64(e.Skew))
			corrected = true
		case try >= 3, !e.throttled() && (!e.Unsure() || action == CreateAccessKey):
			return err // asked for a second time, AWS might make two
		default:
			pause := time.NewTimer(jitter(try, e.throttled()))
			select {
			case <-pause.C:
			case <-ctx.Done():
				pause.Stop()
				return err
			}
		}
	}
}

// iam makes the call once.
func (c *AWS) iam(ctx context.Context, with Credentials, partition, endpoint string, action Action, params url.Values, answer any) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	host, region := iamHost(partition, c.FIPS)
	if endpoint == "" {
		endpoint = "https://" + host
	}
	form := url.Values{"Action": {string(action)}, "Version": {"2010-05-08"}}
	for name, values := range params {
		form[name] = values
	}
	body := form.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(endpoint, "/")+"/", strings.NewReader(body))
	if err != nil {
		return errNotURL(endpoint)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sum := sha256.Sum256([]byte(body))
	keys := aws.Credentials{AccessKeyID: with.AccessKeyID, SecretAccessKey: with.SecretAccessKey.Reveal(), SessionToken: with.SessionToken.Reveal()}
	if err := (signer{c}).SignHTTP(ctx, keys, r, hex.EncodeToString(sum[:]), "iam", region, c.Now()); err != nil {
		return err
	}
	w := &wire{client: client, now: c.Now}
	got, err := w.Do(r)
	if errors.Is(err, context.Canceled) {
		return err
	}
	e := &CallError{Step: Step{Action: action}, AccessKeyID: with.AccessKeyID, Host: w.host, Skew: w.ahead, status: w.status}
	if err != nil {
		e.Message, e.Err = unreachable(err, w.host), err
		return e
	}
	text, _ := io.ReadAll(got.Body) // it is in memory
	defer clear(text)
	var refused struct {
		Code      string `xml:"Error>Code"`
		Message   string `xml:"Error>Message"`
		RequestID string `xml:"RequestId"`
	}
	err = xml.NewDecoder(bytes.NewReader(text)).Decode(&refused)
	if err == nil && got.StatusCode == http.StatusOK && refused.Code == "" {
		err = xml.NewDecoder(bytes.NewReader(text)).Decode(answer)
		if err == nil {
			return nil
		}
	}
	if err != nil || refused.Code == "" {
		e.Message = fmt.Sprintf("%s answered HTTP %d, and not as AWS does", w.host, got.StatusCode)
		return e
	}
	e.Code, e.RequestID = printable(refused.Code), printable(refused.RequestID)
	e.Message = conceal(printable(refused.Message), with.SecretAccessKey.Reveal(), with.SessionToken.Reveal())
	return e
}

// throttled reports whether AWS did not look at the call yet.
func (e *CallError) throttled() bool {
	return e.Code == "Throttling" || e.Code == "ThrottlingException" || e.Code == "RequestLimitExceeded"
}

// Unsure reports whether AWS may have done what it was asked all the same: it
// was reached, and did not answer as it does.
func (e *CallError) Unsure() bool {
	var dial *net.OpError
	switch {
	case e.throttled():
		return false
	case e.Code != "":
		return e.status >= 500
	case errors.As(e.Err, &dial) && (dial.Op == "dial" || dial.Op == "proxyconnect"):
		return false
	}
	return true
}

// Unknown reports whether AWS does not know the key that signed: it is gone,
// not active, or so new that not all of AWS has heard of it (IAM User Guide,
// "Changes that I make are not always immediately visible").
func (e *CallError) Unknown() bool { return e.Code == "InvalidClientTokenId" }

// iamHost returns the host of IAM in a partition, and the region that
// signatures for it name (AWS General Reference, "IAM endpoints and quotas").
func iamHost(partition string, fips bool) (host, region string) {
	p, ok := config.PartitionOf(partition)
	switch {
	case (!ok || p.Name == "aws") && fips:
		return "iam-fips.amazonaws.com", "us-east-1"
	case !ok || p.Name == "aws":
		return "iam.amazonaws.com", "us-east-1"
	case p.Name == "aws-us-gov":
		return "iam.us-gov.amazonaws.com", "us-gov-west-1"
	case p.Name == "aws-cn":
		return "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"
	}
	return "iam." + p.STSRegion + "." + p.Suffix, p.STSRegion
}
