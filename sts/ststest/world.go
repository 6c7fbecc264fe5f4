package ststest

import (
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// partition names, with the prefix of their regions.
var regionPrefixes = map[string]string{
	"cn-":     "aws-cn",
	"us-gov-": "aws-us-gov",
	"eusc-":   "aws-eusc",
}

var accountPattern = regexp.MustCompile(`^\d{12}$`)

// partitionOf returns the partition that a region lies in.
func partitionOf(region string) string {
	for prefix, name := range regionPrefixes {
		if strings.HasPrefix(region, prefix) {
			return name
		}
	}
	return "aws"
}

// SetPartition puts an account into a partition such as aws-cn, before it has
// any user or role. Accounts are in aws otherwise.
func (s *Server) SetPartition(account, partition string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partitions[account] = partition
}

// partition returns the partition of an account. The server's mu must be held.
func (s *Server) partition(account string) string {
	if !accountPattern.MatchString(account) {
		panic(fmt.Sprintf("ststest: account %q is not twelve digits", account))
	}
	if name, ok := s.partitions[account]; ok {
		return name
	}
	return "aws"
}

// User is an IAM user.
type User struct {
	server                       *Server
	account, partition, arn, uid string

	requireMFA bool     // of IAM; guarded by the server's mu, as is what follows
	denied     []string // actions of IAM
}

// AddUser returns the IAM user of that name, making it where it does not
// exist. The name may have a path before it, as in "ops/alice".
func (s *Server) AddUser(account, name string) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	partition := s.partition(account)
	arn := fmt.Sprintf("arn:%s:iam::%s:user/%s", partition, account, name)
	if u, ok := s.users[arn]; ok {
		return u
	}
	u := &User{server: s, account: account, partition: partition, arn: arn, uid: "AIDA" + randomID(17)}
	s.users[arn] = u
	return u
}

// ARN returns the user's ARN.
func (u *User) ARN() string { return u.arn }

// ID returns the user's unique id, AIDA….
func (u *User) ID() string { return u.uid }

// NewKey returns a new long-term access key of the user.
func (u *User) NewKey() (accessKeyID, secretAccessKey string) {
	s := u.server
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.newKey(u, now)
	return key.id, key.secret
}

// newKey makes an access key of the user. The server's mu must be held.
func (s *Server) newKey(u *User, now time.Time) *credential {
	s.keysMade++
	key := &credential{
		kind:      longTerm,
		id:        "AKIA" + randomID(16),
		secret:    randomSecret(),
		account:   u.account,
		partition: u.partition,
		arn:       u.arn,
		userID:    u.uid,
		user:      u,
		active:    true,
		created:   now.UTC().Truncate(time.Second),
		number:    s.keysMade,
	}
	s.keys[key.id] = key
	return key
}

// Trust says who may assume a role and how.
type Trust struct {
	// Principals are account ids, or ARNs of an account's root, of users, of
	// roles, or of role sessions. Without any, nobody may assume the role.
	Principals []string

	RequireMFA bool          // aws:MultiFactorAuthPresent
	MaxMFAAge  time.Duration // aws:MultiFactorAuthAge; 0 is any
	ExternalID string        // sts:ExternalId; "" is any

	RequireSourceIdentity bool // sts:SourceIdentity must be there
	DenySourceIdentity    bool // sts:SetSourceIdentity is not granted
	DenyTags              bool // sts:TagSession is not granted

	// WebIdentity are the web identities that may assume the role.
	WebIdentity []WebIdentity

	// MaxSessionDuration is the role's, from 1 h to 12 h. 0 is 1 h.
	MaxSessionDuration time.Duration
}

// allows reports whether the principals name the one who calls.
func (t Trust) allows(caller *credential) bool {
	return slices.ContainsFunc(t.Principals, func(p string) bool {
		switch p {
		case caller.account, fmt.Sprintf("arn:%s:iam::%s:root", caller.partition, caller.account), caller.arn:
			return true
		}
		return caller.role != nil && p == caller.role.arn
	})
}

// Role is an IAM role.
type Role struct {
	account, partition, arn, uid string
	name                         string // without the path
	trust                        Trust  // guarded by the server's mu
}

// AddRole makes an IAM role, or changes the trust of the one that has the
// name already. The name may have a path before it. It panics where
// MaxSessionDuration is not one that IAM takes.
func (s *Server) AddRole(account, name string, trust Trust) *Role {
	if trust.MaxSessionDuration == 0 {
		trust.MaxSessionDuration = time.Hour
	}
	if d := trust.MaxSessionDuration; d < time.Hour || d > 12*time.Hour {
		panic(fmt.Sprintf("ststest: MaxSessionDuration %s of role %q is not between 1h and 12h", d, name))
	}
	trust.Principals = slices.Clone(trust.Principals)
	trust.WebIdentity = slices.Clone(trust.WebIdentity)
	s.mu.Lock()
	defer s.mu.Unlock()
	partition := s.partition(account)
	arn := fmt.Sprintf("arn:%s:iam::%s:role/%s", partition, account, name)
	r, ok := s.roles[arn]
	if !ok {
		r = &Role{account: account, partition: partition, arn: arn, uid: "AROA" + randomID(17), name: path.Base(name)}
		s.roles[arn] = r
	}
	r.trust = trust
	return r
}

// ARN returns the role's ARN.
func (r *Role) ARN() string { return r.arn }

// ID returns the role's unique id, AROA….
func (r *Role) ID() string { return r.uid }

// randomID returns n characters of the alphabet that AWS's ids are made of.
func randomID(n int) string {
	return base32.StdEncoding.EncodeToString(randomBytes(n))[:n]
}

// randomSecret returns a secret access key: 40 characters of base64.
func randomSecret() string { return base64.StdEncoding.EncodeToString(randomBytes(30)) }
