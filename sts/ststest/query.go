package ststest

import (
	"net/http"
	"net/url"
)

// A queryAPI is a service that speaks AWS's Query protocol: parameters in a
// form or in the URL, answers in XML.
type queryAPI struct {
	service   string // name in the credential scope
	version   string
	namespace string
	actions   map[string]action
	regions   map[string]string // by partition, the one that signatures have to name; nil: any
	unsigned  map[string]bool   // actions that show a token in place of a signature
}

// An action does what a verified call asks for and returns the content of
// its result element. It is called with the server's mu held.
type action func(*Server, *call) (result any, err *apiError)

// An apiError is an error in the form that AWS's services answer.
type apiError struct {
	status  int
	code    string
	message string
}

// serve answers one call.
func (api queryAPI) serve(s *Server, w http.ResponseWriter, c *call) {
	if c.request.URL.Path != "/" || c.request.Method != http.MethodGet && c.request.Method != http.MethodPost {
		writeUnknownOperation(w)
		return
	}
	err := c.parseForm()
	entry := s.record(c, api.service)
	f := s.takeFailure(entry.Action)
	if !f.wait(c.request) || f.Drop {
		s.finish(entry, dropped)
		drop()
	}
	var result any
	switch {
	case f.Code != "":
		err = &apiError{f.Status, f.Code, f.Message}
		if err.status == 0 {
			err.status = http.StatusBadRequest
		}
	case err == nil:
		result, err = api.do(s, c)
	}
	outcome := ""
	if err != nil {
		outcome = err.code
	}
	if !f.After.pass(c.request) || f.Lose {
		s.finish(entry, dropped)
		drop()
	}
	s.finish(entry, outcome)
	if err != nil {
		writeError(w, api.namespace, c.id, err)
		return
	}
	writeResult(w, api.namespace, c.id, entry.Action, result)
}

// do verifies the call and executes its action.
func (api queryAPI) do(s *Server, c *call) (any, *apiError) {
	name, version := c.params.Get("Action"), c.params.Get("Version")
	if name == "" {
		return nil, &apiError{http.StatusBadRequest, "MissingAction", "Missing Action"}
	}
	do, ok := api.actions[name]
	if version == "" {
		version = "NO_VERSION_SPECIFIED"
	}
	if !ok || version != api.version {
		return nil, &apiError{http.StatusBadRequest, "InvalidAction", "Could not find operation " + name + " for version " + version}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !api.unsigned[name] {
		if region := api.regions[partitionOf(c.auth.region)]; c.authErr == nil && region != "" && region != c.auth.region {
			return nil, mismatch("Credential should be scoped to a valid region. ")
		}
		if err := s.authenticate(c, api.service); err != nil {
			return nil, err
		}
	}
	return do(s, c)
}

// parseForm collects the parameters from the URL and from a form in the body.
func (c *call) parseForm() *apiError {
	malformed := &apiError{http.StatusBadRequest, "MalformedQueryString", "The query string contains a syntax error."}
	params, err := url.ParseQuery(c.request.URL.RawQuery)
	if err != nil {
		return malformed
	}
	c.params = params
	if c.request.Method != http.MethodPost {
		return nil
	}
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return malformed
	}
	for name, values := range form {
		params[name] = append(params[name], values...)
	}
	return nil
}
