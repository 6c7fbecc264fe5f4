package ststest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"time"
)

var (
	arnPattern       = regexp.MustCompile(`^arn:[^:]+:[^:]+:[^:]*:[^:]*:[^:]+$`)
	policyARNPattern = regexp.MustCompile(`^arn:aws[a-z-]*:iam::(?:aws|\d{12}):policy/(?:[\x21-\x7e]+/)?[\w+=,.@-]{1,128}$`)
	roleARNPattern   = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/(?:[\x21-\x7e]+/)?[\w+=,.@-]{1,64}$`)
)

// The limits of AssumeRole. chainLife is the most that a role gets when it is
// assumed with temporary credentials; GetSessionToken's count too.
const (
	maxRoleLife     = 12 * time.Hour
	defaultRoleLife = time.Hour
	chainLife       = time.Hour
)

// assumeRole issues a session of a role to one whom the role trusts. An MFA
// code in the call is spent even where the call is refused for another reason
// later on.
func (s *Server) assumeRole(c *call) (any, *apiError) {
	v := checker{params: c.params}
	roleARN := v.text("RoleArn", arnRule)
	sessionName := v.text("RoleSessionName", sessionNameRule)
	life := v.life(minLife, maxRoleLife, defaultRoleLife)
	serial := v.text("SerialNumber", serialNumberRule)
	code := v.text("TokenCode", tokenCodeRule)
	externalID := v.text("ExternalId", externalIDRule)
	sourceIdentity := v.text("SourceIdentity", sourceIdentityRule)
	limits := v.sessionLimits()
	least := v.tokenSize()
	if err := v.err(); err != nil {
		return nil, err
	}
	switch {
	case !arnPattern.MatchString(roleARN):
		return nil, invalid("%s is invalid", roleARN)
	case !roleARNPattern.MatchString(roleARN):
		return nil, invalid("Request ARN is invalid")
	}
	size, err := limits.check()
	if err != nil {
		return nil, err
	}
	transitive, err := limits.inherit(c.caller.transitive)
	if err != nil {
		return nil, err
	}
	if err := limits.checkPolicies(partitionOfARN(roleARN)); err != nil {
		return nil, err
	}
	mfa, err := s.checkMFA(c, serial, code)
	if err != nil {
		return nil, err
	}
	if mfa.IsZero() {
		mfa = c.caller.mfa
	}
	inherited := c.caller.sourceIdentity
	role, ok := s.roles[roleARN]
	switch {
	case !c.caller.mayAssume():
		return nil, denied("User: %s is not authorized to perform: sts:AssumeRole on resource: %s because no session policy allows the sts:AssumeRole action", c.caller.arn, roleARN)
	case !ok || !role.admits(c, mfa, externalID):
		return nil, unauthorized(c.caller, "sts:AssumeRole", roleARN)
	case role.trust.DenyTags && len(limits.tags) > 0:
		return nil, unauthorized(c.caller, "sts:TagSession", roleARN)
	case sourceIdentity != "" && (role.trust.DenySourceIdentity || inherited != "" && inherited != sourceIdentity):
		return nil, unauthorized(c.caller, "sts:SetSourceIdentity", roleARN)
	case role.trust.RequireSourceIdentity && sourceIdentity == "" && inherited == "":
		return nil, unauthorized(c.caller, "sts:AssumeRole", roleARN)
	case c.caller.kind != longTerm && life > chainLife:
		return nil, invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	case life > role.trust.MaxSessionDuration:
		return nil, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	if sourceIdentity == "" {
		sourceIdentity = inherited
	}
	issued := s.issue(credential{
		kind:           roleSession,
		account:        role.account,
		partition:      role.partition,
		arn:            fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", role.partition, role.account, role.name, sessionName),
		userID:         role.uid + ":" + sessionName,
		role:           role,
		chained:        c.caller.kind == roleSession,
		sourceIdentity: sourceIdentity,
		transitive:     transitive,
		policyARNs:     limits.policyARNs,
	}, c.arrived, life, newToken(size, least))
	type assumedRoleUser struct{ AssumedRoleId, Arn string }
	type result struct {
		AssumedRoleUser  assumedRoleUser
		Credentials      sessionKeys
		PackedPolicySize int    `xml:",omitempty"`
		SourceIdentity   string `xml:",omitempty"`
		tokenUse
	}
	return result{
		AssumedRoleUser:  assumedRoleUser{issued.userID, issued.arn},
		Credentials:      issued.keys(),
		PackedPolicySize: percent(size, maxPacked),
		SourceIdentity:   sourceIdentity,
		tokenUse:         issued.use(),
	}, nil
}

// admits reports whether the role's trust policy lets the caller in, whose
// MFA code was given at mfa.
func (r *Role) admits(c *call, mfa time.Time, externalID string) bool {
	t := r.trust
	switch {
	case c.caller.kind == federated: // may call GetCallerIdentity only
		return false
	case r.partition != c.caller.partition || !t.allows(c.caller):
		return false
	case t.RequireMFA && mfa.IsZero():
		return false
	case t.MaxMFAAge > 0 && c.arrived.Sub(mfa) >= t.MaxMFAAge: // none is older than any
		return false
	}
	return t.ExternalID == "" || t.ExternalID == externalID
}

// unauthorized is what AWS answers whether the role does not exist, does not
// trust the caller or misses a condition.
func unauthorized(caller *credential, action, resource string) *apiError {
	return denied("User: %s is not authorized to perform: %s on resource: %s", caller.arn, action, resource)
}

// A tag is a session tag.
type tag struct{ key, value string }

// sessionLimits are the parameters that narrow or mark a session.
type sessionLimits struct {
	policy     string
	policyARNs []string
	tags       []tag
	transitive []string // keys
}

// sessionLimits reads Policy, PolicyArns, Tags and TransitiveTagKeys.
func (v *checker) sessionLimits() sessionLimits {
	return sessionLimits{
		policy:     v.text("Policy", policyRule),
		policyARNs: v.list("PolicyArns", ".arn", arnRule, maxPolicyARNs),
		tags:       v.tags(),
		transitive: v.list("TransitiveTagKeys", "", tagKeyRule, maxTags),
	}
}

// check checks what the single parameters do not show, and returns how many
// bytes they take in the session token. How AWS packs them is not documented;
// here it is the length of everything.
func (l sessionLimits) check() (size int, err *apiError) {
	if l.policy != "" {
		var policy map[string]any
		if json.Unmarshal([]byte(l.policy), &policy) != nil {
			return 0, &apiError{http.StatusBadRequest, "MalformedPolicyDocument", "The policy is not in the valid JSON format."}
		}
	}
	size = len(l.policy)
	for _, arn := range l.policyARNs {
		size += len(arn)
	}
	seen := make(map[string]bool)
	for _, t := range l.tags {
		size += len(t.key) + len(t.value)
		key := strings.ToLower(t.key)
		if seen[key] {
			return 0, badValue("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[key] = true
	}
	for _, key := range l.transitive {
		if !seen[strings.ToLower(key)] {
			return 0, badValue("The specified transitive tag key must be included in the requested tags.")
		}
	}
	if size > maxPacked {
		message := fmt.Sprintf("Packed policy consumes %d%% of allotted space, please use smaller policy.", percent(size, maxPacked))
		return 0, &apiError{http.StatusBadRequest, "PackedPolicyTooLarge", message}
	}
	return size, nil
}

// checkPolicies checks that the session policies can be policies of the
// role's partition.
func (l sessionLimits) checkPolicies(partition string) *apiError {
	for _, arn := range l.policyARNs {
		if !policyARNPattern.MatchString(arn) || partitionOfARN(arn) != partition {
			return invalid("%s is not a valid policy ARN.", arn)
		}
	}
	return nil
}

// mayAssume reports whether the policies of a session leave it
// sts:AssumeRole: of those that AWS itself manages few do, and ReadOnlyAccess
// is none of them.
func (c *credential) mayAssume() bool {
	for _, arn := range c.policyARNs {
		if !strings.HasSuffix(arn, ":iam::aws:policy/AdministratorAccess") {
			return false
		}
	}
	return true
}

// partitionOfARN returns the second part of an ARN.
func partitionOfARN(arn string) string {
	_, rest, _ := strings.Cut(arn, ":")
	name, _, _ := strings.Cut(rest, ":")
	return name
}

// inherit returns the transitive tags of the new session: those of the
// calling one, which must not be set again, and the new ones.
func (l sessionLimits) inherit(from map[string]string) (map[string]string, *apiError) {
	all := make(map[string]string)
	maps.Copy(all, from)
	for _, t := range l.tags {
		if _, ok := from[strings.ToLower(t.key)]; ok {
			return nil, badValue("One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
		for _, key := range l.transitive {
			if strings.EqualFold(key, t.key) {
				all[strings.ToLower(t.key)] = t.value
			}
		}
	}
	return all, nil
}

func badValue(message string) *apiError {
	return &apiError{http.StatusBadRequest, "InvalidParameterValue", message}
}
