package sts_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
	"github.com/shellvault/vault/sts/ststest"
)

func TestConsoleAddress(t *testing.T) {
	tests := []struct {
		partition, region, path, page, host string
	}{
		{"aws", "eu-west-1", "", "https://eu-west-1.console.aws.amazon.com/console/home?region=eu-west-1", "us-east-1.signin.aws.amazon.com"},
		{"aws", "", "", "https://console.aws.amazon.com/console/home", "us-east-1.signin.aws.amazon.com"},
		{"aws", "eu-west-1", "//evil.example.com/x", "https://eu-west-1.console.aws.amazon.com/evil.example.com/x?region=eu-west-1", "us-east-1.signin.aws.amazon.com"},
		{"aws", "eu-west-1", "@evil.example.com", "https://eu-west-1.console.aws.amazon.com/@evil.example.com?region=eu-west-1", "us-east-1.signin.aws.amazon.com"},
		{"aws", "eu-west-1", "s3?region=us-east-1#x", "https://eu-west-1.console.aws.amazon.com/s3?region=us-east-1#x", "us-east-1.signin.aws.amazon.com"},
		{"aws-cn", "cn-north-1", "", "https://console.amazonaws.cn/console/home?region=cn-north-1", "signin.amazonaws.cn"},
		{"aws-us-gov", "us-gov-west-1", "", "https://console.amazonaws-us-gov.com/console/home?region=us-gov-west-1", "signin.amazonaws-us-gov.com"},
		{"aws-eusc", "eusc-de-east-1", "", "https://console.amazonaws-eusc.eu/console/home?region=eusc-de-east-1", "signin.amazonaws-eusc.eu"},
	}
	for _, tt := range tests {
		partition, _ := config.PartitionOf(tt.partition)
		c := sts.Console{Partition: partition}
		page, err := c.Page(tt.region, tt.path)
		if err != nil || page != tt.page {
			t.Errorf("%s %q: got page %q, %v, want %q", tt.partition, tt.path, page, err, tt.page)
		}
		for _, signOut := range []bool{false, true} {
			address, err := c.Address(keystore.NewSecret("canary"), page, signOut)
			want := "https://" + tt.host + "/federation?Action=login"
			if signOut {
				want = "https://" + tt.host + "/oauth?Action=logout&redirect_uri=https%3A%2F%2F" + tt.host + "%2Ffederation"
			}
			if err != nil || !strings.HasPrefix(address.Reveal(), want) || !strings.Contains(address.Reveal(), "canary") {
				t.Errorf("%s: got address %q, %v, want %q…", tt.partition, address.Reveal(), err, want)
			}
		}
	}
	secret, _ := config.PartitionOf("aws-iso")
	if _, err := (sts.Console{Partition: secret}).Address(keystore.NewSecret("x"), "", false); err == nil {
		t.Error("a console where none is known")
	}
	for _, path := range []string{"https://evil.example.com/", "a\\b", "a\nb", "%zz"} {
		if page, err := (sts.Console{}).Page("", path); err == nil {
			t.Errorf("path %q: got page %q", path, page)
		}
	}
}

// TestConsoleRefused checks that nothing secret stands in the error where the
// sign-in service refuses credentials, or is not there.
func TestConsoleRefused(t *testing.T) {
	fake := ststest.New(time.Now)
	id, key := fake.AddUser("111111111111", "alice").NewKey()
	caller := &sts.AWS{Now: time.Now}
	partition, _ := config.PartitionOf("aws")
	c := sts.Console{Partition: partition, Endpoint: fake.URL()}
	with := sts.Credentials{AccessKeyID: id, SecretAccessKey: keystore.NewSecret(key), SessionToken: keystore.NewSecret("")}
	check := func(want string) {
		t.Helper()
		_, err := c.Token(t.Context(), caller, with, 0)
		var refused *sts.CallError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "Session") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	check("the sign-in service does not take these credentials")
	fake.Close()
	check("cannot reach 127.0.0.1")
}
