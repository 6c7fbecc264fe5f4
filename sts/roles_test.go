package sts

import (
	"testing"
	"time"

	"github.com/shellvault/vault/config"
)

const (
	staticBase = "[profile base]\naws_access_key_id = AKIA1\naws_secret_access_key = s\n"
	tempBase   = "[profile base]\nmfa_serial = M:alice\naws_access_key_id = ASIA1\naws_secret_access_key = s\naws_session_token = t\n"
	inClear    = `the key of profile "base" lies in clear in config`
)

func TestPlanRoles(t *testing.T) {
	testPlans(t, []planTest{
		{name: "a role", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\n[profile base]", stored: "base",
			want: "StoredKeys base AKIA-base\nGetSessionToken base 8h\nAssumeRole x R:dev 1h"},
		{name: "the source names a device", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\n" + base, stored: "base",
			want: sharedSession + "AssumeRole x R:dev 1h"},
		{name: "both name one device", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\nmfa_serial = M:alice\n" + base, stored: "base",
			want: sharedSession + "AssumeRole x R:dev 1h"},
		{name: "the role names a device", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\nmfa_serial = M:alice\n[profile base]", stored: "base",
			want: sharedSession + "AssumeRole x R:dev 1h"},
		{name: "the two name different devices", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\nmfa_serial = M:other\n" + base, stored: "base",
			want: "StoredKeys base AKIA-base\nGetSessionToken base 8h mfa=M:other\nAssumeRole x R:dev 1h"},
		{name: "another device", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\n" + base, stored: "base", options: Options{MFASerial: "M:other"},
			want: "StoredKeys base AKIA-base\nGetSessionToken base 8h mfa=M:other\nAssumeRole x R:dev 1h"},
		{name: "no session", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\n" + base, stored: "base", options: Options{NoSession: true},
			want: "StoredKeys base AKIA-base\nAssumeRole x R:dev 1h mfa=M:alice"},
		{name: "all of a role", stored: "base", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\nexternal_id = e\nrole_session_name = n\nsource_identity = i\nsession_tags = a=1, b = 2,\ntransitive_session_tags = a ,b\n" + base,
			want: sharedSession + "AssumeRole x R:dev 1h id=e as=n by=i tag=a:1 tag=b:2 transitive=a+b"},
		{name: "tags that are none", stored: "base", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\nsession_tags = a\n" + base,
			err: `config:4: session_tags "a" is not a list of key=value`},
		{name: "a tag without a key", stored: "base", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\nsession_tags = a=1, =2\n" + base,
			err: `config:4: session_tags "a=1, =2" is not a list of key=value`},
		{name: "a tag without a value", stored: "base", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\nsession_tags = a=\n" + base,
			want: sharedSession + "AssumeRole x R:dev 1h tag=a:"},
		{name: "no ARN", stored: "base", config: "[profile x]\nrole_arn = dev\nsource_profile = base\n" + base,
			err: `config:2: role_arn "dev" is not the ARN of a role`},
		{name: "the ARN of a user", stored: "base", config: "[profile x]\nrole_arn = arn:aws:iam::111111111111:user/u\nsource_profile = base\n" + base,
			err: `config:2: role_arn "arn:aws:iam::111111111111:user/u" is not the ARN of a role`},
		{name: "a key on the role's own profile", stored: "x base", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\n" + base,
			want: "StoredKeys x AKIA-x\nGetSessionToken x 8h\nAssumeRole x R:dev 1h"},
		{name: "its own source, stored", stored: "x", config: "[profile x]\nrole_arn = R:dev\nsource_profile = x\nmfa_serial = M:alice",
			want: "StoredKeys x AKIA-x\nGetSessionToken x 8h mfa=M:alice\nAssumeRole x R:dev 1h"},
		{name: "its own source, static", config: "[profile x]\nrole_arn = R:dev\nsource_profile = x\naws_access_key_id = AKIA1\naws_secret_access_key = s",
			want: "StaticKeys x AKIA1\nGetSessionToken x 8h\nAssumeRole x R:dev 1h", notes: `the key of profile "x" lies in clear in config`},
		{name: "its own source, no key", config: "[profile x]\nrole_arn = R:dev\nsource_profile = x",
			err: `profile "x": no access key is stored for it`},
		{name: "a role without a source, stored", stored: "x", config: "[profile x]\nrole_arn = R:dev",
			want: "StoredKeys x AKIA-x\nGetSessionToken x 8h\nAssumeRole x R:dev 1h"},
		{name: "a role without a source", config: "[profile x]\nrole_arn = R:dev",
			err: `profile "x": role_arn (config:2) has none of source_profile, credential_source and web_identity_token_file, and no access key is stored for it`},
		{name: "a role without a source, with keys", config: "[profile x]\nrole_arn = R:dev\naws_access_key_id = AKIA1\naws_secret_access_key = s",
			err: `profile "x": role_arn (config:2) has none of source_profile, credential_source and web_identity_token_file, and no access key is stored for it`},
		{name: "static keys beside a source", stored: "base", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\naws_access_key_id = AKIA9\naws_secret_access_key = s\n" + base,
			want: sharedSession + "AssumeRole x R:dev 1h"},
		{name: "static keys at the source", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\n" + staticBase,
			want: "StaticKeys base AKIA1\nGetSessionToken base 8h\nAssumeRole x R:dev 1h", notes: inClear},
		{name: "no key at the source", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\n" + base,
			err: `profile "base": no access key is stored for it, and "x" needs one`},
		{name: "two sources", stored: "base", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\ncredential_source = Environment\n" + base,
			err: `config:4: credential_source "Environment" stands beside source_profile (config:3): a role takes one of them`},
		{name: "two sources and a key", stored: "x", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\ncredential_source = Environment\n" + base,
			want: "StoredKeys x AKIA-x\nGetSessionToken x 8h\nAssumeRole x R:dev 1h"},
		{name: "temporary keys at the source", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\nduration_seconds = 7200\n" + tempBase,
			want: "StaticKeys base ASIA1\nAssumeRole x R:dev 1h",
			notes: `no MFA code is asked for: the keys of profile "base" are temporary, and AWS takes none with them
				a role assumed with temporary keys lasts at most 1h: "x" asked for 2h`},
	})
}

const chain = "[profile x]\nrole_arn = R:c\nsource_profile = mid\n[profile mid]\nrole_arn = R:b\nsource_profile = base\n"

func TestPlanChains(t *testing.T) {
	testPlans(t, []planTest{
		{name: "two roles", stored: "base", config: chain + base,
			want: sharedSession + "AssumeRole mid R:b 1h\nAssumeRole x R:c 1h"},
		{name: "three roles", stored: "base", profile: "y", config: "[profile y]\nrole_arn = R:d\nsource_profile = x\n" + chain + base,
			want: sharedSession + "AssumeRole mid R:b 1h\nAssumeRole x R:c 1h\nAssumeRole y R:d 1h"},
		{name: "longer than a chain allows", stored: "base", config: "[profile x]\nduration_seconds = 14400\n" + chain + base,
			want:  sharedSession + "AssumeRole mid R:b 1h\nAssumeRole x R:c 1h",
			notes: `a role assumed from a role lasts at most 1h: "x" asked for 4h`},
		{name: "shorter", stored: "base", config: chain + base, options: Options{Duration: 15 * time.Minute},
			want: sharedSession + "AssumeRole mid R:b 1h\nAssumeRole x R:c 15m"},
		{name: "the middle asks for more", stored: "base", config: chain + "duration_seconds = 14400\n" + base,
			want: sharedSession + "AssumeRole mid R:b 1h\nAssumeRole x R:c 1h"},
		{name: "no session", stored: "base", config: chain + base, options: Options{NoSession: true},
			want: "StoredKeys base AKIA-base\nAssumeRole mid R:b 1h mfa=M:alice\nAssumeRole x R:c 1h"},
		{name: "a device on the last role", stored: "base", config: "[profile x]\nmfa_serial = M:other\n" + chain + base,
			want:  sharedSession + "AssumeRole mid R:b 1h\nAssumeRole x R:c 1h",
			notes: `mfa_serial of profile "x" (config:2) is not used: AWS takes no MFA code from a role's session`},
		{name: "the same device on all", stored: "base", config: "[profile x]\nmfa_serial = M:alice\n" + chain + base,
			want: sharedSession + "AssumeRole mid R:b 1h\nAssumeRole x R:c 1h"},
		{name: "a device on the last role alone", stored: "base", config: "[profile x]\nmfa_serial = M:alice\n" + chain + "[profile base]",
			want:  "StoredKeys base AKIA-base\nGetSessionToken base 8h\nAssumeRole mid R:b 1h\nAssumeRole x R:c 1h",
			notes: `mfa_serial of profile "x" (config:2) is not used: AWS takes no MFA code from a role's session`},
		{name: "another device for all", stored: "base", config: "[profile x]\nmfa_serial = M:alice\n" + chain + base, options: Options{MFASerial: "M:other"},
			want: "StoredKeys base AKIA-base\nGetSessionToken base 8h mfa=M:other\nAssumeRole mid R:b 1h\nAssumeRole x R:c 1h"},
		{name: "a key in the middle", stored: "mid base", config: chain + base,
			want: "StoredKeys mid AKIA-mid\nGetSessionToken mid 8h\nAssumeRole mid R:b 1h\nAssumeRole x R:c 1h"},
		{name: "static keys in the middle", stored: "base", config: chain + "aws_access_key_id = AKIA1\naws_secret_access_key = s\n" + base,
			want:  "StaticKeys mid AKIA1\nGetSessionToken mid 8h\nAssumeRole x R:c 1h",
			notes: `the key of profile "mid" lies in clear in config`},
		{name: "stored and static keys in the middle", stored: "mid", config: chain + "aws_access_key_id = AKIA1\naws_secret_access_key = s\n" + base,
			want:  "StoredKeys mid AKIA-mid\nGetSessionToken mid 8h\nAssumeRole x R:c 1h",
			notes: `the key of profile "mid" in the keystore is used; config also holds one, in clear`},
		{name: "a source in the middle without a role", stored: "base", config: "[profile x]\nrole_arn = R:c\nsource_profile = mid\n[profile mid]\nsource_profile = base\n" + base,
			err: `profile "mid": source_profile (config:5) is of use with a role_arn only, and no access key is stored for it`},
		{name: "a loop", config: "[profile x]\nrole_arn = R:a\nsource_profile = y\n[profile y]\nrole_arn = R:b\nsource_profile = x",
			err: `source_profile loop: x -> y -> x`},
	})
}

func TestPlanDurations(t *testing.T) {
	role := "[profile x]\nrole_arn = R:dev\nsource_profile = base\n" + base
	long := "[profile x]\nduration_seconds = 14400\n" + role
	testPlans(t, []planTest{
		{name: "a session", config: "[profile x]", stored: "x", options: Options{Duration: 2 * time.Hour, SessionTTL: 3 * time.Hour},
			want: "StoredKeys x AKIA-x\nGetSessionToken x 2h"},
		{name: "a session by the variable", config: "[profile x]", stored: "x", options: Options{SessionTTL: 3 * time.Hour, ChainedTTL: 4 * time.Hour, RoleTTL: 5 * time.Hour},
			want: "StoredKeys x AKIA-x\nGetSessionToken x 3h"},
		{name: "a session below a role", config: role, stored: "base", options: Options{SessionTTL: 3 * time.Hour, ChainedTTL: 4 * time.Hour},
			want: "StoredKeys base AKIA-base\nGetSessionToken base 4h mfa=M:alice\nAssumeRole x R:dev 1h"},
		{name: "more than 1h", config: long, stored: "base",
			want: "StoredKeys base AKIA-base\nAssumeRole x R:dev 4h mfa=M:alice"},
		{name: "more than 1h without a device", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\nduration_seconds = 3601\n[profile base]", stored: "base",
			want: "StoredKeys base AKIA-base\nAssumeRole x R:dev 1h0m1s"},
		{name: "1h", config: long, stored: "base", options: Options{Duration: time.Hour},
			want: sharedSession + "AssumeRole x R:dev 1h"},
		{name: "the flag", config: long, stored: "base", options: Options{Duration: 2 * time.Hour, RoleTTL: 3 * time.Hour},
			want: "StoredKeys base AKIA-base\nAssumeRole x R:dev 2h mfa=M:alice"},
		{name: "the variable", config: long, stored: "base", options: Options{RoleTTL: 3 * time.Hour},
			want: "StoredKeys base AKIA-base\nAssumeRole x R:dev 3h mfa=M:alice"},
		{name: "the most", config: role, stored: "base", options: Options{Duration: 12 * time.Hour},
			want: "StoredKeys base AKIA-base\nAssumeRole x R:dev 12h mfa=M:alice"},
		{name: "the most of a session", config: "[profile x]", stored: "x", options: Options{Duration: 36 * time.Hour},
			want: "StoredKeys x AKIA-x\nGetSessionToken x 36h"},
		{name: "no number", config: "[profile x]\nduration_seconds = 1h\n" + role, stored: "base",
			err: `config:2: duration_seconds "1h" is not a number of seconds`},
		{name: "too little", config: "[profile x]\nduration_seconds = 899\n" + role, stored: "base",
			err: `config:2: duration_seconds "899" is out of range: AWS allows 900 to 43200`},
		{name: "negative", config: "[profile x]\nduration_seconds = -3600\n" + role, stored: "base",
			err: `config:2: duration_seconds "-3600" is out of range: AWS allows 900 to 43200`},
		{name: "too much", config: "[profile x]\nduration_seconds = 43201\n" + role, stored: "base",
			err: `config:2: duration_seconds "43201" is out of range: AWS allows 900 to 43200`},
		{name: "more than a duration holds", config: "[profile x]\nduration_seconds = 9223372036854775807\n" + role, stored: "base",
			err: `config:2: duration_seconds "9223372036854775807" is out of range: AWS allows 900 to 43200`},
		{name: "in the middle of a chain", config: chain + "duration_seconds = soon\n" + base, stored: "base",
			err: `config:7: duration_seconds "soon" is not a number of seconds`},
		{name: "of a profile without a role", config: "[profile x]\nduration_seconds = 7200", stored: "x",
			want: "StoredKeys x AKIA-x\nGetSessionToken x 1h"},
		{name: "a session for too long", config: "[profile x]", stored: "x", options: Options{Duration: 37 * time.Hour},
			err: "a session of 37h: AWS allows 15m to 36h"},
		{name: "a session for too short", config: "[profile x]", stored: "x", options: Options{SessionTTL: time.Minute},
			err: "a session of 1m: AWS allows 15m to 36h"},
		{name: "a session below a role for too long", config: role, stored: "base", options: Options{ChainedTTL: 37 * time.Hour},
			err: "a session of 37h: AWS allows 15m to 36h"},
		{name: "a role for too long", config: role, stored: "base", options: Options{Duration: 13 * time.Hour},
			err: "a role of 13h: AWS allows 15m to 12h"},
		{name: "a role for too short", config: role, stored: "base", options: Options{RoleTTL: 14*time.Minute + 59*time.Second},
			err: "a role of 14m59s: AWS allows 15m to 12h"},
	})
}

func TestPlanPlaces(t *testing.T) {
	at := func(p *config.Profile) string { return p.Get("endpoint_url") }
	testPlans(t, []planTest{
		{name: "the profile's region", config: "[profile x]\nregion = eu-west-1\nrole_arn = R:dev\nsource_profile = base\n[profile base]\nregion = eu-north-1", stored: "base",
			want: "StoredKeys base AKIA-base\nGetSessionToken base 8h in=eu-west-1\nAssumeRole x R:dev 1h in=eu-west-1"},
		{name: "China by the role", config: "[profile x]\nrole_arn = arn:aws-cn:iam::222222222222:role/dev\nsource_profile = base\n[profile base]", stored: "base",
			want: "StoredKeys base AKIA-base\nGetSessionToken base 8h in=cn-northwest-1\nAssumeRole x arn:aws-cn:iam::222222222222:role/dev 1h in=cn-northwest-1"},
		{name: "GovCloud by the device", config: "[profile x]\nmfa_serial = arn:aws-us-gov:iam::111111111111:mfa/a", stored: "x",
			want: "StoredKeys x AKIA-x\nGetSessionToken x 1h mfa=arn:aws-us-gov:iam::111111111111:mfa/a in=us-gov-west-1"},
		{name: "GovCloud by the given device", config: "[profile x]", stored: "x", options: Options{MFASerial: "arn:aws-us-gov:iam::111111111111:mfa/a"},
			want: "StoredKeys x AKIA-x\nGetSessionToken x 1h mfa=arn:aws-us-gov:iam::111111111111:mfa/a in=us-gov-west-1"},
		{name: "China by the region of the switch", config: "[profile x]", stored: "x", options: Options{Region: "cn-north-1"},
			want: "StoredKeys x AKIA-x\nGetSessionToken x 1h in=cn-northwest-1"},
		{name: "the role's partition against the switch's", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\n[profile base]", stored: "base", options: Options{Region: "cn-north-1"},
			want: "StoredKeys base AKIA-base\nGetSessionToken base 8h\nAssumeRole x R:dev 1h"},
		{name: "endpoints", stored: "base", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\nendpoint_url = http://a\n[profile base]\nendpoint_url = http://b", options: Options{Endpoint: at},
			want: "StoredKeys base AKIA-base\nGetSessionToken base 8h at=http://a\nAssumeRole x R:dev 1h at=http://a"},
		{name: "the endpoint of a session", stored: "x", config: "[profile x]\nendpoint_url = http://a", options: Options{Endpoint: at},
			want: "StoredKeys x AKIA-x\nGetSessionToken x 1h at=http://a"},
	})
}
