package ststest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// iamAPI is IAM, as far as a user may ask for himself (AWS IAM API Reference).
var iamAPI = queryAPI{
	service:   "iam",
	version:   "2010-05-08",
	namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
	regions:   map[string]string{"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1", "aws-eusc": "eusc-de-east-1"},
	actions: map[string]action{
		"CreateAccessKey":      own((*Server).createAccessKey),
		"DeleteAccessKey":      own((*Server).deleteAccessKey),
		"GetAccessKeyLastUsed": own((*Server).getAccessKeyLastUsed),
		"GetUser":              own((*Server).getUser),
		"ListAccessKeys":       own((*Server).listAccessKeys),
		"ListMFADevices":       own((*Server).listMFADevices),
		"UpdateAccessKey":      own((*Server).updateAccessKey),
	},
}

// A userAction is an action on the user who signed.
type userAction func(*Server, *call, *User) (any, *apiError)

// own lets a user call do on herself, as a policy does that allows it on
// user/${aws:username}; a session without MFA, and one for another's name,
// may not (AWS STS API Reference, GetSessionToken and GetFederationToken).
func own(do userAction) action {
	return func(s *Server, c *call) (any, *apiError) {
		name := c.params.Get("Action")
		u := c.caller.user
		refused := func(why string) (any, *apiError) {
			return nil, denied("User: %s is not authorized to perform: iam:%s on resource: user %s %s", c.caller.arn, name, c.params.Get("UserName"), why)
		}
		switch {
		case u == nil || c.caller.kind == federated || c.caller.kind == userSession && c.caller.mfa.IsZero():
			return refused("because no identity-based policy allows the iam:" + name + " action")
		case u.requireMFA && c.caller.mfa.IsZero(), slices.Contains(u.denied, name):
			return refused("with an explicit deny in an identity-based policy")
		case c.params.Has("UserName") && c.params.Get("UserName") != u.name():
			return refused("because no identity-based policy allows the iam:" + name + " action")
		}
		return do(s, c, u)
	}
}

// name returns the user's name, without the path.
func (u *User) name() string { return u.arn[strings.LastIndexByte(u.arn, '/')+1:] }

// RequireMFA has IAM do nothing for the user without MFA, as the policy does
// that AWS proposes (IAM User Guide, "Allows MFA-authenticated IAM users to
// manage their own credentials").
func (u *User) RequireMFA(on bool) {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	u.requireMFA = on
}

// Deny has IAM refuse these actions to the user, and no others.
func (u *User) Deny(actions ...string) {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	u.denied = slices.Clone(actions)
}

// SetKeyLag has AWS be slow to hear of keys that are made from now on: the
// next calls that each of them signs are refused as if it did not exist.
func (s *Server) SetKeyLag(calls int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keyLag = calls
}

// Keys returns the ids of the user's access keys, oldest first, and whether
// each is active.
func (u *User) Keys() (ids []string, active map[string]bool) {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	active = make(map[string]bool)
	for _, key := range u.keys() {
		ids = append(ids, key.id)
		active[key.id] = key.active
	}
	return ids, active
}

// keys returns the user's access keys, oldest first. The server's mu must be
// held.
func (u *User) keys() []*credential {
	var list []*credential
	for _, key := range u.server.keys {
		if key.kind == longTerm && key.user == u {
			list = append(list, key)
		}
	}
	slices.SortFunc(list, func(a, b *credential) int { return a.number - b.number })
	return list
}

// maxKeys is how many access keys a user may have, active or not (IAM User
// Guide, "IAM and AWS STS quotas").
const maxKeys = 2

func (s *Server) createAccessKey(c *call, u *User) (any, *apiError) {
	if len(u.keys()) >= maxKeys {
		return nil, &apiError{http.StatusConflict, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2"}
	}
	key := s.newKey(u, c.arrived)
	key.lag = s.keyLag
	type accessKey struct{ UserName, AccessKeyId, Status, SecretAccessKey, CreateDate string }
	type result struct{ AccessKey accessKey }
	return result{accessKey{u.name(), key.id, "Active", key.secret, iamTime(key.created)}}, nil
}

func (s *Server) listAccessKeys(_ *call, u *User) (any, *apiError) {
	type member struct{ UserName, AccessKeyId, Status, CreateDate string }
	type result struct {
		AccessKeyMetadata struct {
			Members []member `xml:"member"`
		}
		IsTruncated bool
	}
	var answer result
	for _, key := range u.keys() {
		status := "Inactive"
		if key.active {
			status = "Active"
		}
		answer.AccessKeyMetadata.Members = append(answer.AccessKeyMetadata.Members, member{u.name(), key.id, status, iamTime(key.created)})
	}
	return answer, nil
}

// key returns the access key of the user that the call names.
func (u *User) key(c *call) (*credential, *apiError) {
	id := c.params.Get("AccessKeyId")
	if id == "" {
		return nil, invalid("1 validation error detected: Value null at 'accessKeyId' failed to satisfy constraint: Member must not be null")
	}
	for _, key := range u.keys() {
		if key.id == id {
			return key, nil
		}
	}
	return nil, &apiError{http.StatusNotFound, "NoSuchEntity", "The Access Key with id " + id + " cannot be found."}
}

func (s *Server) updateAccessKey(c *call, u *User) (any, *apiError) {
	key, err := u.key(c)
	if err != nil {
		return nil, err
	}
	status := c.params.Get("Status")
	if status != "Active" && status != "Inactive" {
		return nil, invalid("1 validation error detected: Value at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]")
	}
	key.active = status == "Active"
	return struct{}{}, nil
}

func (s *Server) deleteAccessKey(c *call, u *User) (any, *apiError) {
	key, err := u.key(c)
	if err != nil {
		return nil, err
	}
	delete(s.keys, key.id)
	return struct{}{}, nil
}

// getAccessKeyLastUsed tells at once what AWS tells after a while. Of a key
// that was never used there is no date.
func (s *Server) getAccessKeyLastUsed(c *call, u *User) (any, *apiError) {
	key, err := u.key(c)
	if err != nil {
		return nil, err
	}
	type lastUsed struct {
		LastUsedDate string `xml:",omitempty"`
		ServiceName  string
		Region       string
	}
	type result struct {
		UserName          string
		AccessKeyLastUsed lastUsed
	}
	if key.used.IsZero() {
		return result{u.name(), lastUsed{"", "N/A", "N/A"}}, nil
	}
	return result{u.name(), lastUsed{iamTime(key.used), key.usedFor, key.usedIn}}, nil
}

func (s *Server) getUser(_ *call, u *User) (any, *apiError) {
	type user struct{ UserName, UserId, Arn string }
	type result struct{ User user }
	return result{user{u.name(), u.uid, u.arn}}, nil
}

// listMFADevices lists the devices of the user who signed.
func (s *Server) listMFADevices(c *call, u *User) (any, *apiError) {
	type member struct{ SerialNumber, UserName, EnableDate string }
	type result struct {
		MFADevices struct {
			Members []member `xml:"member"`
		}
		IsTruncated bool
	}
	var answer result
	for serial, device := range s.devices {
		if device.user == u {
			answer.MFADevices.Members = append(answer.MFADevices.Members, member{serial, u.name(), iamTime(c.arrived)})
		}
	}
	slices.SortFunc(answer.MFADevices.Members, func(a, b member) int { return strings.Compare(a.SerialNumber, b.SerialNumber) })
	return answer, nil
}

func iamTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
