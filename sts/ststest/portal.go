package ststest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// ssoAccount is an account that the person has roles in.
type ssoAccount struct {
	id, name, email string
	roles           []string
}

// Assign gives the person a role in an account. The credentials of it last for
// an hour. A role that the person has is not given twice.
func (i *IdentityCenter) Assign(account, name, role string) {
	i.set(func() {
		a := i.account(account)
		if a == nil {
			a = &ssoAccount{id: account, email: account + "@example.com"}
			i.accounts = append(i.accounts, a)
		}
		a.name = cmp.Or(name, a.name)
		if !slices.Contains(a.roles, role) {
			a.roles = append(a.roles, role)
		}
	})
}

// Unassign takes a role from the person again.
func (i *IdentityCenter) Unassign(account, role string) {
	i.set(func() {
		if a := i.account(account); a != nil {
			a.roles = slices.DeleteFunc(a.roles, func(r string) bool { return r == role })
		}
	})
}

func (i *IdentityCenter) account(id string) *ssoAccount {
	for _, a := range i.accounts {
		if a.id == id {
			return a
		}
	}
	return nil
}

// bearer returns whose access token a call of the portal shows.
func (s *Server) bearer(c *call) (*ssoToken, string, *apiError) {
	text := c.request.Header.Get("X-Amz-Sso_bearer_token")
	t, ok := s.accessTokens[text]
	if !ok || !c.arrived.Before(t.expires) {
		return nil, "", &apiError{http.StatusUnauthorized, "UnauthorizedException", "Session token not found or invalid"}
	}
	return t, text, nil
}

// roleCredentials is GetRoleCredentials (IAM Identity Center Portal API
// Reference).
func (s *Server) roleCredentials(c *call) (any, *apiError) {
	t, _, err := s.bearer(c)
	if err != nil {
		return nil, err
	}
	id, role := c.params.Get("account_id"), c.params.Get("role_name")
	a := t.center.account(id)
	switch {
	case !accountPattern.MatchString(id) || role == "":
		return nil, &apiError{http.StatusBadRequest, "InvalidRequestException", "account_id or role_name is wrong"}
	case a == nil || !slices.Contains(a.roles, role):
		return nil, &apiError{http.StatusForbidden, "ForbiddenException", "No access"}
	}
	partition := s.partition(id)
	name := "AWSReservedSSO_" + role + "_0123456789abcdef"
	keys := s.issue(credential{
		kind: roleSession, account: id, partition: partition,
		arn: fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/alice", partition, id, name), userID: "AROASSO:alice",
		role: &Role{account: id, partition: partition, name: name, arn: fmt.Sprintf("arn:%s:iam::%s:role/aws-reserved/sso.amazonaws.com/%s", partition, id, name)},
	}, c.arrived, time.Hour, newToken(0, 0))
	return map[string]any{"roleCredentials": map[string]any{
		"accessKeyId": keys.id, "secretAccessKey": keys.secret, "sessionToken": keys.token, "expiration": keys.expires.UnixMilli()}}, nil
}

// listAccounts is ListAccounts.
func (s *Server) listAccounts(c *call) (any, *apiError) {
	t, _, err := s.bearer(c)
	if err != nil {
		return nil, err
	}
	var all []map[string]string
	for _, a := range t.center.accounts {
		if len(a.roles) > 0 {
			all = append(all, map[string]string{"accountId": a.id, "accountName": a.name, "emailAddress": a.email})
		}
	}
	return page(c, "accountList", all)
}

// listRoles is ListAccountRoles.
func (s *Server) listRoles(c *call) (any, *apiError) {
	t, _, err := s.bearer(c)
	if err != nil {
		return nil, err
	}
	id := c.params.Get("account_id")
	a := t.center.account(id)
	if a == nil {
		return nil, &apiError{http.StatusNotFound, "ResourceNotFoundException", "no such account"}
	}
	var all []map[string]string
	for _, role := range a.roles {
		all = append(all, map[string]string{"roleName": role, "accountId": id})
	}
	return page(c, "roleList", all)
}

// largestPage is smaller than AWS's, so that tests see more than one.
const largestPage = 3

// page returns what the call wants of a list.
func page(c *call, name string, all []map[string]string) (any, *apiError) {
	size, err := strconv.Atoi(cmp.Or(c.params.Get("max_result"), "100"))
	from, err2 := strconv.Atoi(cmp.Or(c.params.Get("next_token"), "0"))
	if err != nil || size < 1 || size > 100 || err2 != nil || from < 0 || from > len(all) {
		return nil, &apiError{http.StatusBadRequest, "InvalidRequestException", "max_result is not between 1 and 100, or next_token is wrong"}
	}
	end := min(from+min(size, largestPage), len(all))
	answer := map[string]any{name: all[from:end]}
	if end < len(all) {
		answer["nextToken"] = strconv.Itoa(end)
	}
	return answer, nil
}

// portalLogout is Logout: the access token and its refresh token end.
func (s *Server) portalLogout(c *call) (any, *apiError) {
	t, text, err := s.bearer(c)
	if err != nil {
		return nil, err
	}
	delete(s.refreshTokens, t.refresh)
	delete(s.accessTokens, text)
	return "", nil
}
