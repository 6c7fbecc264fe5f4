package ststest

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"time"
)

// totpStep is how long an MFA code lasts, RFC 6238 section 5.2.
const totpStep = 30 * time.Second

// MFA is a virtual MFA device of one user.
type MFA struct {
	server *Server
	user   *User
	serial string
	secret []byte
	used   map[int64]bool // steps whose code was accepted; guarded by server.mu
}

// AddMFA gives the user a virtual device with the serial
// arn:aws:iam::ACCOUNT:mfa/name. It panics where the account has one of that
// name already.
func (u *User) AddMFA(name string) *MFA {
	s := u.server
	m := &MFA{
		server: s,
		user:   u,
		serial: fmt.Sprintf("arn:%s:iam::%s:mfa/%s", u.partition, u.account, name),
		secret: randomBytes(40),
		used:   make(map[int64]bool),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.devices[m.serial] != nil {
		panic(fmt.Sprintf("ststest: there is an MFA device %q already", m.serial))
	}
	s.devices[m.serial] = m
	return m
}

// Device returns the MFA device with the serial, nil where there is none.
func (s *Server) Device(serial string) *MFA {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.devices[serial]
}

// Serial returns the device's ARN, as mfa_serial and SerialNumber take it.
func (m *MFA) Serial() string { return m.serial }

// Seed returns the shared secret in base32, as AWS shows it once for
// authenticator programs.
func (m *MFA) Seed() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(m.secret)
}

// Code returns the six digits that the device shows at t.
func (m *MFA) Code(t time.Time) string { return totp(m.secret, step(t)) }

// TOTP returns the code that a device with this base32 seed shows at t (RFC
// 6238).
func TOTP(seed string, t time.Time) (string, error) {
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(seed)
	if err != nil {
		return "", fmt.Errorf("seed of an MFA device: %w", err)
	}
	return totp(secret, step(t)), nil
}

// Unused returns a code that the server accepts now and has not accepted
// before: the current one or, where that is spent, the next one. It reports
// whether there is one; there is again when the clock reaches the next step.
func (m *MFA) Unused() (code string, ok bool) {
	now := m.server.Now()
	m.server.mu.Lock()
	defer m.server.mu.Unlock()
	for n := step(now); n <= step(now)+1; n++ {
		if !m.used[n] {
			return totp(m.secret, n), true
		}
	}
	return "", false
}

// accept reports whether code is valid at now, and spends it. A step before
// and after the current one are allowed for clocks that differ; a code is
// accepted once, RFC 6238 section 5.2. The server's mu must be held.
func (m *MFA) accept(code string, now time.Time) bool {
	current := step(now)
	for n := current - 1; n <= current+1; n++ {
		same := subtle.ConstantTimeCompare([]byte(totp(m.secret, n)), []byte(code)) == 1
		if same && !m.used[n] {
			m.used[n] = true
			return true
		}
	}
	return false
}

// step returns the number of the time step that t lies in.
func step(t time.Time) int64 { return t.Unix() / int64(totpStep/time.Second) }

// totp returns the six digits of RFC 6238 with HMAC-SHA-1, which is RFC 4226
// with the number of the time step as the counter.
func totp(secret []byte, step int64) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step))
	mac := hmac.New(sha1.New, secret)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	number := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%06d", number%1_000_000)
}
