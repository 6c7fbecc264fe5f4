package ststest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/shellvault/vault/sts/ststest"
)

// tagged returns n different session tags.
func tagged(n int) []types.Tag {
	var list []types.Tag
	for i := range n {
		list = append(list, types.Tag{Key: aws.String(fmt.Sprint("k", i)), Value: aws.String("v")})
	}
	return list
}

func TestAssumeRole(t *testing.T) {
	const bob = "arn:aws:iam::111111111111:user/bob"
	trusting := ststest.Trust{Principals: []string{home}}
	longer := ststest.Trust{Principals: []string{home}, MaxSessionDuration: 4 * time.Hour}
	withMFA := ststest.Trust{Principals: []string{home}, RequireMFA: true}
	type input = sts.AssumeRoleInput
	tests := []struct {
		name  string
		trust ststest.Trust
		from  string // whose credentials: the user's where empty, or session, mfa session, role
		in    func(*world, *input)
		want  string // after aliceDenied, where it begins with sts:
		life  time.Duration
	}{
		{name: "account trusted", trust: trusting, life: time.Hour},
		{name: "account root trusted", trust: ststest.Trust{Principals: []string{"arn:aws:iam::111111111111:root"}}, life: time.Hour},
		{name: "user trusted", trust: ststest.Trust{Principals: []string{bob, "arn:aws:iam::111111111111:user/alice"}}, life: time.Hour},
		{name: "user's session trusted", trust: ststest.Trust{Principals: []string{"arn:aws:iam::111111111111:user/alice"}}, from: "session", life: time.Hour},
		{name: "nobody trusted", trust: ststest.Trust{}, want: "sts:AssumeRole"},
		{name: "another user trusted", trust: ststest.Trust{Principals: []string{bob}}, want: "sts:AssumeRole"},
		{name: "another account trusted", trust: ststest.Trust{Principals: []string{away, "arn:aws:iam::222222222222:root"}}, want: "sts:AssumeRole"},
		{name: "no such role", trust: trusting, in: func(_ *world, in *input) { in.RoleArn = aws.String(*in.RoleArn + "x") },
			want: "sts:AssumeRole on resource: arn:aws:iam::222222222222:role/Rolex"},

		{name: "MFA missing", trust: withMFA, want: "sts:AssumeRole"},
		{name: "MFA missing in the session", trust: withMFA, from: "session", want: "sts:AssumeRole"},
		{name: "MFA in the session", trust: withMFA, from: "mfa session", life: time.Hour},
		{name: "MFA in the call", trust: withMFA, in: func(w *world, in *input) {
			in.SerialNumber, in.TokenCode = aws.String(w.mfa.Serial()), aws.String(w.code())
		}, life: time.Hour},
		{name: "MFA in a call from a session", trust: withMFA, from: "session", in: func(w *world, in *input) {
			in.SerialNumber, in.TokenCode = aws.String(w.mfa.Serial()), aws.String(w.code())
		}, want: wrongDevice},
		{name: "MFA not needed but wrong", trust: trusting, in: func(w *world, in *input) {
			in.SerialNumber, in.TokenCode = aws.String(w.mfa.Serial()), aws.String(w.mfa.Code(w.clock.Now().Add(time.Hour)))
		}, want: badCode},
		{name: "serial without a code", trust: withMFA, in: func(w *world, in *input) {
			in.SerialNumber = aws.String(w.mfa.Serial())
		}, want: halfMFA},

		{name: "external id", trust: ststest.Trust{Principals: []string{home}, ExternalID: "a/b:c"},
			in: func(_ *world, in *input) { in.ExternalId = aws.String("a/b:c") }, life: time.Hour},
		{name: "external id wrong", trust: ststest.Trust{Principals: []string{home}, ExternalID: "a/b:c"},
			in: func(_ *world, in *input) { in.ExternalId = aws.String("other") }, want: "sts:AssumeRole"},
		{name: "external id missing", trust: ststest.Trust{Principals: []string{home}, ExternalID: "a/b:c"}, want: "sts:AssumeRole"},
		{name: "external id not needed", trust: trusting,
			in: func(_ *world, in *input) { in.ExternalId = aws.String("other") }, life: time.Hour},

		{name: "all that the role gives", trust: longer, in: seconds(4 * 3600), life: 4 * time.Hour},
		{name: "more than the role gives", trust: longer, in: seconds(4*3600 + 1), want: tooLongRole},
		{name: "more than a role gives by default", trust: trusting, in: seconds(3601), want: tooLongRole},
		{name: "more than any role gives", trust: longer, in: seconds(43201), want: fmt.Sprintf(constraint, "43201", "durationSeconds", "have value less than or equal to 43200")},
		{name: "too short", trust: trusting, in: seconds(899), want: secondsTooFew},
		{name: "shortest", trust: trusting, in: seconds(900), life: 15 * time.Minute},
		{name: "an hour from a session", trust: longer, from: "session", in: seconds(3600), life: time.Hour},
		{name: "more from a session", trust: longer, from: "session", in: seconds(3601), want: tooLongChain},
		{name: "an hour from a role", trust: chained(longer), from: "role", in: seconds(3600), life: time.Hour},
		{name: "more from a role", trust: chained(longer), from: "role", in: seconds(3601), want: tooLongChain},
		{name: "MFA is not inherited by a role", trust: chained(withMFA), from: "role",
			want: "403 AccessDenied: User: arn:aws:sts::333333333333:assumed-role/First/first is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::222222222222:role/Role"},

		{name: "shortest name", trust: trusting, in: named("ab"), life: time.Hour},
		{name: "longest name", trust: trusting, in: named(strings.Repeat("a", 64)), life: time.Hour},
		{name: "every sign in a name", trust: trusting, in: named("a_Z9+=,.@-"), life: time.Hour},
		{name: "name too short", trust: trusting, in: named("a"), want: fmt.Sprintf(constraint, "a", "roleSessionName", "have length greater than or equal to 2")},
		{name: "name too long", trust: trusting, in: named(strings.Repeat("a", 65)), want: fmt.Sprintf(constraint, strings.Repeat("a", 65), "roleSessionName", "have length less than or equal to 64")},
		{name: "blank in a name", trust: trusting, in: named("a b"), want: fmt.Sprintf(constraint, "a b", "roleSessionName", `satisfy regular expression pattern: [\w+=,.@-]*`)},
		{name: "line end in a name", trust: trusting, in: named("ab\n"), want: fmt.Sprintf(constraint, "ab\n", "roleSessionName", `satisfy regular expression pattern: [\w+=,.@-]*`)},

		{name: "no ARN", trust: trusting, in: arn("definitely-not-an-arn"), want: "400 ValidationError: definitely-not-an-arn is invalid"},
		{name: "ARN too short", trust: trusting, in: arn("arn:aws:iam::1:role"), want: fmt.Sprintf(constraint, "arn:aws:iam::1:role", "roleArn", "have length greater than or equal to 20")},
		{name: "ARN of a user", trust: trusting, in: arn("arn:aws:iam::111111111111:user/alice"), want: "400 ValidationError: Request ARN is invalid"},

		{name: "tags", trust: trusting, in: func(_ *world, in *input) { in.Tags, in.TransitiveTagKeys = tagged(50), []string{"k7"} }, life: time.Hour},
		{name: "too many tags", trust: trusting, in: func(_ *world, in *input) { in.Tags = tagged(51) },
			want: fmt.Sprintf(constraint, "51 members", "tags", "have length less than or equal to 50")},
		{name: "tag key too long", trust: trusting, in: tagOne(strings.Repeat("k", 129), ""), want: fmt.Sprintf(constraint, strings.Repeat("k", 129), "tags.1.member.key", "have length less than or equal to 128")},
		{name: "tag value too long", trust: trusting, in: tagOne("k", strings.Repeat("v", 257)), want: fmt.Sprintf(constraint, strings.Repeat("v", 257), "tags.1.member.value", "have length less than or equal to 256")},
		{name: "longest tag", trust: trusting, in: tagOne(strings.Repeat("k", 128), strings.Repeat("v", 256)), life: time.Hour},
		{name: "same tag twice", trust: trusting, in: func(_ *world, in *input) {
			in.Tags = []types.Tag{{Key: aws.String("k"), Value: aws.String("1")}, {Key: aws.String("K"), Value: aws.String("2")}}
		}, want: "400 InvalidParameterValue: Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{name: "transitive without a tag", trust: trusting, in: func(_ *world, in *input) { in.TransitiveTagKeys = []string{"k"} },
			want: "400 InvalidParameterValue: The specified transitive tag key must be included in the requested tags."},
		{name: "tags not granted", trust: ststest.Trust{Principals: []string{home}, DenyTags: true}, in: tagOne("k", "v"), want: "sts:TagSession"},
		{name: "no tags, not granted", trust: ststest.Trust{Principals: []string{home}, DenyTags: true}, life: time.Hour},

		{name: "source identity", trust: ststest.Trust{Principals: []string{home}, RequireSourceIdentity: true}, in: identify("alice"), life: time.Hour},
		{name: "source identity missing", trust: ststest.Trust{Principals: []string{home}, RequireSourceIdentity: true}, want: "sts:AssumeRole"},
		{name: "source identity not granted", trust: ststest.Trust{Principals: []string{home}, DenySourceIdentity: true}, in: identify("alice"), want: "sts:SetSourceIdentity"},
		{name: "source identity too short", trust: trusting, in: identify("a"), want: fmt.Sprintf(constraint, "a", "sourceIdentity", "have length greater than or equal to 2")},

		{name: "policy", trust: trusting, in: policy(`{"Version": "2012-10-17"}`), life: time.Hour},
		{name: "policy that is no JSON", trust: trusting, in: policy("nonsense"), want: "400 MalformedPolicyDocument: The policy is not in the valid JSON format."},
		{name: "policy too long", trust: trusting, in: policy(strings.Repeat("x", 2049)), want: fmt.Sprintf(constraint, strings.Repeat("x", 2049), "policy", "have length less than or equal to 2048")},
		{name: "policy and tags too long", trust: trusting, in: func(w *world, in *input) {
			policy(`{"a": "`+strings.Repeat("x", 2000)+`"}`)(w, in)
			in.Tags = tagged(50)
			in.Tags = append(in.Tags[:40], types.Tag{Key: aws.String("key"), Value: aws.String(strings.Repeat("v", 256))},
				types.Tag{Key: aws.String("key2"), Value: aws.String(strings.Repeat("v", 256))})
		}, want: "400 PackedPolicyTooLarge: Packed policy consumes 109% of allotted space, please use smaller policy."},
		{name: "a byte too much", trust: trusting, in: func(w *world, in *input) {
			policy(`{"a": "`+strings.Repeat("x", 2038)+`"}`)(w, in)
			in.Tags = []types.Tag{
				{Key: aws.String(strings.Repeat("k", 128)), Value: aws.String(strings.Repeat("v", 256))},
				{Key: aws.String("more"), Value: aws.String(strings.Repeat("v", 26))},
			}
		}, want: "400 PackedPolicyTooLarge: Packed policy consumes 101% of allotted space, please use smaller policy."},
		{name: "token size too large", trust: trusting, in: func(_ *world, in *input) { in.MinimumSessionTokenSize = aws.Int32(4097) },
			want: fmt.Sprintf(constraint, "4097", "minimumSessionTokenSize", "have value less than or equal to 4096")},
		{name: "policy ARNs", trust: trusting, in: policyARNs(10), life: time.Hour},
		{name: "policy ARNs too long", trust: trusting, in: func(_ *world, in *input) {
			for range 10 {
				long := aws.String("arn:aws:iam::aws:policy/" + strings.Repeat("p", 226))
				in.PolicyArns = append(in.PolicyArns, types.PolicyDescriptorType{Arn: long})
			}
		}, want: "400 PackedPolicyTooLarge: Packed policy consumes 102% of allotted space, please use smaller policy."},
		{name: "the ARN of no policy", trust: trusting, in: policyARN("arn:aws:iam::aws:role/ReadOnlyAccess"),
			want: "400 ValidationError: arn:aws:iam::aws:role/ReadOnlyAccess is not a valid policy ARN."},
		{name: "a policy of another partition", trust: trusting, in: policyARN("arn:aws-cn:iam::aws:policy/ReadOnlyAccess"),
			want: "400 ValidationError: arn:aws-cn:iam::aws:policy/ReadOnlyAccess is not a valid policy ARN."},
		{name: "too many policy ARNs", trust: trusting, in: policyARNs(11), want: fmt.Sprintf(constraint, "11 members", "policyArns", "have length less than or equal to 10")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			role := w.AddRole(away, "Role", test.trust)
			key := w.key
			switch test.from {
			case "session", "mfa session":
				key = w.session(t, test.from == "mfa session")
			case "role":
				first := w.AddRole("333333333333", "First", ststest.Trust{Principals: []string{home}})
				out, err := w.assume(t, w.session(t, true), first, func(in *input) { in.RoleSessionName = aws.String("first") })
				if err != nil {
					t.Fatal(err)
				}
				key = keysOf(out.Credentials)
			}
			want := test.want
			switch {
			case want == "":
				want = "ok"
			case strings.HasPrefix(want, "sts:") && !strings.Contains(want, " "):
				want = aliceDenied + want + " on resource: arn:aws:iam::222222222222:role/Role"
			case strings.HasPrefix(want, "sts:"):
				want = aliceDenied + want
			}
			out, err := w.assume(t, key, role, func(in *input) {
				if test.in != nil {
					test.in(w, in)
				}
			})
			if got := outcome(err); got != want {
				t.Fatalf("got  %s\nwant %s", got, want)
			}
			if err != nil {
				return
			}
			if got := aws.ToTime(out.Credentials.Expiration).Sub(w.clock.Now()); got != test.life {
				t.Errorf("lasts %s, want %s", got, test.life)
			}
			if _, err := w.identity(t, keysOf(out.Credentials)); err != nil {
				t.Errorf("the session is of no use: %v", err)
			}
		})
	}
}

// chained returns the trust with the role that the chains begin with added.
func chained(trust ststest.Trust) ststest.Trust {
	trust.Principals = append(slices.Clone(trust.Principals), "arn:aws:iam::333333333333:role/First")
	return trust
}

func seconds(n int32) func(*world, *sts.AssumeRoleInput) {
	return func(_ *world, in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(n) }
}

func named(name string) func(*world, *sts.AssumeRoleInput) {
	return func(_ *world, in *sts.AssumeRoleInput) { in.RoleSessionName = aws.String(name) }
}

func arn(text string) func(*world, *sts.AssumeRoleInput) {
	return func(_ *world, in *sts.AssumeRoleInput) { in.RoleArn = aws.String(text) }
}

func tagOne(key, value string) func(*world, *sts.AssumeRoleInput) {
	return func(_ *world, in *sts.AssumeRoleInput) {
		in.Tags = []types.Tag{{Key: aws.String(key), Value: aws.String(value)}}
	}
}

func identify(name string) func(*world, *sts.AssumeRoleInput) {
	return func(_ *world, in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String(name) }
}

func policy(text string) func(*world, *sts.AssumeRoleInput) {
	return func(_ *world, in *sts.AssumeRoleInput) { in.Policy = aws.String(text) }
}

func policyARN(arn string) func(*world, *sts.AssumeRoleInput) {
	return func(_ *world, in *sts.AssumeRoleInput) {
		in.PolicyArns = []types.PolicyDescriptorType{{Arn: aws.String(arn)}}
	}
}

func policyARNs(n int) func(*world, *sts.AssumeRoleInput) {
	return func(_ *world, in *sts.AssumeRoleInput) {
		for i := range n {
			in.PolicyArns = append(in.PolicyArns, types.PolicyDescriptorType{Arn: aws.String(fmt.Sprintf("arn:aws:iam::aws:policy/P%d", i))})
		}
	}
}

// Tokens grow with what is packed into them, up to 4096 bytes.
func TestTokenSize(t *testing.T) {
	w := newWorld(t)
	role := w.AddRole(away, "Role", ststest.Trust{Principals: []string{home}})
	tests := []struct {
		name        string
		in          func(*sts.AssumeRoleInput)
		least, most int
	}{
		{"plain", func(*sts.AssumeRoleInput) {}, 350, 900},
		{"minimum below", func(in *sts.AssumeRoleInput) { in.MinimumSessionTokenSize = aws.Int32(100) }, 350, 900},
		{"minimum", func(in *sts.AssumeRoleInput) { in.MinimumSessionTokenSize = aws.Int32(2001) }, 2001, 2004},
		{"longest", func(in *sts.AssumeRoleInput) { in.MinimumSessionTokenSize = aws.Int32(4096) }, 4096, 4096},
		{"policy", func(in *sts.AssumeRoleInput) { policy(`{"a": "`+strings.Repeat("x", 1500)+`"}`)(w, in) }, 2350, 2950},
		{"all that fits", func(in *sts.AssumeRoleInput) {
			policy(`{"a": "`+strings.Repeat("x", 2038)+`"}`)(w, in)
			tagOne(strings.Repeat("k", 128), strings.Repeat("v", 256))(w, in)
			in.Tags = append(in.Tags, types.Tag{Key: aws.String("more"), Value: aws.String(strings.Repeat("v", 25))})
		}, 3600, 4096},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, err := w.assume(t, w.key, role, test.in)
			if err != nil {
				t.Fatal(err)
			}
			n := len(aws.ToString(out.Credentials.SessionToken))
			if n < test.least || n > test.most {
				t.Errorf("got %d bytes, want %d to %d", n, test.least, test.most)
			}
			if size, use := int(aws.ToInt32(out.SessionTokenSize)), int(aws.ToInt32(out.SessionTokenUtilization)); size != n || use != (n*100+4095)/4096 {
				t.Errorf("got size %d, %d %%, of %d bytes", size, use, n)
			}
			if got := w.who(t, keysOf(out.Credentials)); got != "ok" {
				t.Errorf("the session is of no use: %s", got)
			}
		})
	}
}
