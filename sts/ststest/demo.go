package ststest

import "time"

// Demo is a small company: one account with the user alice and her MFA
// device, three accounts with a role each that she may assume with MFA, and an
// Identity Center that she has roles of two more accounts from.
type Demo struct {
	URL             string            `json:"url"`
	AccessKeyID     string            `json:"access_key_id"`
	SecretAccessKey string            `json:"secret_access_key"`
	UserARN         string            `json:"user_arn"`
	MFASerial       string            `json:"mfa_serial"`
	MFASeed         string            `json:"mfa_seed"`
	Roles           map[string]string `json:"roles"` // ARNs by stage: dev, staging, prod
	SSOStartURL     string            `json:"sso_start_url"`
}

// AddDemo adds the company to the server. The role of prod may be assumed
// for four hours, the others for one.
func (s *Server) AddDemo() Demo {
	const home = "111111111111"
	user := s.AddUser(home, "alice")
	device := user.AddMFA("alice")
	id, secret := user.NewKey()
	trust := Trust{Principals: []string{home}, RequireMFA: true}
	prod := trust
	prod.MaxSessionDuration = 4 * time.Hour
	const startURL = "https://demo.awsapps.com/start"
	center := s.AddIdentityCenter(startURL)
	center.Assign("555555555555", "sandbox", "Developer")
	center.Assign("555555555555", "sandbox", "ReadOnly")
	center.Assign("666666666666", "data", "Analyst")
	return Demo{
		URL:             s.URL(),
		AccessKeyID:     id,
		SecretAccessKey: secret,
		UserARN:         user.ARN(),
		MFASerial:       device.Serial(),
		MFASeed:         device.Seed(),
		Roles: map[string]string{
			"dev":     s.AddRole("222222222222", "Developer", trust).ARN(),
			"staging": s.AddRole("333333333333", "Deployer", trust).ARN(),
			"prod":    s.AddRole("444444444444", "Admin", prod).ARN(),
		},
		SSOStartURL: startURL,
	}
}
