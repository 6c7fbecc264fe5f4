package config

import "fmt"

// SSO is what a profile says of IAM Identity Center.
type SSO struct {
	Session   string // name of the sso-session section, "" in the older form
	StartURL  string
	Region    string // of Identity Center, not of the profile
	Scopes    string // sso_registration_scopes of the session
	AccountID string // empty, as is RoleName, where only a token is wanted
	RoleName  string
}

// SSO returns the profile's Identity Center settings with those of its
// sso_session section, nil where it has none at all (AWS SDKs and Tools
// Reference Guide, page "IAM Identity Center credential provider"). It is an
// error if the section is missing, if the profile says otherwise than its
// session, if start URL or region are lacking, or one of account and role.
func (f *Files) SSO(p *Profile) (*SSO, error) {
	s := &SSO{
		Session:   p.Get("sso_session"),
		StartURL:  p.Get("sso_start_url"),
		Region:    p.Get("sso_region"),
		AccountID: p.Get("sso_account_id"),
		RoleName:  p.Get("sso_role_name"),
	}
	if s.Session == "" && s.StartURL == "" && s.AccountID == "" && s.RoleName == "" {
		return nil, nil
	}
	if s.Session != "" {
		if err := f.joinSession(p, s); err != nil {
			return nil, err
		}
	}
	for _, need := range []struct{ key, value, because string }{
		{"sso_start_url", s.StartURL, ""},
		{"sso_region", s.Region, ""},
		{"sso_account_id", s.AccountID, s.RoleName},
		{"sso_role_name", s.RoleName, s.AccountID},
	} {
		if need.value == "" && (need.because != "" || need.key == "sso_start_url" || need.key == "sso_region") {
			return nil, fmt.Errorf("%s: profile %q lacks %s", p.Where(), p.Name, need.key)
		}
	}
	return s, nil
}

func (f *Files) joinSession(p *Profile, s *SSO) error {
	at, _ := p.Lookup("sso_session")
	session := f.Section("sso-session", s.Session)
	if session == nil {
		return &SectionError{Value: at, Key: "sso_session", Profile: p.Name, Section: "sso-session " + s.Session}
	}
	for _, join := range []struct {
		key string
		to  *string
	}{{"sso_start_url", &s.StartURL}, {"sso_region", &s.Region}} {
		theirs, ok := session.Lookup(join.key)
		if !ok || theirs.Text == "" {
			return fmt.Errorf("%s: sso-session %q lacks %s", session.Where(), s.Session, join.key)
		}
		if own, _ := p.Lookup(join.key); own.Text != "" && own.Text != theirs.Text {
			return fmt.Errorf("%s: profile %q has another %s than its sso-session %q (%s)", own.Where(), p.Name, join.key, s.Session, theirs.Where())
		}
		*join.to = theirs.Text
	}
	s.Scopes = session.Get("sso_registration_scopes")
	return nil
}

// SSOSessions returns the names of the sso-session sections, sorted.
func (f *Files) SSOSessions() []string {
	var names []string
	for i := range f.config.sections {
		if s := &f.config.sections[i]; s.kind == sectionSSO {
			names = append(names, s.name)
		}
	}
	return sortNames(names)
}

// SSOSession returns the settings of an sso-session section, nil where there
// is none of that name. It is an error if start URL or region are lacking.
func (f *Files) SSOSession(name string) (*SSO, error) {
	session := f.Section("sso-session", name)
	if session == nil {
		return nil, nil
	}
	for _, key := range []string{"sso_start_url", "sso_region"} {
		if session.Get(key) == "" {
			return nil, fmt.Errorf("%s: sso-session %q lacks %s", session.Where(), name, key)
		}
	}
	return &SSO{Session: name, StartURL: session.Get("sso_start_url"), Region: session.Get("sso_region"), Scopes: session.Get("sso_registration_scopes")}, nil
}
