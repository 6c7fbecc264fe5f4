package sso

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/shellvault/vault/keystore"
)

// A Store keeps tokens, each of one session.
type Store interface {
	// Peek says what can be known of a token without reading a secret.
	Peek(s Session) (Info, bool)
	// Load returns the token and the registration that it came from. What
	// cannot be read is not there.
	Load(ctx context.Context, s Session) (Token, bool, error)
	Save(ctx context.Context, s Session, t Token) error
	// Drop forgets the token. It is no error if there is none.
	Drop(ctx context.Context, s Session) error
}

// Shared are the files that the AWS CLI and the SDKs keep tokens in (AWS SDKs
// and Tools Reference Guide, page "IAM Identity Center credential provider").
type Shared struct {
	Dir string // ~/.aws/sso/cache
}

// cliToken is one of these files. Pointers tell what is not there from what is
// empty; others are kept as they are.
type cliToken struct {
	StartURL     string `json:"startUrl,omitempty"`
	Region       string `json:"region,omitempty"`
	AccessToken  string `json:"accessToken"`
	ExpiresAt    string `json:"expiresAt"`
	ClientID     string `json:"clientId,omitempty"`
	ClientSecret string `json:"clientSecret,omitempty"`
	ClientEnds   string `json:"registrationExpiresAt,omitempty"`
	RefreshToken string `json:"refreshToken,omitempty"`
}

// path returns the file of a session: named after it, or in the older form
// after its start URL as it is written.
func (x Shared) path(s Session) string {
	name := s.Name
	if name == "" {
		name = s.StartURL
	}
	return x.file(name)
}

func (x Shared) file(name string) string {
	sum := sha1.Sum([]byte(name))
	return filepath.Join(x.Dir, hex.EncodeToString(sum[:])+".json")
}

// The AWS CLI has written these files in place: what is torn is whole again in
// a moment.
const (
	tornTries = 3
	tornPause = 50 * time.Millisecond
	mostFile  = 1 << 20
)

func (x Shared) read(path string) (file cliToken, ok bool) {
	for try := 1; ; try++ {
		text, err := readFile(path)
		if err != nil {
			return cliToken{}, false
		}
		err = json.Unmarshal(text, &file)
		clear(text)
		if err == nil {
			return file, file.AccessToken != "" && file.ExpiresAt != ""
		}
		if try == tornTries {
			return cliToken{}, false
		}
		time.Sleep(tornPause)
	}
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostFile))
}

// load reads the session's file, and where it has none that of the start URL.
func (x Shared) load(s Session) (Token, bool) {
	paths := []string{x.path(s)}
	if s.Name != "" {
		paths = append(paths, x.file(s.StartURL))
	}
	for _, path := range paths {
		file, ok := x.read(path)
		// A session of that name may have been another's before.
		if !ok || file.StartURL != "" && Normal(file.StartURL) != Normal(s.StartURL) || file.Region != "" && file.Region != s.Region {
			continue
		}
		expires, err := parseTime(file.ExpiresAt)
		if err != nil {
			continue
		}
		t := Token{Access: keystore.NewSecret(file.AccessToken), Expires: expires}
		if ends, err := parseTime(file.ClientEnds); err == nil {
			t.Refresh = keystore.NewSecret(file.RefreshToken)
			t.Client = Registration{ID: file.ClientID, Secret: keystore.NewSecret(file.ClientSecret), Expires: ends}
		}
		return t, true
	}
	return Token{}, false
}

// parseTime reads a time as the SDKs write it: older ones wrote UTC for Z.
func parseTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05UTC", text)
	}
	return t.UTC(), err
}

// Peek says when the token ends. The file has no secret that is worth a key.
func (x Shared) Peek(s Session) (Info, bool) {
	t, ok := x.load(s)
	return Info{Expires: t.Expires, Refreshable: !t.Refresh.IsZero(), ClientEnds: t.Client.Expires}, ok
}

// Load returns the token.
func (x Shared) Load(_ context.Context, s Session) (Token, bool, error) {
	t, ok := x.load(s)
	return t, ok, nil
}

// Save writes the session's file at once.
func (x Shared) Save(_ context.Context, s Session, t Token) error {
	file := cliToken{
		StartURL: s.StartURL, Region: s.Region,
		AccessToken: t.Access.Reveal(), ExpiresAt: t.Expires.UTC().Format(time.RFC3339),
	}
	if t.Client.ID != "" {
		file.ClientID, file.ClientSecret = t.Client.ID, t.Client.Secret.Reveal()
		file.ClientEnds = t.Client.Expires.UTC().Format(time.RFC3339)
		file.RefreshToken = t.Refresh.Reveal()
	}
	text, err := json.Marshal(file)
	if err != nil {
		return err
	}
	defer clear(text)
	return keystore.WriteFileAtomic(x.path(s), text, 0o600)
}

// Drop removes the session's file.
func (x Shared) Drop(_ context.Context, s Session) error {
	err := os.Remove(x.path(s))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
