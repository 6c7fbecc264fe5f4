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
	"github.com/shellvault/vault/sts"
)

// networkTimeout bounds the look at all endpoints.
const networkTimeout = 3 * time.Second

// An endpointSeen is an endpoint that a profile of this shell calls.
type endpointSeen struct {
	name, url string
	skew      time.Duration
	err       error // why there was no answer
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
	client := d.client(d.profile())
	var all sync.WaitGroup
	for i := range seen {
		e := &seen[i]
		all.Go(func() {
			// Whatever it answers, it is there.
			err := client.JSON(ctx, sts.Request{Step: sts.Step{Action: "GET"}, Method: http.MethodGet, URL: e.url + "/"}, nil)
			if call := new(sts.CallError); errors.As(err, &call) {
				if e.skew = call.Skew; call.Err != nil {
					e.err = call
				}
			} else {
				e.err = err
			}
		})
	}
	all.Wait()
	var list []finding
	var skew time.Duration
	names := ""
	for _, e := range seen {
		if e.err != nil {
			list = append(list, failing("curl -sSI "+word(e.url), "%s cannot be reached: %s", e.name, e.err))
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
	at := func(service, usual string) string {
		url, _ := config.Endpoint(d.getenvBefore, p, d.files, service)
		return cmp.Or(url, usual)
	}
	list := []endpointSeen{
		{name: "STS in " + region, url: at("sts", "https://sts."+region+"."+partition.Suffix)},
		{name: "IAM", url: at("iam", "https://"+sts.IAMHost(partition.Name))},
	}
	seen := map[string]bool{}
	for _, c := range allCenters(d.files) {
		if r := c.session.Region; r != "" && !seen[r] && len(seen) < mostAlike {
			seen[r] = true
			suffix := partition.Suffix
			if of, ok := config.PartitionOfRegion(r); ok {
				suffix = of.Suffix
			}
			list = append(list, endpointSeen{name: "Identity Center in " + r, url: at("sso_oidc", "https://oidc."+r+"."+suffix)})
		}
	}
	return list
}
