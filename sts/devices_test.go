package sts

import (
	"errors"
	"slices"
	"testing"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts/ststest"
)

func TestDevices(t *testing.T) {
	w := newWorld(t)
	got, err := w.client.Devices(t.Context(), w.key, "aws", w.aws.URL())
	if err != nil || !slices.Equal(got, []string{"arn:aws:iam::111111111111:mfa/alice"}) {
		t.Errorf("%q %v", got, err)
	}
	wrong := w.key
	wrong.SecretAccessKey = keystore.NewSecret("wrong")
	var call *CallError
	if _, err := w.client.Devices(t.Context(), wrong, "aws", w.aws.URL()); !errors.As(err, &call) || call.Code != "SignatureDoesNotMatch" {
		t.Errorf("error %v", err)
	}
	w.aws.Fail("ListMFADevices", ststest.Failure{Drop: true}, 3)
	if _, err := w.client.Devices(t.Context(), w.key, "aws", w.aws.URL()); !errors.As(err, &call) || call.Code != "" || call.Host == "" {
		t.Errorf("error %v", err)
	}
	for partition, want := range map[string]string{
		"aws": "iam.amazonaws.com us-east-1", "aws-cn": "iam.cn-north-1.amazonaws.com.cn cn-north-1",
		"aws-us-gov": "iam.us-gov.amazonaws.com us-gov-west-1", "aws-eusc": "iam.eusc-de-east-1.amazonaws.eu eusc-de-east-1", "": "iam.amazonaws.com us-east-1",
	} {
		if host, region := iamHost(partition, false); host+" "+region != want {
			t.Errorf("%s: %s %s", partition, host, region)
		}
	}
}
