package config

import (
	"fmt"
	"slices"
	"testing"
)

func TestOddities(t *testing.T) {
	const head = "is not a profile in this file"
	tests := []struct {
		name, config, credentials string
		want                      []string
	}{
		{name: "none", config: "[default]\n[profile a]\n[sso-session a]\n[services a]\n[plugins]\nx = y\n[preview]\n", credentials: "[default]\n[a]\n"},
		{name: "default", config: "[default]\n[profile default]\n", want: []string{"config:1: [default] is not used: there is [profile default]"}},
		{name: "twice", config: "[profile a]\n[profile b]\n[profile a]\n", credentials: "[b]\n[b]\n", want: []string{
			`config:3: "a" stands in line 1 already: the AWS CLI refuses the file, the SDKs merge the two`,
			`credentials:2: "b" stands in line 1 already: the AWS CLI refuses the file, the SDKs merge the two`,
		}},
		{name: "without the word", config: "[a]\n", want: []string{"config:1: [a] " + head + ", [profile a] would be"}},
		{name: "with it", credentials: "[profile a]\n", want: []string{"credentials:1: [profile a] " + head + ", [a] would be"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Parse(Paths{"config", "credentials"}, []byte(tt.config), []byte(tt.credentials))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range f.Oddities() {
				got = append(got, fmt.Sprintf("%s:%d: %s", o.File, o.Line, o.Why))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
