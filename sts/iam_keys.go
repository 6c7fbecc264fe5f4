package sts

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/shellvault/vault/keystore"
)

// An AccessKey is what IAM tells of an access key.
type AccessKey struct {
	ID      string
	Active  bool
	Created time.Time

	// What LastUsed adds.
	Asked           bool      // IAM has told when it was used last
	Used            time.Time // zero: never
	Service, Region string    // where
}

// Keys are the access keys of an IAM user. IAM is what makes the calls.
type Keys struct {
	IAM interface {
		IAM(ctx context.Context, with Credentials, partition, endpoint string, action Action, params url.Values, answer any) error
	}
	Partition, Endpoint string // as in AWS.IAM
	User                string // its name; "" for whose key signs
}

// UserName returns the name of the IAM user with an ARN, "" for the root user
// of an account (IAM User Guide, "IAM identifiers").
func UserName(arn string) string {
	_, path, ok := strings.Cut(arn, ":user/")
	if !ok {
		return ""
	}
	return path[strings.LastIndexByte(path, '/')+1:]
}

func (k Keys) call(ctx context.Context, with Credentials, action Action, id string, answer any) error {
	params := url.Values{}
	if k.User != "" && action != GetAccessKeyLastUsed {
		params.Set("UserName", k.User)
	}
	if id != "" {
		params.Set("AccessKeyId", id)
	}
	if action == UpdateAccessKey {
		params.Set("Status", "Inactive")
	}
	return k.IAM.IAM(ctx, with, k.Partition, k.Endpoint, action, params, answer)
}

// List returns the user's keys, at most two (IAM User Guide, "IAM and AWS STS
// quotas").
func (k Keys) List(ctx context.Context, with Credentials) ([]AccessKey, error) {
	var said struct {
		Keys []struct {
			ID      string    `xml:"AccessKeyId"`
			Status  string    `xml:"Status"`
			Created time.Time `xml:"CreateDate"`
		} `xml:"ListAccessKeysResult>AccessKeyMetadata>member"`
	}
	if err := k.call(ctx, with, ListAccessKeys, "", &said); err != nil {
		return nil, err
	}
	var list []AccessKey
	for _, key := range said.Keys {
		list = append(list, AccessKey{ID: printable(key.ID), Active: key.Status == "Active", Created: key.Created})
	}
	return list, nil
}

// LastUsed fills in when and for what a key was used last. AWS may be hours
// behind (AWS IAM API Reference, GetAccessKeyLastUsed).
func (k Keys) LastUsed(ctx context.Context, with Credentials, key *AccessKey) error {
	var said struct {
		Date    string `xml:"GetAccessKeyLastUsedResult>AccessKeyLastUsed>LastUsedDate"`
		Service string `xml:"GetAccessKeyLastUsedResult>AccessKeyLastUsed>ServiceName"`
		Region  string `xml:"GetAccessKeyLastUsedResult>AccessKeyLastUsed>Region"`
	}
	if err := k.call(ctx, with, GetAccessKeyLastUsed, key.ID, &said); err != nil {
		return err
	}
	key.Asked = true
	if at, err := time.Parse(time.RFC3339, said.Date); err == nil {
		key.Used, key.Service, key.Region = at, printable(said.Service), printable(said.Region)
	}
	return nil
}

var errNoNewKey = errors.New("AWS answered without a key")

// Create makes a new key. It is asked for once; where the answer is lost there
// may be a key whose secret nobody has: the error is a *CallError that is
// Unsure.
func (k Keys) Create(ctx context.Context, with Credentials) (keystore.UserKey, error) {
	var said struct {
		ID      string    `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret  string    `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
		Created time.Time `xml:"CreateAccessKeyResult>AccessKey>CreateDate"`
	}
	if err := k.call(ctx, with, CreateAccessKey, "", &said); err != nil {
		return keystore.UserKey{}, err
	}
	if said.ID == "" || said.Secret == "" {
		return keystore.UserKey{}, &CallError{Step: Step{Action: CreateAccessKey}, AccessKeyID: with.AccessKeyID, Message: errNoNewKey.Error(), Err: errNoNewKey}
	}
	return keystore.UserKey{AccessKeyID: printable(said.ID), SecretAccessKey: keystore.NewSecret(said.Secret), Created: said.Created}, nil
}

// Deactivate has AWS no longer take a key.
func (k Keys) Deactivate(ctx context.Context, with Credentials, id string) error {
	return k.call(ctx, with, UpdateAccessKey, id, new(struct{}))
}

// Delete deletes a key, for good.
func (k Keys) Delete(ctx context.Context, with Credentials, id string) error {
	return k.call(ctx, with, DeleteAccessKey, id, new(struct{}))
}
