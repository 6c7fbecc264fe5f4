package sts

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/shellvault/vault/keystore"
)

// TOTPStep is how long an MFA device shows a code (RFC 6238, section 5.2).
const TOTPStep = 30 * time.Second

// ParseSeed reads the secret of a virtual MFA device: base32, as AWS shows it,
// or the otpauth URI of its QR code. The error does not repeat it.
func ParseSeed(text string) (keystore.Secret, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(strings.ToLower(text), "otpauth:") {
		u, err := url.Parse(text)
		if err != nil {
			return keystore.Secret{}, errors.New("that is not an otpauth URI")
		}
		q := u.Query()
		for name, only := range map[string]string{"digits": "6", "period": "30", "algorithm": "SHA1"} {
			if got := q.Get(name); got != "" && !strings.EqualFold(got, only) {
				return keystore.Secret{}, fmt.Errorf("that is not a device of AWS's: its %s is not %s", name, only)
			}
		}
		if u.Host != "totp" || q.Get("secret") == "" {
			return keystore.Secret{}, errors.New("that is not the otpauth URI of a device that goes by the clock")
		}
		text = q.Get("secret")
	}
	text = strings.ToUpper(strings.TrimRight(strings.Join(strings.Fields(strings.ReplaceAll(text, "-", "")), ""), "="))
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	defer clear(secret)
	if err != nil {
		return keystore.Secret{}, errors.New("that is not the secret of an MFA device: it is made of letters and the digits 2 to 7")
	}
	if len(secret) < 10 {
		return keystore.Secret{}, errors.New("that is too short for the secret of an MFA device")
	}
	return keystore.NewSecret(text), nil
}

// TOTP returns the code that a device with this seed, as ParseSeed returns it,
// shows at t (RFC 6238, with SHA-1 and six digits).
func TOTP(seed keystore.Secret, t time.Time) (string, error) {
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(seed.Reveal())
	if err != nil {
		return "", errors.New("the secret of the MFA device cannot be read")
	}
	defer clear(secret)
	mac := hmac.New(sha1.New, secret)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(t.Unix()/int64(TOTPStep/time.Second))))
	sum := mac.Sum(nil)
	// RFC 4226, section 5.3.
	number := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&0x0f:]) & 0x7fffffff
	return fmt.Sprintf("%06d", number%1_000_000), nil
}
