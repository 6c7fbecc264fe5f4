package endpoint

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// InstanceAddress is where programs look for the instance metadata service of
// EC2 (Amazon EC2 User Guide, "Access instance metadata for an EC2 instance").
const InstanceAddress = "169.254.169.254:80"

// An Instance is what an instance metadata service says beside credentials.
type Instance struct {
	Role   string // the name that the credentials go by, of letters that a path may have
	Region string // "" if it is not known
}

// ListenInstance listens on an address of this machine, for programs on it and
// for nobody else: who asks has no token to be told from others by.
func ListenInstance(address string) (net.Listener, error) {
	l, err := net.Listen("tcp4", address)
	if err != nil {
		return nil, err
	}
	mine := own(l).(ownListener)
	mine.near = true
	return mine, nil
}

// ServeInstance serves on l as the instance metadata service of EC2 does, in
// its version 2 and not in its first: a program puts a request for a token,
// which a web page or a proxy cannot, and shows it (Amazon EC2 User Guide,
// "Use the Instance Metadata Service to access instance metadata").
func (s *Server) ServeInstance(ctx context.Context, l net.Listener, about Instance) error {
	called, tokens := instanceNames(l.Addr().String()), newTickets()
	return serve(ctx, l, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !direct(r, called):
			refuse(w, http.StatusForbidden, "Forbidden", "this endpoint is for programs on this machine")
		case r.URL.Path == "/latest/api/token":
			tokens.issue(w, r, s.Now())
		case r.Method != http.MethodGet:
			refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "GET only, and PUT for a token")
		case !tokens.good(r.Header.Get(tokenHeader), s.Now()):
			refuse(w, http.StatusUnauthorized, "Unauthorized", "the header "+tokenHeader+" is missing or no longer good")
		default:
			s.instance(ctx, w, r, about)
		}
	})
}

// instanceNames are the names of a server at an address: that one, and the
// service's own, by which it may be forwarded to.
func instanceNames(address string) func(string) bool {
	itself, service := only(address), only(InstanceAddress)
	return func(host string) bool { return itself(host) || service(host) }
}

// instance answers a request that shows a token.
func (s *Server) instance(ctx context.Context, w http.ResponseWriter, r *http.Request, about Instance) {
	const roles = "/latest/meta-data/iam/security-credentials"
	path := strings.TrimSuffix(r.URL.Path, "/")
	switch {
	case path == roles:
		say(w, about.Role)
	case path == roles+"/"+about.Role:
		s.instanceCredentials(ctx, w, r)
	case about.Region == "":
		refuse(w, http.StatusNotFound, "NotFound", "there is nothing here")
	case path == "/latest/meta-data/placement/region":
		say(w, about.Region)
	case path == "/latest/meta-data/placement/availability-zone":
		say(w, about.Region+"a")
	case path == "/latest/dynamic/instance-identity/document":
		a, _ := s.get(ctx, r.Context(), "") // the region is known without
		reply(w, map[string]string{"version": "2017-09-30", "region": about.Region, "availabilityZone": about.Region + "a", "accountId": a.Account})
	default:
		refuse(w, http.StatusNotFound, "NotFound", "there is nothing here")
	}
}

// instanceCredentials answers with credentials, or with why there are none: as
// on EC2 that is an answer too.
func (s *Server) instanceCredentials(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	a, err := s.get(ctx, r.Context(), "")
	if err != nil {
		reply(w, map[string]string{"Code": "Failed", "LastUpdated": stamp(s.Now()), "Message": s.Tell(err)})
		return
	}
	reply(w, struct {
		Code, LastUpdated, Type string
		AccessKeyID             string `json:"AccessKeyId"`
		SecretAccessKey, Token  string
		Expiration              string
	}{"Success", stamp(a.Issued), "AWS-HMAC", a.AccessKeyID, a.SecretAccessKey.Reveal(), a.SessionToken.Reveal(), stamp(a.Expires)})
}

func say(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, text) // the client is gone
}

// The headers of tokens: one in a request with it, and one that says how long it
// is good, in seconds, in the request for it and in the answer.
const (
	tokenHeader = "X-Aws-Ec2-Metadata-Token"
	lifeHeader  = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"
	longestLife = 6 * 60 * 60
)

// tickets are tokens that say themselves how long they are good, and are signed:
// none of them is remembered.
type tickets struct{ key []byte }

func newTickets() tickets {
	key := make([]byte, sha256.Size)
	rand.Read(key) // never fails, see crypto/rand
	return tickets{key}
}

// issue answers a request for a token.
func (t tickets) issue(w http.ResponseWriter, r *http.Request, now time.Time) {
	if r.Method != http.MethodPut {
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "PUT only")
		return
	}
	life, err := strconv.Atoi(r.Header.Get(lifeHeader))
	if err != nil || life < 1 || life > longestLife {
		refuse(w, http.StatusBadRequest, "BadRequest", "the header "+lifeHeader+" takes 1 to 21600")
		return
	}
	w.Header().Set(lifeHeader, strconv.Itoa(life))
	say(w, t.sign(now.Add(time.Duration(life)*time.Second)))
}

func (t tickets) sign(until time.Time) string {
	text := binary.BigEndian.AppendUint64(nil, uint64(until.UnixNano()))
	return base64.RawURLEncoding.EncodeToString(append(text, t.sum(text)...))
}

func (t tickets) sum(text []byte) []byte {
	mac := hmac.New(sha256.New, t.key)
	mac.Write(text)
	return mac.Sum(nil)
}

// good reports whether a token is one of ours, and not over.
func (t tickets) good(token string, now time.Time) bool {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != 8+sha256.Size || !hmac.Equal(b[8:], t.sum(b[:8])) {
		return false
	}
	return now.Before(time.Unix(0, int64(binary.BigEndian.Uint64(b))))
}
