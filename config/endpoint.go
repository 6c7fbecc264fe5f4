package config

import "strings"

// Endpoint returns the URL that is configured for a service ("sts", "sso",
// "sso_oidc", "iam", "signin") and where: the name of a variable or
// "file:line". Both are empty where AWS's own endpoint is to be used.
//
// The strongest first: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the
// service's endpoint_url in the services section that the profile names, the
// profile's endpoint_url (AWS CLI User Guide, page "Using endpoints", "Endpoint
// configuration and settings precedence"; the SDKs for Python and Go do the
// same). None of them counts where AWS_IGNORE_CONFIGURED_ENDPOINT_URLS or,
// without it, the profile's ignore_configured_endpoint_urls is true. p may be
// nil.
func Endpoint(getenv func(string) (string, bool), p *Profile, f *Files, service string) (url, origin string) {
	if p == nil {
		p = new(Profile)
	}
	if ignore, _ := getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"); ignore == "" {
		if p.ignoresEndpoints() {
			return "", ""
		}
	} else if strings.EqualFold(ignore, "true") {
		return "", ""
	}
	service = strings.ToLower(strings.NewReplacer(" ", "_", "-", "_").Replace(service))

	variable := "AWS_ENDPOINT_URL_" + strings.ToUpper(service)
	if url, _ := getenv(variable); url != "" {
		return url, variable
	}
	if url, _ := getenv("AWS_ENDPOINT_URL"); url != "" {
		return url, "AWS_ENDPOINT_URL"
	}
	if s, err := f.Services(p); err == nil && s != nil {
		if v, ok := s.Lookup(service); ok {
			if v, _ := v.SubValue("endpoint_url"); v.Text != "" {
				return v.Text, v.Where()
			}
		}
	}
	if v, _ := p.Lookup("endpoint_url"); v.Text != "" {
		return v.Text, v.Where()
	}
	return "", ""
}

// ignoresEndpoints reports whether the profile says that no endpoint of the
// files or the environment counts.
func (p *Profile) ignoresEndpoints() bool {
	return strings.EqualFold(p.Get("ignore_configured_endpoint_urls"), "true")
}

// Services returns the services section that the profile names, nil where it
// names none or ignores endpoints. One that is missing is an error, as it is to
// the AWS CLI: to talk to AWS itself instead of the endpoint that was meant
// could do harm.
func (f *Files) Services(p *Profile) (*Section, error) {
	v, _ := p.Lookup("services")
	if v.Text == "" || f == nil || p.ignoresEndpoints() {
		return nil, nil
	}
	s := f.Section("services", v.Text)
	if s == nil {
		return nil, &SectionError{Value: v, Key: "services", Profile: p.Name, Section: "services " + v.Text}
	}
	return s, nil
}
