package login

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
	"github.com/shellvault/vault/sts/ststest"
)

const session = "arn:aws:iam::111111111111:user/alice"

// A world is a user who is signed in by "aws login".
type world struct {
	t     *testing.T
	clock *ststest.Clock
	aws   *ststest.Server
	user  *ststest.User
	dir   string
	notes []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: ststest.NewClock(time.Now().Truncate(time.Second)), dir: t.TempDir()}
	w.aws = ststest.New(w.clock.Now)
	t.Cleanup(w.aws.Close)
	w.user = w.aws.AddUser("111111111111", "alice")
	return w
}

func (w *world) cache() *Cache {
	return &Cache{
		Dir: filepath.Join(w.dir, "cache"), Now: w.clock.Now, Caller: &sts.AWS{Now: w.clock.Now}, Endpoint: w.aws.URL(),
		Lock: func(ctx context.Context, id string) (func(), error) {
			return keystore.Lock(ctx, filepath.Join(w.dir, "locks", id))
		},
		Note: func(line string) { w.notes = append(w.notes, line) },
	}
}

func (w *world) signIn(life time.Duration) {
	w.t.Helper()
	if err := keystore.WriteFileAtomic(w.cache().path(session), w.user.Login(life), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) must() sts.Credentials {
	w.t.Helper()
	got, err := w.cache().Credentials(w.t.Context(), session)
	if err != nil {
		w.t.Fatal(err)
	}
	who, err := (&sts.AWS{Now: w.clock.Now}).Caller(w.t.Context(), got, "", w.aws.URL())
	if err != nil || who.ARN != session {
		w.t.Errorf("whose: %v %v", who, err)
	}
	return got
}

// The sign-in is renewed from five minutes before its end, again and again,
// and what others wrote into the file stays.
func TestRenew(t *testing.T) {
	w := newWorld(t)
	w.signIn(15 * time.Minute)
	first := w.must()
	w.clock.Advance(10*time.Minute - time.Second)
	if got := w.must(); got.AccessKeyID != first.AccessKeyID {
		t.Error("renewed before the time")
	}
	w.clock.Advance(time.Second)
	second := w.must()
	if second.AccessKeyID == first.AccessKeyID || second.Expires.Sub(w.clock.Now()) != 15*time.Minute {
		t.Errorf("%v", second)
	}
	w.clock.Advance(time.Hour)
	if third := w.must(); third.AccessKeyID == second.AccessKeyID {
		t.Error("not renewed")
	}
	if n := w.aws.CallCount("CreateOAuth2Token"); n != 2 {
		t.Errorf("%d calls", n)
	}
	text, err := os.ReadFile(w.cache().path(session))
	if err != nil {
		t.Fatal(err)
	}
	var kept map[string]any
	if json.Unmarshal(text, &kept) != nil || kept["tokenType"] != "aws_sigv4" || !strings.HasPrefix(kept["idToken"].(string), "id-") ||
		kept["accessToken"].(map[string]any)["accountId"] != "111111111111" {
		t.Errorf("the file lost something")
	}
}

func TestManyRenew(t *testing.T) {
	w := newWorld(t)
	w.signIn(time.Minute)
	var group sync.WaitGroup
	got := make([]string, 20)
	for i := range got {
		group.Go(func() {
			c, err := w.cache().Credentials(t.Context(), session)
			if err != nil {
				t.Error(err)
			}
			got[i] = c.AccessKeyID
		})
	}
	group.Wait()
	for _, id := range got {
		if id != got[0] {
			t.Error("different credentials")
		}
	}
	if n := w.aws.CallCount("CreateOAuth2Token"); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// What AWS, the network and the disk may say to a renewal.
func TestRenewFails(t *testing.T) {
	w := newWorld(t)
	var ended *Error
	if _, err := w.cache().Credentials(t.Context(), session); !errors.As(err, &ended) || ended.Why != "nobody is signed in" {
		t.Errorf("no file: %v", err)
	}
	w.signIn(2 * time.Minute)
	w.aws.EndLogins("TOKEN_EXPIRED")
	if _, err := w.cache().Credentials(t.Context(), session); !errors.As(err, &ended) || ended.Why != "it has ended" {
		t.Errorf("ended: %v", err)
	}
	w.aws.EndLogins("")
	w.aws.Fail("CreateOAuth2Token", ststest.Failure{Lose: true}, 1)
	w.must() // they have two minutes left
	w.clock.Advance(2*time.Minute - 10*time.Second)
	var call *sts.CallError
	w.aws.Fail("CreateOAuth2Token", ststest.Failure{Drop: true}, 1)
	if _, err := w.cache().Credentials(t.Context(), session); !errors.As(err, &call) || call.Code != "" {
		t.Errorf("not reached: %v", err)
	}
}

// Good credentials are not thrown away because the file cannot be written.
func TestFullDisk(t *testing.T) {
	w := newWorld(t)
	w.signIn(time.Minute)
	c := w.cache()
	if err := os.Chmod(c.Dir, 0o777); err != nil { // not trusted, then
		t.Fatal(err)
	}
	if got, err := c.Credentials(t.Context(), session); err != nil || got.Expires.Sub(w.clock.Now()) != 15*time.Minute {
		t.Errorf("%v %v", got, err)
	}
	if len(w.notes) != 1 || !strings.Contains(w.notes[0], "cannot be kept") {
		t.Errorf("notes %q", w.notes)
	}
}

// Both forms of a key are read, and no other kind.
func TestKeys(t *testing.T) {
	in := func(kind string, der []byte, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err1 := x509.MarshalECPrivateKey(p256)
	pkcs8, err2 := x509.MarshalPKCS8PrivateKey(p256)
	large, err3 := x509.MarshalECPrivateKey(p384)
	notEC, err4 := x509.MarshalPKCS8PrivateKey(other)
	for name, tt := range map[string]struct {
		pem string
		ok  bool
	}{
		"SEC 1": {in("EC PRIVATE KEY", sec1, err1), true},
		"PKCS8": {in("PRIVATE KEY", pkcs8, err2), true},
		"P-384": {in("EC PRIVATE KEY", large, err3), false},
		"RSA":   {in("PRIVATE KEY", notEC, err4), false},
		"text":  {"hidden", false},
		"empty": {"-----BEGIN EC PRIVATE KEY-----\n-----END EC PRIVATE KEY-----\n", false},
	} {
		if _, err := prove(tt.pem, "POST", "https://example.com", time.Now()); (err == nil) != tt.ok || err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAddress(t *testing.T) {
	for _, tt := range []struct {
		c    Cache
		want string
	}{
		{Cache{Region: "eu-west-1"}, "https://eu-west-1.signin.aws.amazon.com/v1/token"},
		{Cache{Region: "cn-north-1"}, "https://cn-north-1.signin.amazonaws.cn/v1/token"},
		{Cache{Region: "us-gov-west-1"}, "https://us-gov-west-1.signin.amazonaws-us-gov.com/v1/token"},
		{Cache{Region: "eusc-de-east-1"}, "https://signin.eusc-de-east-1.amazonaws.eu/v1/token"},
		{Cache{Region: "us-east-1", FIPS: true}, "https://signin-fips.us-east-1.amazonaws.com/v1/token"},
		{Cache{Region: "us-east-1", Dual: true}, "https://signin.us-east-1.api.aws/v1/token"},
		{Cache{Region: "us-east-1", Endpoint: "http://127.0.0.1:1/"}, "http://127.0.0.1:1/v1/token"},
	} {
		if got := tt.c.address(); got != tt.want {
			t.Errorf("%+v: %s", tt.c, got)
		}
	}
}

// botocore is what the AWS CLI renews with. Its own needs a library in C for
// the key; here Python's does that part.
const botocore = `
import base64, datetime, sys
import botocore.credentials, botocore.session, botocore.utils
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
class EC:
    def __init__(self, key): self.key = key
    @classmethod
    def new_key_from_der_data(cls, der): return cls(serialization.load_der_private_key(der, None))
    def get_public_coords(self):
        n = self.key.public_key().public_numbers()
        return n.x.to_bytes(32, 'big'), n.y.to_bytes(32, 'big')
    def sign(self, digest): return self.key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    @staticmethod
    def decode_der_signature_to_padded_pair(signature, pad_to):
        r, s = utils.decode_dss_signature(signature)
        return r.to_bytes(pad_to, 'big') + s.to_bytes(pad_to, 'big')
botocore.credentials.EC = EC
name, folder, endpoint = sys.argv[1:]
def create(service, config): return botocore.session.Session().create_client(service, region_name='eu-west-1', endpoint_url=endpoint, config=config)
fetcher = botocore.credentials.LoginCredentialFetcher(name, botocore.utils.LoginTokenLoader(botocore.utils.JSONFileCache(folder)), create)
print(fetcher.load_cached_credentials()['access_key'], fetcher.refresh_credentials()['access_key'])
`

// The AWS CLI's library reads what vault has renewed, renews it in turn, and
// vault goes on with that.
func TestBotocore(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil || exec.Command(python, "-c", "import botocore.credentials, cryptography; botocore.credentials.LoginCredentialFetcher").Run() != nil {
		t.Skip("no botocore with sign-in in python3")
	}
	w := newWorld(t)
	w.signIn(time.Minute)
	theirs := func() (cached, renewed string) {
		t.Helper()
		c := exec.Command(python, "-c", botocore, session, w.cache().Dir, w.aws.URL())
		var fault bytes.Buffer
		c.Stderr = &fault
		out, err := c.Output()
		words := strings.Fields(string(out))
		if err != nil || len(words) != 2 {
			t.Fatalf("%v: %s %s", err, out, fault.Bytes())
		}
		return words[0], words[1]
	}
	ours := w.must()
	if cached, renewed := theirs(); cached != ours.AccessKeyID || renewed != cached {
		t.Errorf("botocore got %s and %s, want %s", cached, renewed, ours.AccessKeyID)
	}
	w.signIn(time.Minute)
	cached, renewed := theirs()
	if got := w.must(); got.AccessKeyID != renewed || cached == renewed {
		t.Errorf("vault got %s, want %s", got.AccessKeyID, renewed)
	}
	w.clock.Advance(14 * time.Minute)
	w.must()
	if n := w.aws.CallCount("CreateOAuth2Token"); n != 3 {
		t.Errorf("%d calls", n)
	}
}
