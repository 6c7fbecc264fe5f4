package ststest

import (
	"slices"
	"strings"
	"time"
)

// iamAPI is IAM, as far as a user may ask for himself (AWS IAM API Reference).
var iamAPI = queryAPI{
	service:   "iam",
	version:   "2010-05-08",
	namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
	actions:   map[string]action{"ListMFADevices": (*Server).listMFADevices},
}

// listMFADevices lists the devices of the user who signed.
func (s *Server) listMFADevices(c *call) (any, *apiError) {
	if c.caller.user == nil || c.caller.kind == federated || c.caller.kind == userSession && c.caller.mfa.IsZero() {
		return nil, denied("User: %s is not authorized to perform: iam:ListMFADevices on resource: user", c.caller.arn)
	}
	type member struct{ SerialNumber, UserName, EnableDate string }
	type result struct {
		MFADevices struct {
			Members []member `xml:"member"`
		}
		IsTruncated bool
	}
	var answer result
	name := c.caller.arn[strings.LastIndexByte(c.caller.arn, '/')+1:]
	for serial, device := range s.devices {
		if device.user == c.caller.user {
			answer.MFADevices.Members = append(answer.MFADevices.Members, member{serial, name, c.arrived.UTC().Format(time.RFC3339)})
		}
	}
	slices.SortFunc(answer.MFADevices.Members, func(a, b member) int { return strings.Compare(a.SerialNumber, b.SerialNumber) })
	return answer, nil
}
