package config

import (
	"errors"
	"testing"
)

func TestEndpoint(t *testing.T) {
	f := mustParse(t, `[profile plain]
[profile url]
endpoint_url = http://p
[profile both]
services = local
endpoint_url = http://p
[profile missing]
services = nosuch
endpoint_url = http://p
[profile ignore]
services = nosuch
ignore_configured_endpoint_urls = True
endpoint_url = http://p
[services local]
STS =
  endpoint_url = http://s
sso_oidc =
  Endpoint_URL = http://o
iam = x
`, "")
	tests := []struct {
		profile, service string
		env              []string
		url, origin      string
	}{
		{"plain", "sts", nil, "", ""},
		{"plain", "sts", []string{"AWS_ENDPOINT_URL="}, "", ""},
		{"plain", "sts", []string{"AWS_ENDPOINT_URL=http://e"}, "http://e", "AWS_ENDPOINT_URL"},
		{"plain", "sts", []string{"AWS_ENDPOINT_URL=http://e", "AWS_ENDPOINT_URL_STS=http://es"}, "http://es", "AWS_ENDPOINT_URL_STS"},
		{"plain", "sso", []string{"AWS_ENDPOINT_URL_STS=http://es"}, "", ""},
		{"plain", "SSO OIDC", []string{"AWS_ENDPOINT_URL_SSO_OIDC=http://es"}, "http://es", "AWS_ENDPOINT_URL_SSO_OIDC"},
		{"url", "sts", nil, "http://p", "config:3"},
		{"url", "sts", []string{"AWS_ENDPOINT_URL=http://e"}, "http://e", "AWS_ENDPOINT_URL"},
		{"both", "sts", nil, "http://s", "config:16"},
		{"both", "sso_oidc", nil, "http://o", "config:18"},
		{"both", "sts", []string{"AWS_ENDPOINT_URL=http://e"}, "http://e", "AWS_ENDPOINT_URL"},
		{"both", "sts", []string{"AWS_ENDPOINT_URL_STS=http://es"}, "http://es", "AWS_ENDPOINT_URL_STS"},
		{"both", "iam", nil, "http://p", "config:6"},
		{"both", "signin", []string{"AWS_ENDPOINT_URL=http://e"}, "http://e", "AWS_ENDPOINT_URL"},
		{"missing", "sts", nil, "http://p", "config:9"},
		{"ignore", "sts", nil, "", ""},
		{"ignore", "sts", []string{"AWS_ENDPOINT_URL_STS=http://es"}, "", ""},
		{"ignore", "sts", []string{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=false"}, "http://p", "config:13"},
		{"both", "sts", []string{"AWS_ENDPOINT_URL_STS=http://es", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=TRUE"}, "", ""},
	}
	for _, test := range tests {
		p, err := f.Profile(test.profile)
		if err != nil {
			t.Fatal(err)
		}
		if url, origin := Endpoint(env(test.env...), p, f, test.service); url != test.url || origin != test.origin {
			t.Errorf("%s %s %v: got %q from %q, want %q from %q", test.profile, test.service, test.env, url, origin, test.url, test.origin)
		}
	}
	if url, origin := Endpoint(env("AWS_ENDPOINT_URL=http://e"), nil, nil, "sts"); url != "http://e" || origin != "AWS_ENDPOINT_URL" {
		t.Errorf("without a profile: got %q from %q", url, origin)
	}
	p, _ := f.Profile("missing")
	const want = `config:8: services of profile "missing": no section [services nosuch]`
	var missing *SectionError
	if _, err := f.Services(p); !errors.As(err, &missing) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	p, _ = f.Profile("ignore")
	if s, err := f.Services(p); s != nil || err != nil {
		t.Errorf("endpoints are ignored, but got %v, %v", s, err)
	}
}

func TestPartition(t *testing.T) {
	regions := []struct{ region, want string }{
		{"us-east-1", "aws"}, {"eu-west-1", "aws"}, {"ap-southeast-7", "aws"}, {"mx-central-1", "aws"}, {"il-central-1", "aws"},
		{"us-gov-west-1", "aws-us-gov"}, {"cn-north-1", "aws-cn"}, {"eusc-de-east-1", "aws-eusc"},
		{"us-iso-east-1", "aws-iso"}, {"us-isob-east-1", "aws-iso-b"}, {"eu-isoe-west-1", "aws-iso-e"}, {"us-isof-south-1", "aws-iso-f"},
		{"", ""}, {"us-", ""}, {"mars-1", ""}, {"global", ""},
	}
	for _, test := range regions {
		if p, ok := PartitionOfRegion(test.region); p.Name != test.want || ok != (test.want != "") {
			t.Errorf("%q: got %q, %v, want %q", test.region, p.Name, ok, test.want)
		}
	}
	for _, p := range partitions {
		if got, ok := PartitionOfRegion(p.STSRegion); !ok || got.Name != p.Name {
			t.Errorf("%s: its STS region %s is in %q", p.Name, p.STSRegion, got.Name)
		}
		if got, ok := PartitionOfARN("arn:" + p.Name + ":iam::123456789012:role/r"); !ok || got.Name != p.Name {
			t.Errorf("%s: its ARNs are in %q", p.Name, got.Name)
		}
	}
	for _, arn := range []string{"", "arn:", "arn:aws", "arn:other:iam::1:role/r", "urn:aws:iam", "aws:iam"} {
		if p, ok := PartitionOfARN(arn); ok {
			t.Errorf("%q: got %q", arn, p.Name)
		}
	}
	cn, _ := PartitionOf("aws-cn")
	if got := cn.Host("sts", "cn-north-1"); got != "sts.cn-north-1.amazonaws.com.cn" {
		t.Errorf("got %q", got)
	}
}
