package secretservice

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// Names of the specification.
const (
	serviceName = "org.freedesktop.secrets"
	servicePath = dbus.ObjectPath("/org/freedesktop/secrets")
	noPath      = dbus.ObjectPath("/") // says that there is none

	service    = "org.freedesktop.Secret.Service."
	collection = "org.freedesktop.Secret.Collection."
	item       = "org.freedesktop.Secret.Item."
	prompt     = "org.freedesktop.Secret.Prompt."
)

// limits are how long what may take.
type limits struct {
	connect time.Duration // until the bus has let us in
	call    time.Duration // a call that changes nothing
	alive   time.Duration // a call that asks for a sign of life
	write   time.Duration // a call that changes something: a service writes in turn
	dialog  time.Duration // a person
	poll    time.Duration // between looks whether somebody else has unlocked
}

// A client is one connection to the service, with one session on it.
type client struct {
	conn   *dbus.Conn
	limits limits
	plain  bool
	pair   func() keyPair // for the first session

	openOnce sync.Once
	opened   chan struct{} // closed when session or err is there
	session  session
	err      error
}

// newClient connects. With secrets it computes a key pair meanwhile.
func newClient(ctx context.Context, address string, plain, secrets bool, limits limits) (*client, error) {
	c := &client{limits: limits, plain: plain, pair: sync.OnceValue(newKeyPair), opened: make(chan struct{})}
	if secrets && !plain {
		go c.pair()
	}
	var err error
	if c.conn, err = connect(ctx, address, limits.connect); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *client) close() { _ = c.conn.Close() }

// usable reports whether there is any use in going on with c.
func (c *client) usable() bool {
	select {
	case <-c.opened:
		return c.err == nil && c.conn.Connected()
	default:
		return c.conn.Connected()
	}
}

// A pending is a call that was sent.
type pending struct {
	ctx    context.Context
	cancel context.CancelFunc
	call   *dbus.Call
}

// start sends a call, which may take limit, and does not wait for its answer.
// No call starts a service that does not run.
func (c *client) start(ctx context.Context, limit time.Duration, path dbus.ObjectPath, method string, args ...any) *pending {
	limited, cancel := context.WithTimeout(ctx, limit)
	call := c.conn.Object(serviceName, path).GoWithContext(limited, method, dbus.FlagNoAutoStart, nil, args...)
	return &pending{ctx, cancel, call}
}

// wait returns the answer.
func (p *pending) wait() (answer, error) {
	defer p.cancel()
	<-p.call.Done
	method := p.call.Method[strings.LastIndexByte(p.call.Method, '.')+1:]
	if err := p.call.Err; err != nil {
		return answer{}, cause(p.ctx, method, err)
	}
	return answer{method, p.call.Body}, nil
}

// read calls a method that changes nothing.
func (c *client) read(ctx context.Context, path dbus.ObjectPath, method string, args ...any) (answer, error) {
	return c.start(ctx, c.limits.call, path, method, args...).wait()
}

// write calls a method that changes something. Once it is sent it is waited
// for even if ctx ends, so that what has become of it is known.
func (c *client) write(ctx context.Context, path dbus.ObjectPath, method string, args ...any) (answer, error) {
	if err := ctx.Err(); err != nil {
		return answer{}, err
	}
	return c.start(context.WithoutCancel(ctx), c.limits.write, path, method, args...).wait()
}

// startProperty asks for a property, which has the name of its interface.
func (c *client) startProperty(ctx context.Context, path dbus.ObjectPath, on, name string) *pending {
	return c.start(ctx, c.limits.call, path, "org.freedesktop.DBus.Properties.Get", on[:len(on)-1], name)
}

// An answer is the body of a reply.
type answer struct {
	method string
	body   []any
}

// part stores the i-th value of a in to, if it is of that type.
func part[T any](a answer, i int, to *T) error {
	if i < len(a.body) {
		if v, ok := a.body[i].(T); ok {
			*to = v
			return nil
		}
	}
	return &Error{Err: errForm, Reason: a.method}
}

// property waits for the value of a property.
func property[T any](p *pending) (value T, err error) {
	a, err := p.wait()
	if err != nil {
		return value, err
	}
	var v dbus.Variant
	if err := part(a, 0, &v); err != nil {
		return value, err
	}
	return within[T](a.method, v)
}

// within returns the value of a variant in an answer to method.
func within[T any](method string, v dbus.Variant) (value T, err error) {
	err = part(answer{method, []any{v.Value()}}, 0, &value)
	return value, err
}

// An object is an item or a collection: what can be locked.
type object struct {
	path dbus.ObjectPath
	kind string // item or collection
}

func (c *client) locked(ctx context.Context, o object) (bool, error) {
	return property[bool](c.startProperty(ctx, o.path, o.kind, "Locked"))
}

// aliased returns the collection behind an alias, or noPath.
func (c *client) aliased(ctx context.Context, alias string) (path dbus.ObjectPath, err error) {
	a, err := c.read(ctx, servicePath, service+"ReadAlias", alias)
	if err != nil {
		return noPath, err
	}
	err = part(a, 0, &path)
	return path, err
}

func (c *client) collections(ctx context.Context) ([]dbus.ObjectPath, error) {
	return property[[]dbus.ObjectPath](c.startProperty(ctx, servicePath, service, "Collections"))
}

// anyUnlocked reports whether there is an unlocked collection. Of gnome-keyring
// there always is one, for the login session.
func (c *client) anyUnlocked(ctx context.Context) (bool, error) {
	paths, err := c.collections(ctx)
	if err != nil {
		return false, err
	}
	for _, path := range paths {
		locked, err := c.locked(ctx, object{path, collection})
		if err != nil && !errors.Is(err, errGone) {
			return false, err
		}
		if err == nil && !locked {
			return true, nil
		}
	}
	return false, nil
}
