package sts

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shellvault/vault/config"
)

func (o Options) endpoint(p *config.Profile) string {
	if o.Endpoint == nil {
		return ""
	}
	return o.Endpoint(p)
}

// serial returns the MFA device to use for p, "" for none.
func (o Options) serial(p *config.Profile) string {
	if o.MFASerial != "" {
		return o.MFASerial
	}
	return p.Get("mfa_serial")
}

// region returns the region whose STS is asked for p: its own, else the one
// that its partition has for that (AWS SDKs and Tools Reference Guide, page
// "AWS STS Regional endpoints").
func (o Options) region(p *config.Profile) string {
	if r := p.Region(); r != "" {
		return r
	}
	for _, arn := range []string{p.Get("role_arn"), o.serial(p)} {
		if partition, ok := config.PartitionOfARN(arn); ok {
			return partition.STSRegion
		}
	}
	if partition, ok := config.PartitionOfRegion(o.Region); ok {
		return partition.STSRegion
	}
	return "us-east-1"
}

// seconds returns the profile's duration_seconds, 0 if it has none.
func seconds(p *config.Profile) (time.Duration, error) {
	v, ok := p.Lookup("duration_seconds")
	if !ok || v.Text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(v.Text)
	if err != nil {
		return 0, &SettingError{v, "duration_seconds", "is not a number of seconds"}
	}
	if n < int(leastDuration/time.Second) || n > int(mostRole/time.Second) {
		return 0, &SettingError{v, "duration_seconds", fmt.Sprintf("is out of range: AWS allows %d to %d", int(leastDuration/time.Second), int(mostRole/time.Second))}
	}
	return time.Duration(n) * time.Second, nil
}

// IsRoleARN reports whether s looks like the ARN of a role:
// arn:PARTITION:iam::ACCOUNT:role/NAME.
func IsRoleARN(s string) bool {
	parts := strings.SplitN(s, ":", 6)
	return len(parts) == 6 && parts[0] == "arn" && parts[2] == "iam" && strings.HasPrefix(parts[5], "role/")
}

// A SettingError reports a setting of a profile that cannot be used.
type SettingError struct {
	Value config.Value
	Key   string
	Why   string
}

func (e *SettingError) Error() string {
	return fmt.Sprintf("%s:%d: %s %q %s", e.Value.File, e.Value.Line, e.Key, e.Value.Text, e.Why)
}

// A DurationError reports a life that AWS does not give.
type DurationError struct {
	What     string // session or role
	Duration time.Duration
	Most     time.Duration
}

func (e *DurationError) Error() string {
	return fmt.Sprintf("a %s of %s: AWS allows %s to %s", e.What, short(e.Duration), short(leastDuration), short(e.Most))
}

func within(what string, d, most time.Duration) error {
	if d < leastDuration || d > most {
		return &DurationError{what, d, most}
	}
	return nil
}

// short prints a duration without its zero parts: 1h, 15m.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// tags reads aws-vault's session_tags: key=value, separated by commas.
func tags(p *config.Profile) ([]Tag, error) {
	v, _ := p.Lookup("session_tags")
	var list []Tag
	for _, s := range strings.Split(v.Text, ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		key, value, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return nil, &SettingError{v, "session_tags", "is not a list of key=value"}
		}
		list = append(list, Tag{strings.TrimSpace(key), strings.TrimSpace(value)})
	}
	return list, nil
}

// list splits a setting at its commas.
func list(s string) []string {
	var words []string
	for _, w := range strings.Split(s, ",") {
		if w = strings.TrimSpace(w); w != "" {
			words = append(words, w)
		}
	}
	return words
}
