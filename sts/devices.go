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
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/shellvault/vault/config"
)

// Devices asks IAM for the serials of the MFA devices of the user whose key it
// is (AWS IAM API Reference, ListMFADevices). endpoint is the URL that is
// configured for IAM, "" for AWS's own in the partition of that name.
func (c *AWS) Devices(ctx context.Context, with Credentials, partition, endpoint string) ([]string, error) {
	client, err := c.client()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	host, region := iam(partition)
	if endpoint == "" {
		endpoint = "https://" + host
	}
	body := url.Values{"Action": {"ListMFADevices"}, "Version": {"2010-05-08"}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(endpoint, "/")+"/", strings.NewReader(body))
	if err != nil {
		return nil, errNotURL(endpoint)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sum := sha256.Sum256([]byte(body))
	keys := aws.Credentials{AccessKeyID: with.AccessKeyID, SecretAccessKey: with.SecretAccessKey.Reveal(), SessionToken: with.SessionToken.Reveal()}
	if err := (signer{c}).SignHTTP(ctx, keys, r, hex.EncodeToString(sum[:]), "iam", region, c.Now()); err != nil {
		return nil, err
	}
	w := &wire{client: client, now: c.Now}
	answer, err := w.Do(r)
	if errors.Is(err, context.Canceled) {
		return nil, err
	}
	e := &CallError{Step: Step{Action: "ListMFADevices"}, AccessKeyID: with.AccessKeyID, Host: w.host, Skew: w.ahead}
	if err != nil {
		e.Message, e.Err = unreachable(err, w.host), err
		return nil, e
	}
	text, _ := io.ReadAll(answer.Body) // it is in memory
	var said struct {
		Serials   []string `xml:"ListMFADevicesResult>MFADevices>member>SerialNumber"`
		Code      string   `xml:"Error>Code"`
		Message   string   `xml:"Error>Message"`
		RequestID string   `xml:"RequestId"`
	}
	if err := xml.NewDecoder(bytes.NewReader(text)).Decode(&said); err != nil || answer.StatusCode != http.StatusOK && said.Code == "" {
		e.Message = fmt.Sprintf("%s answered HTTP %d, and not as AWS does", w.host, answer.StatusCode)
		return nil, e
	}
	if said.Code != "" {
		e.Code, e.RequestID = printable(said.Code), printable(said.RequestID)
		e.Message = conceal(printable(said.Message), with.SecretAccessKey.Reveal(), with.SessionToken.Reveal())
		return nil, e
	}
	for i, serial := range said.Serials {
		said.Serials[i] = printable(serial)
	}
	return said.Serials, nil
}

// iam returns the host of IAM in a partition, and the region that signatures
// for it name (AWS General Reference, "IAM endpoints and quotas").
func iam(partition string) (host, region string) {
	p, ok := config.PartitionOf(partition)
	switch {
	case !ok || p.Name == "aws":
		return "iam.amazonaws.com", "us-east-1"
	case p.Name == "aws-us-gov":
		return "iam.us-gov.amazonaws.com", "us-gov-west-1"
	case p.Name == "aws-cn":
		return "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"
	}
	return "iam." + p.STSRegion + "." + p.Suffix, p.STSRegion
}
