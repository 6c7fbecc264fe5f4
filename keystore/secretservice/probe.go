package secretservice

import (
	"context"
	"time"
)

// probeLimit is how long a person can be kept from a choice between stores.
const probeLimit = time.Second

// Probe reports whether there is a Secret Service that keeps secrets for
// good: a running one, with a default collection. The error is an *Error with
// ErrNoBus, ErrForeignBus, ErrNoService, ErrNoCollection, or ErrNoAnswer,
// which leaves it open whether there is one. It takes a second at most, starts
// nothing and asks nobody.
func Probe(ctx context.Context, address string) error {
	limited, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	err := probe(limited, address)
	if limited.Err() != nil && ctx.Err() == nil {
		return &Error{Err: ErrNoAnswer, Reason: "within " + probeLimit.String()}
	}
	return err
}

func probe(ctx context.Context, address string) error {
	c, err := newClient(ctx, address, true, false, limits{connect: probeLimit, call: probeLimit})
	if err != nil {
		return err
	}
	defer c.close()
	home, err := c.aliased(ctx, "default")
	if err != nil {
		return err
	}
	return checkHome(home)
}
