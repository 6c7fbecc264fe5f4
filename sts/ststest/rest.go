package ststest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// A route is one operation of a service that is called by method and path,
// and that needs no signature.
type route struct {
	service string
	action  string // as Calls counts it
	do      restAction
}

// A restAction does what a call asks for. The result is written as JSON, or
// as it is where it is a string. It is called with the server's mu held.
type restAction func(*Server, *call) (result any, err *apiError)

// routes are the operations by method and path, and action where there are
// several. A path that ends with a slash
// stands for all below it.
var routes = map[string]route{
	"PUT /latest/api/token":                           {"imds", "MetadataToken", (*Server).metadataToken},
	"GET /latest/meta-data/iam/security-credentials/": {"imds", "MetadataCredentials", (*Server).metadataCredentials},
	"GET /container/credentials":                      {"ecs", "ContainerCredentials", (*Server).containerCredentials},
	"POST /client/register":                           {"sso-oauth", "RegisterClient", (*Server).registerClient},
	"POST /device_authorization":                      {"sso-oauth", "StartDeviceAuthorization", (*Server).startDevice},
	"POST /token":                                     {"sso-oauth", "CreateToken", (*Server).createToken},
	"GET /authorize":                                  {"sso-oauth", "Authorize", (*Server).authorize},
	"GET /device":                                     {"sso-oauth", "DevicePage", (*Server).devicePage},
	"GET /federation/credentials":                     {"awsssoportal", "GetRoleCredentials", (*Server).roleCredentials},
	"GET /assignment/accounts":                        {"awsssoportal", "ListAccounts", (*Server).listAccounts},
	"GET /assignment/roles":                           {"awsssoportal", "ListAccountRoles", (*Server).listRoles},
	"GET /federation?Action=getSigninToken":           {"signin", "getSigninToken", (*Server).signinToken},
	"GET /federation?Action=login":                    {"signin", "login", (*Server).consoleLogin},
	"GET /oauth?Action=logout":                        {"signin", "consoleLogout", (*Server).consoleLogout},
	"POST /logout":                                    {"awsssoportal", "Logout", (*Server).portalLogout},
	"POST /v1/token":                                  {"signin-oauth", "CreateOAuth2Token", (*Server).createOAuth2Token},
}

// routeOf returns the operation that a request is for.
func routeOf(r *http.Request) (route, bool) {
	key := r.Method + " " + r.URL.Path
	if found, ok := routes[key+"?Action="+r.URL.Query().Get("Action")]; ok {
		return found, true
	}
	if found, ok := routes[key]; ok {
		return found, true
	}
	i := strings.LastIndexByte(key, '/') + 1
	found, ok := routes[key[:i]]
	return found, ok && i > len(r.Method)+2
}

// unsaid are the parameters of which a Request does not tell the value.
var unsaid = map[string]bool{
	"TokenCode": true, "WebIdentityToken": true,
	"clientSecret": true, "deviceCode": true, "code": true, "codeVerifier": true, "refreshToken": true, "code_challenge": true, "state": true,
	"Session": true, "SigninToken": true, "redirect_uri": true,
}

// serve answers one call.
func (x route) serve(s *Server, w http.ResponseWriter, c *call) {
	c.params = url.Values{}
	for name, values := range c.request.URL.Query() {
		c.params[name] = values
	}
	var body map[string]any
	if json.Unmarshal(c.body, &body) == nil {
		for name, value := range body {
			switch value := value.(type) {
			case string:
				c.params.Set(name, value)
			case []any:
				for _, v := range value {
					if text, ok := v.(string); ok {
						c.params.Add(name, text)
					}
				}
			}
		}
	}
	c.params.Set("Action", x.action)
	entry := s.record(c, x.service)
	f := s.takeFailure(x.action)
	if !f.wait(c.request) || f.Drop {
		s.finish(entry, dropped)
		drop()
	}
	var result any
	var err *apiError
	if f.Code != "" {
		err = &apiError{f.Status, f.Code, f.Message}
		if err.status == 0 {
			err.status = http.StatusBadRequest
		}
	} else {
		s.mu.Lock()
		result, err = x.do(s, c)
		s.mu.Unlock()
	}
	outcome := ""
	if err != nil {
		outcome = err.code
	}
	if f.Lose {
		s.finish(entry, dropped)
		drop()
	}
	s.finish(entry, outcome)
	if err != nil && x.service == "signin" {
		http.Error(w, "<html><body>"+err.message+"</body></html>", err.status) // it says so to browsers
		return
	}
	if err != nil {
		writeRestError(w, err)
		return
	}
	switch result := result.(type) {
	case string:
		_, _ = w.Write([]byte(result))
	case http.HandlerFunc:
		result(w, c.request)
	default:
		writeJSON(w, http.StatusOK, result)
	}
}

// writeRestError answers an error: in the words of OAuth (RFC 6749, section
// 5.2) where the code is one of those, else in those of AWS's JSON services.
func writeRestError(w http.ResponseWriter, err *apiError) {
	if !strings.Contains(err.code, "_") {
		w.Header().Set("X-Amzn-Errortype", err.code+":http://internal.amazon.com/")
		writeJSON(w, err.status, map[string]string{"message": err.message})
		return
	}
	name := "AccessDenied" // AWS Sign-In: the reasons are in capitals
	if err.code == strings.ToUpper(err.code) {
		w.Header().Set("X-Amzn-Errortype", name+"Exception")
		writeJSON(w, err.status, map[string]string{"error": err.code, "message": err.message})
		return
	}
	name = ""
	for part := range strings.SplitSeq(err.code, "_") {
		name += strings.ToUpper(part[:1]) + part[1:]
	}
	w.Header().Set("X-Amzn-Errortype", name+"Exception")
	writeJSON(w, err.status, map[string]string{"error": err.code, "error_description": err.message})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone
}
