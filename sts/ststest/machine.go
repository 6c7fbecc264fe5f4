package ststest

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// An instance is what the metadata service and the container's endpoint speak
// for.
type instance struct {
	role   *Role
	tokens map[string]time.Time // of the metadata service, with their end
	// authorization is what the container's endpoint wants to see.
	authorization string
}

// SetInstance makes the server also the metadata service of an instance with
// a role, nil for none, and the endpoint of a container on it. Its URL is then
// a AWS_EC2_METADATA_SERVICE_ENDPOINT, and its ContainerPath an
// AWS_CONTAINER_CREDENTIALS_FULL_URI, where authorization is the token, ""
// for none.
func (s *Server) SetInstance(role *Role, authorization string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instance = &instance{role, make(map[string]time.Time), authorization}
}

// ContainerPath is the path of the container's endpoint.
const ContainerPath = "/container/credentials"

// metadataToken answers PUT /latest/api/token (Amazon EC2 User Guide, "Use
// the Instance Metadata Service to access instance metadata").
func (s *Server) metadataToken(c *call) (any, *apiError) {
	life, err := time.ParseDuration(c.request.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") + "s")
	switch {
	case s.instance == nil:
		return nil, &apiError{http.StatusNotFound, "NotFound", "no instance"}
	case err != nil || life < time.Second || life > 6*time.Hour || c.request.Header.Get("X-Forwarded-For") != "":
		return nil, &apiError{http.StatusBadRequest, "BadRequest", "bad TTL"}
	}
	token := randomSecret()
	s.instance.tokens[token] = c.arrived.Add(life)
	return token, nil
}

// metadataCredentials answers for the role's name, and for its credentials.
func (s *Server) metadataCredentials(c *call) (any, *apiError) {
	if s.instance == nil || !c.arrived.Before(s.instance.tokens[c.request.Header.Get("X-Aws-Ec2-Metadata-Token")]) {
		return nil, &apiError{http.StatusUnauthorized, "Unauthorized", "no token of version 2"}
	}
	role := s.instance.role
	name, err := url.PathUnescape(c.request.URL.EscapedPath()[strings.LastIndexByte(c.request.URL.EscapedPath(), '/')+1:])
	switch {
	case role == nil || err != nil || name != "" && name != role.name:
		return nil, &apiError{http.StatusNotFound, "NotFound", "no such role"}
	case name == "":
		return role.name + "\n", nil
	}
	keys := s.instanceKeys(c)
	return map[string]string{"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": c.arrived.UTC().Format(time.RFC3339),
		"AccessKeyId": keys.id, "SecretAccessKey": keys.secret, "Token": keys.token, "Expiration": keys.expires.Format(time.RFC3339)}, nil
}

// containerCredentials answers as the agent of ECS does (Amazon ECS Developer
// Guide, "Amazon ECS task IAM role").
func (s *Server) containerCredentials(c *call) (any, *apiError) {
	if s.instance == nil || s.instance.role == nil {
		return nil, &apiError{http.StatusNotFound, "NotFound", "no container"}
	}
	if s.instance.authorization != c.request.Header.Get("Authorization") {
		return nil, &apiError{http.StatusUnauthorized, "Unauthorized", "another token is wanted"}
	}
	keys := s.instanceKeys(c)
	return map[string]string{"RoleArn": s.instance.role.arn,
		"AccessKeyId": keys.id, "SecretAccessKey": keys.secret, "Token": keys.token, "Expiration": keys.expires.Format(time.RFC3339)}, nil
}

func (s *Server) instanceKeys(c *call) *credential {
	role := s.instance.role
	return s.issue(credential{
		kind: roleSession, account: role.account, partition: role.partition, role: role,
		arn:    "arn:" + role.partition + ":sts::" + role.account + ":assumed-role/" + role.name + "/i-0123456789abcdef0",
		userID: role.uid + ":i-0123456789abcdef0",
	}, c.arrived, 6*time.Hour, newToken(0, 0))
}
