package sts

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// An endpoint is what decides which host is called.
type endpoint struct {
	Region     string
	FIPS, Dual bool
	URL        string
	Caller     bool
}

func init() {
	// call: makes a call to each endpoint, and prints the errors.
	children["call"] = func(ctx context.Context, j job) error {
		for _, e := range j.Endpoints {
			client := &AWS{Now: j.now, FIPS: e.FIPS, Dual: e.Dual}
			s := sessionAt(e.URL)
			s.Region = e.Region
			var err error
			if e.Caller {
				_, err = client.Caller(ctx, credentials("ASIA1"), e.Region, e.URL)
			} else {
				_, err = client.Call(ctx, credentials("ASIA1"), s, "")
			}
			fmt.Println(err)
		}
		return nil
	}
}

// A proxy that lets nothing through tells which hosts are called. The
// variables are read once in a process: it takes others to see that they are.
func TestEndpoints(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.Method+" "+r.Host)
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer proxy.Close()
	tests := []struct {
		endpoint endpoint
		want     string
	}{
		{endpoint{Region: "eu-west-1"}, "CONNECT sts.eu-west-1.amazonaws.com:443"},
		{endpoint{Region: "us-east-1"}, "CONNECT sts.us-east-1.amazonaws.com:443"},
		{endpoint{Region: "xx-new-9"}, "CONNECT sts.xx-new-9.amazonaws.com:443"},
		{endpoint{Region: "cn-north-1"}, "CONNECT sts.cn-north-1.amazonaws.com.cn:443"},
		{endpoint{Region: "us-gov-west-1"}, "CONNECT sts.us-gov-west-1.amazonaws.com:443"},
		{endpoint{Region: "eusc-de-east-1"}, "CONNECT sts.eusc-de-east-1.amazonaws.eu:443"},
		{endpoint{Region: "us-east-1", FIPS: true}, "CONNECT sts-fips.us-east-1.amazonaws.com:443"},
		{endpoint{Region: "us-gov-west-1", FIPS: true}, "CONNECT sts.us-gov-west-1.amazonaws.com:443"},
		{endpoint{Region: "eu-west-1", Dual: true}, "CONNECT sts.eu-west-1.api.aws:443"},
		{endpoint{Region: "us-east-1", FIPS: true, Dual: true}, "CONNECT sts-fips.us-east-1.api.aws:443"},
		{endpoint{Caller: true}, "CONNECT sts.us-east-1.amazonaws.com:443"},
		{endpoint{Caller: true, Region: "eu-west-1", FIPS: true}, "CONNECT sts-fips.eu-west-1.amazonaws.com:443"},
		{endpoint{Region: "eu-west-1", URL: "https://vpce.example"}, "CONNECT vpce.example:443"},
		{endpoint{Region: "eu-west-1", URL: "http://plain.example:8080"}, "POST plain.example:8080"},
	}
	j := job{Now: cacheNow}
	var want []string
	for _, tt := range tests {
		j.Endpoints = append(j.Endpoints, tt.endpoint)
		want = append(want, tt.want)
	}
	errors := lines(start(t, "call", j, "HTTPS_PROXY="+proxy.URL, "HTTP_PROXY="+proxy.URL, "NO_PROXY=").rest())
	if !slices.Equal(asked, want) {
		t.Errorf("asked for\n%q\nwant\n%q", asked, want)
	}
	if want := "GetSessionToken: cannot reach sts.eu-west-1.amazonaws.com: the proxy answered HTTP 407"; errors[0] != want {
		t.Errorf("error %q, want %q", errors[0], want)
	}
	if want := "GetSessionToken: plain.example:8080 answered HTTP 407, and not as AWS does"; errors[len(errors)-1] != want {
		t.Errorf("error %q, want %q", errors[len(errors)-1], want)
	}

	// A proxy that is not there.
	proxy.Close()
	errors = lines(start(t, "call", job{Now: cacheNow, Endpoints: []endpoint{{Region: "eu-west-1"}}}, "HTTPS_PROXY="+proxy.URL, "NO_PROXY=").rest())
	host := proxy.Listener.Addr().String()
	if want := "GetSessionToken: cannot reach sts.eu-west-1.amazonaws.com: the proxy: dial tcp " + host + ": connect: connection refused"; len(errors) != 1 || errors[0] != want {
		t.Errorf("error %q, want %q", errors, want)
	}
}
