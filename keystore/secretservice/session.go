package secretservice

import (
	"cmp"
	"context"
	"unicode/utf8"

	"github.com/godbus/dbus/v5"

	"github.com/shellvault/vault/keystore"
)

// A session is what secrets go through. It ends with its connection.
type session struct {
	path dbus.ObjectPath
	key  []byte // nil: in clear
}

// wireSecret is the struct Secret of the specification, (oayays).
type wireSecret struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

// startSession asks for the session of c and does not wait for it.
func (c *client) startSession(ctx context.Context) {
	c.openOnce.Do(func() {
		// Whoever needs it first is not the only one who does.
		ctx := context.WithoutCancel(ctx)
		pair := c.pair()
		p := c.openSession(ctx, pair)
		go func() {
			defer close(c.opened)
			for attempt := 1; ; attempt++ {
				var short bool
				c.session, short, c.err = c.agree(p, pair)
				if !short || attempt == attempts {
					return
				}
				pair = newKeyPair()
				p = c.openSession(ctx, pair)
			}
		}()
	})
}

func (c *client) openSession(ctx context.Context, pair keyPair) *pending {
	if c.plain {
		return c.start(ctx, c.limits.call, servicePath, service+"OpenSession", "plain", dbus.MakeVariant(""))
	}
	return c.start(ctx, c.limits.call, servicePath, service+"OpenSession", algorithmDH, dbus.MakeVariant(pair.public))
}

// agree takes the answer to OpenSession. Short says that the session is
// better replaced by another: see sessionKey.
func (c *client) agree(p *pending, pair keyPair) (s session, short bool, err error) {
	a, err := p.wait()
	if err != nil {
		return session{}, false, err
	}
	var output dbus.Variant
	if err := cmp.Or(part(a, 0, &output), part(a, 1, &s.path)); err != nil {
		return session{}, false, err
	}
	if s.path == noPath {
		return session{}, false, &Error{Err: errForm, Reason: a.method}
	}
	if c.plain {
		return s, false, nil
	}
	public, err := within[[]byte](a.method, output)
	if err != nil {
		return session{}, false, err
	}
	if s.key, short, err = pair.sessionKey(public); err != nil {
		return session{}, false, &Error{Err: err, Reason: a.method}
	}
	return s, short, nil
}

// awaitSession returns the session of c when it is there.
func (c *client) awaitSession(ctx context.Context) (session, error) {
	c.startSession(ctx)
	select {
	case <-c.opened:
		return c.session, c.err
	case <-ctx.Done():
		return session{}, ctx.Err()
	}
}

// seal returns value as it goes to the service.
func (s session) seal(value keystore.Secret) (wireSecret, error) {
	plain := value.Reveal()
	w := wireSecret{Session: s.path, ContentType: "text/plain"}
	if !utf8.ValidString(plain) {
		w.ContentType = "application/octet-stream"
	}
	if s.key == nil {
		w.Parameters, w.Value = []byte{}, []byte(plain)
		return w, nil
	}
	secret := []byte(plain)
	defer clear(secret)
	var err error
	w.Parameters, w.Value, err = encrypt(s.key, secret)
	return w, err
}

// unseal returns the value in the answer to GetSecret.
func (s session) unseal(a answer) (keystore.Secret, error) {
	var fields []any
	var iv, value []byte
	err := part(a, 0, &fields)
	if err == nil {
		secret := answer{a.method, fields}
		err = cmp.Or(part(secret, 1, &iv), part(secret, 2, &value))
	}
	if err != nil {
		return keystore.Secret{}, err
	}
	if s.key != nil {
		if value, err = decrypt(s.key, iv, value); err != nil {
			return keystore.Secret{}, &Error{Err: err}
		}
	}
	defer clear(value)
	return keystore.NewSecret(string(value)), nil
}
