package cmd

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

// networkTimeout bounds the look at all endpoints.
const networkTimeout = 3 * time.Second

// An endpointSeen is an endpoint that a profile of this shell calls.
type endpointSeen struct {
	name string
	ask  func(context.Context) error
	skew time.Duration
	err  error // why there was no answer
}

// checkNetwork looks whether the endpoints of AWS answer, in the way that calls to
// them go, and what time it is there.
func (d *doctor) checkNetwork(ctx context.Context) []finding {
	if d.filesErr != nil {
		return nil // "config" says it
	}
	seen := d.endpoints()
	ctx, cancel := context.WithTimeout(ctx, networkTimeout)
	defer cancel()
	var all sync.WaitGroup
	for i := range seen {
		e := &seen[i]
		all.Go(func() {
			// Whatever it answers, it is there.
			e.err = e.ask(ctx)
			if call := new(sts.CallError); errors.As(e.err, &call) && call.Err == nil {
				e.skew, e.err = call.Skew, nil
			}
		})
	}
	all.Wait()
	var list []finding
	var skew time.Duration
	names := ""
	for _, e := range seen {
		if e.err != nil {
			fix, why := "", e.err.Error()
			if call := new(sts.CallError); errors.As(e.err, &call) {
				fix, why = "curl -sSI "+word("https://"+call.Host), call.Message
			}
			list = append(list, failing(fix, "%s: %s", e.name, why))
			continue
		}
		names += ", " + e.name
		if e.skew.Abs() > skew.Abs() {
			skew = e.skew
		}
	}
	if names != "" {
		list = append(list, okay("reached: %s", names[2:]))
		list = append(list, d.clockOff(skew))
	}
	return list
}

// clockOff judges how far the clock of this machine is ahead of AWS's.
func (d *doctor) clockOff(skew time.Duration) finding {
	if skew.Abs() <= clockSkew {
		return okay("the clock is right")
	}
	fix := "sudo timedatectl set-ntp true"
	if runtime.GOOS == "darwin" {
		fix = "sudo sntp -sS time.apple.com"
	}
	way := "ahead of"
	if skew < 0 {
		way = "behind"
	}
	return warning(fix, "the clock is %s %s AWS's, which refuses calls from five minutes on", roughly(skew.Abs()), way)
}

// profile returns the profile of this shell, else the default one, nil if that
// is not there.
func (d *doctor) profile() *config.Profile {
	name := cmp.Or(d.activeProfile(new(loginOptions)), "default")
	p, err := d.files.Profile(name)
	if err != nil {
		return nil
	}
	return p
}

// endpoints are those of STS, IAM and each Identity Center.
func (d *doctor) endpoints() []endpointSeen {
	p := d.profile()
	region := cmp.Or(d.Env["AWS_REGION"], d.Env["AWS_DEFAULT_REGION"])
	if p != nil {
		region = d.regionOf(switchFlags{}, p)
	}
	region = cmp.Or(region, "us-east-1")
	partition, ok := config.PartitionOfRegion(region)
	if !ok {
		partition, _ = config.PartitionOf("aws")
	}
	client := d.client(p)
	get := func(service, usual string) func(context.Context) error {
		url, _ := config.Endpoint(d.getenvBefore, p, d.files, service)
		url = cmp.Or(url, usual) + "/"
		return func(ctx context.Context) error {
			return client.JSON(ctx, sts.Request{Step: sts.Step{Action: "GET"}, Method: http.MethodGet, URL: url}, nil)
		}
	}
	iam, _ := config.Endpoint(d.getenvBefore, p, d.files, "iam")
	list := []endpointSeen{
		{name: "STS in " + region, ask: get("sts", "https://sts."+region+"."+partition.Suffix)},
		// IAM says where it is by being called; with the key of AWS's
		// documentation, which nobody has.
		{name: "IAM", ask: func(ctx context.Context) error {
			_, err := client.Devices(ctx, sts.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: keystore.NewSecret("none")}, partition.Name, iam)
			return err
		}},
	}
	seen := map[string]bool{}
	for _, c := range allCenters(d.files) {
		if r := c.session.Region; r != "" && !seen[r] && len(seen) < mostAlike {
			seen[r] = true
			suffix := partition.Suffix
			if of, ok := config.PartitionOfRegion(r); ok {
				suffix = of.Suffix
			}
			list = append(list, endpointSeen{name: "Identity Center in " + r, ask: get("sso_oidc", "https://oidc."+r+"."+suffix)})
		}
	}
	return list
}
