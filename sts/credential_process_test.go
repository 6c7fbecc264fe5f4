package sts

import (
	"strings"
	"testing"
	"time"
)

func TestParseProcess(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct{ name, text, id, expires, err string }{
		{name: "session", text: `{"Version":1,"AccessKeyId":"ASIA","SecretAccessKey":"s","SessionToken":"t","Expiration":"2026-01-02T05:04:05+01:00"}`, id: "ASIA", expires: "2026-01-02T04:04:05Z"},
		{name: "key", text: `{"Version":1,"AccessKeyId":"AKIA","SecretAccessKey":"s"}`, id: "AKIA"},
		{name: "unknown fields", text: `{"Version":1,"AccessKeyId":"AKIA","SecretAccessKey":"s","AccountId":"1","X":[]}`, id: "AKIA"},
		{name: "empty", text: ``, err: "not the JSON"},
		{name: "words", text: `secret words`, err: "not the JSON"},
		{name: "version 2", text: `{"Version":2,"AccessKeyId":"AKIA","SecretAccessKey":"s"}`, err: "version 2"},
		{name: "no version", text: `{"AccessKeyId":"AKIA","SecretAccessKey":"s"}`, err: "version 0"},
		{name: "half", text: `{"Version":1,"AccessKeyId":"AKIA"}`, err: "no SecretAccessKey"},
		{name: "ended", text: `{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"2026-01-02T03:04:05Z"}`, err: "ended at 2026-01-02T03:04:05Z"},
		{name: "no time", text: `{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"soon"}`, err: "RFC 3339"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseProcess([]byte(test.text), now)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "secret words") {
					t.Fatalf("got %v, want %q", err, test.err)
				}
				return
			}
			expires := ""
			if !got.Expires.IsZero() {
				expires = got.Expires.Format(time.RFC3339)
			}
			if err != nil || got.AccessKeyID != test.id || got.SecretAccessKey.Reveal() != "s" || expires != test.expires {
				t.Errorf("got %v until %q, %v", got.AccessKeyID, expires, err)
			}
		})
	}
}
