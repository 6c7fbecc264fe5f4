package sts

import (
	"testing"
	"time"
)

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 10 * time.Second: "10s", time.Minute: "1m", 70 * time.Second: "1m10s", 10 * time.Minute: "10m",
		time.Hour: "1h", 20 * time.Hour: "20h", 90 * time.Minute: "1h30m", 100 * time.Minute: "1h40m",
		time.Hour + 10*time.Second: "1h0m10s", time.Hour + time.Second: "1h0m1s", 14*time.Minute + 50*time.Second: "14m50s",
	} {
		if got := short(d); got != want {
			t.Errorf("short(%s) = %s, want %s", d, got, want)
		}
	}
}

func TestIsRoleARN(t *testing.T) {
	for arn, want := range map[string]bool{
		"arn:aws:iam::222222222222:role/dev":         true,
		"arn:aws-cn:iam::222222222222:role/path/dev": true,
		"arn:aws:iam::000000000000:role/x:y":         true,
		"":                                           false,
		"dev":                                        false,
		"arn:aws:iam::222222222222:user/dev":         false,
		"arn:aws:sts::222222222222:assumed-role/dev/session": false,
		"arn:aws:iam::222222222222:role":                     false,
		"arn:aws:iam:222222222222:role/dev":                  false,
		"xarn:aws:iam::222222222222:role/dev":                false,
	} {
		if got := IsRoleARN(arn); got != want {
			t.Errorf("IsRoleARN(%q) = %t", arn, got)
		}
	}
}
