package sts

import (
	"testing"
	"time"
)

const (
	ssoSession = "[sso-session s]\nsso_start_url = https://s\nsso_region = eu-west-1\n"
	ssoKeys    = "sso_session = s\nsso_account_id = 1\nsso_role_name = r\n"
	ssoStep    = "SSORoleCredentials x s/https://s/1/r in=eu-west-1"
	staticKeys = "aws_access_key_id = AKIA1\naws_secret_access_key = s\n"
)

func TestPlanIdentityCenter(t *testing.T) {
	testPlans(t, []planTest{
		{name: "session", config: "[profile x]\n" + ssoKeys + ssoSession, want: ssoStep},
		{name: "older form", config: "[profile x]\nregion = us-west-2\nsso_start_url = https://x\nsso_region = eu-west-1\nsso_account_id = 1\nsso_role_name = r\n",
			want: "SSORoleCredentials x /https://x/1/r in=eu-west-1"},
		{name: "a stored key", config: "[profile x]\n" + ssoKeys, stored: "x", want: "StoredKeys x AKIA-x\nGetSessionToken x 1h"},
		{name: "no role name", config: "[profile x]\nsso_session = s\nsso_account_id = 1\n" + ssoSession,
			err: `config:1: profile "x" lacks sso_role_name`},
		{name: "no section", config: "[profile x]\n" + ssoKeys,
			err: `config:2: sso_session of profile "x": no section [sso-session s]`},
		{name: "a token alone", config: "[profile x]\nregion = eu-west-1\nsso_session = s\n" + ssoSession,
			err: `profile "x": sso_session (config:3) without sso_account_id and sso_role_name gives no credentials`},
		{name: "a token alone, older form", config: "[profile x]\nsso_start_url = https://x\n",
			err: `profile "x": sso_start_url (config:2) without sso_account_id and sso_role_name gives no credentials`},
		{name: "the source of a role", config: "[profile y]\nrole_arn = R:dev\nsource_profile = x\nduration_seconds = 7200\nmfa_serial = M:alice\n[profile x]\n" + ssoKeys + ssoSession, profile: "y",
			want: ssoStep + "\nAssumeRole y R:dev 1h",
			notes: `no MFA code is asked for: the keys of profile "x" are temporary, and AWS takes none with them
				a role assumed from a role lasts at most 1h: "y" asked for 2h`},
		{name: "the source of a source", config: "[profile z]\nrole_arn = R:c\nsource_profile = y\n[profile y]\nrole_arn = R:dev\nsource_profile = x\n[profile x]\n" + ssoKeys + ssoSession, profile: "z",
			want: ssoStep + "\nAssumeRole y R:dev 1h\nAssumeRole z R:c 1h"},
		{name: "no session", config: "[profile x]\n" + ssoKeys + ssoSession, options: Options{NoSession: true, Duration: 4 * time.Hour}, want: ssoStep},
	})
}

func TestPlanMachine(t *testing.T) {
	testPlans(t, []planTest{
		{name: "instance", config: "[profile x]\nrole_arn = R:dev\ncredential_source = Ec2InstanceMetadata\n",
			want: "CredentialSource x from=Ec2InstanceMetadata\nAssumeRole x R:dev 1h"},
		{name: "container, more than 1h", config: "[profile x]\nrole_arn = R:dev\ncredential_source = EcsContainer\nduration_seconds = 7200",
			want:  "CredentialSource x from=EcsContainer\nAssumeRole x R:dev 1h",
			notes: `a role assumed from a role lasts at most 1h: "x" asked for 2h`},
		{name: "environment", config: "[profile x]\nrole_arn = R:dev\ncredential_source = Environment\nmfa_serial = M:alice",
			want: "CredentialSource x from=Environment\nAssumeRole x R:dev 1h mfa=M:alice"},
		{name: "at the source", config: "[profile x]\nrole_arn = R:c\nsource_profile = y\n[profile y]\nrole_arn = R:dev\ncredential_source = EcsContainer",
			want: "CredentialSource y from=EcsContainer\nAssumeRole y R:dev 1h\nAssumeRole x R:c 1h"},
		{name: "no role", config: "[profile x]\ncredential_source = Environment\n", err: `profile "x": no access key is stored for it`},
		{name: "no such source", config: "[profile x]\nrole_arn = R:dev\ncredential_source = environment",
			err: `config:3: credential_source "environment" is not one of Environment, Ec2InstanceMetadata, EcsContainer`},
		{name: "a stored key", config: "[profile x]\nrole_arn = R:dev\ncredential_source = Environment", stored: "x",
			want: "StoredKeys x AKIA-x\nGetSessionToken x 8h\nAssumeRole x R:dev 1h"},
	})
}

func TestPlanWebIdentity(t *testing.T) {
	testPlans(t, []planTest{
		{name: "file", config: "[profile x]\nrole_arn = R:dev\nweb_identity_token_file = /t\nrole_session_name = n\nexternal_id = e\nduration_seconds = 7200",
			want: "AssumeRoleWithWebIdentity x R:dev from=/t 2h as=n"},
		{name: "process", config: "[profile x]\nrole_arn = R:dev\nweb_identity_token_process = print token",
			want: "AssumeRoleWithWebIdentity x R:dev runs=print token 1h"},
		{name: "the source of a role", config: "[profile x]\nrole_arn = R:c\nsource_profile = y\n[profile y]\nrole_arn = R:dev\nweb_identity_token_file = /t\nduration_seconds = 7200",
			options: Options{Duration: 2 * time.Hour},
			want:    "AssumeRoleWithWebIdentity y R:dev from=/t 1h\nAssumeRole x R:c 1h",
			notes:   `a role assumed from a role lasts at most 1h: "x" asked for 2h`},
		{name: "no role", config: "[profile x]\nweb_identity_token_file = /t\n", err: `profile "x": no access key is stored for it`},
		{name: "no ARN", config: "[profile x]\nrole_arn = dev\nweb_identity_token_file = /t\n", err: `config:2: role_arn "dev" is not the ARN of a role`},
		{name: "beside a source", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\nweb_identity_token_file = /t\n" + base, stored: "base",
			err: `config:4: web_identity_token_file "/t" stands beside source_profile (config:3): a role takes one of them`},
	})
}

func TestPlanSignIn(t *testing.T) {
	testPlans(t, []planTest{
		{name: "alone", config: "[profile x]\nlogin_session = arn:aws:iam::1:user/me", want: "LoginSession x from=arn:aws:iam::1:user/me"},
		{name: "the source of a role", config: "[profile x]\nrole_arn = R:dev\nsource_profile = y\n[profile y]\nlogin_session = me",
			want: "LoginSession y from=me\nAssumeRole x R:dev 1h"},
	})
}

// The order of the AWS CLI, where a profile has more than one source.
func TestPlanOrder(t *testing.T) {
	static := "StaticKeys x AKIA1\nGetSessionToken x 1h"
	inClear := `the key of profile "x" lies in clear in `
	testPlans(t, []planTest{
		{name: "Identity Center, keys in the credentials file", config: "[profile x]\n" + ssoKeys + ssoSession, credentials: "[x]\n" + staticKeys, want: ssoStep},
		{name: "Identity Center, process", config: "[profile x]\ncredential_process = p\n" + ssoKeys + ssoSession, want: ssoStep},
		{name: "Identity Center, half a key", config: "[profile x]\naws_access_key_id = AKIA1\n" + ssoKeys + ssoSession, want: ssoStep},
		{name: "half a key, process", config: "[profile x]\naws_access_key_id = AKIA1\ncredential_process = p\n",
			err: `config:2: profile "x" has aws_access_key_id but no aws_secret_access_key`},
		{name: "a token of Identity Center, keys", config: "[profile x]\nsso_session = s\n", credentials: "[x]\n" + staticKeys, want: static, notes: inClear + "credentials"},
		{name: "process, keys in the credentials file", config: "[profile x]\ncredential_process = p\n", credentials: "[x]\n" + staticKeys, want: static, notes: inClear + "credentials"},
		{name: "process, keys in the config file", config: "[profile x]\ncredential_process = p\n" + staticKeys, want: "CredentialProcess x runs=p"},
		{name: "sign-in, keys in the credentials file", config: "[profile x]\nlogin_session = s\n", credentials: "[x]\n" + staticKeys, want: static, notes: inClear + "credentials"},
		{name: "sign-in, keys in the config file", config: "[profile x]\nlogin_session = s\n" + staticKeys, want: "LoginSession x from=s"},
		{name: "sign-in, process", config: "[profile x]\nlogin_session = s\ncredential_process = p", want: "LoginSession x from=s"},
		{name: "web identity, keys", config: "[profile x]\nrole_arn = R:dev\nweb_identity_token_file = /t\n", credentials: "[x]\n" + staticKeys,
			want: "AssumeRoleWithWebIdentity x R:dev from=/t 1h"},
		{name: "machine, keys", config: "[profile x]\nrole_arn = R:dev\ncredential_source = EcsContainer\n" + staticKeys,
			want: "CredentialSource x from=EcsContainer\nAssumeRole x R:dev 1h"},
		{name: "machine, web identity", config: "[profile x]\nrole_arn = R:dev\ncredential_source = EcsContainer\nweb_identity_token_file = /t\n",
			err: `config:4: web_identity_token_file "/t" stands beside credential_source (config:3): a role takes one of them`},
	})
}
