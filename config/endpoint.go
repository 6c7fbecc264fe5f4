package config

import (
	"fmt"
	"strings"
)

// Endpoint returns the URL that is configured for a service ("sts", "sso",
// "sso_oidc", "iam", "signin") and where: the name of a variable or
// "file:line". Both are empty where AWS's own endpoint is to be used.
//
// The strongest first: AWS_ENDPOINT_URL_<SERVICE>, the service's endpoint_url
// in the services section that the profile names, AWS_ENDPOINT_URL, the
// profile's endpoint_url; none of them where AWS_IGNORE_CONFIGURED_ENDPOINT_URLS
// or, without it, the profile's ignore_configured_endpoint_urls is true (AWS SDKs
// and Tools Reference Guide, page "Service-specific endpoints"). p may be nil.
func Endpoint(getenv func(string) (string, bool), p *Profile, f *Files, service string) (url, origin string) {
	if p == nil {
		p = new(Profile)
	}
	ignore, _ := getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
	if ignore == "" {
		ignore = p.Get("ignore_configured_endpoint_urls")
	}
	if strings.EqualFold(ignore, "true") {
		return "", ""
	}
	service = strings.ToLower(strings.NewReplacer(" ", "_", "-", "_").Replace(service))

	variable := "AWS_ENDPOINT_URL_" + strings.ToUpper(service)
	if url, _ := getenv(variable); url != "" {
		return url, variable
	}
	if s, err := f.Services(p); err == nil && s != nil {
		if v, ok := s.Lookup(service); ok {
			if v, _ := v.SubValue("endpoint_url"); v.Text != "" {
				return v.Text, v.Where()
			}
		}
	}
	if url, _ := getenv("AWS_ENDPOINT_URL"); url != "" {
		return url, "AWS_ENDPOINT_URL"
	}
	if v, _ := p.Lookup("endpoint_url"); v.Text != "" {
		return v.Text, v.Where()
	}
	return "", ""
}

// Services returns the services section that the profile names, nil where it
// names none. One that is missing is an error, as it is to the AWS CLI: to
// talk to AWS itself instead of the endpoint that was meant could do harm.
func (f *Files) Services(p *Profile) (*Section, error) {
	v, _ := p.Lookup("services")
	if v.Text == "" || f == nil {
		return nil, nil
	}
	s := f.Section("services", v.Text)
	if s == nil {
		return nil, fmt.Errorf("%s: services of profile %q: no section [services %s]", v.Where(), p.Name, v.Text)
	}
	return s, nil
}
