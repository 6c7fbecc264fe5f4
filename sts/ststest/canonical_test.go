package ststest

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
)

// Requests and signatures of AWS's Signature Version 4 test suite.
func TestSignature(t *testing.T) {
	const (
		secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
		date   = "20150830T123600Z"
	)
	auth := authorization{date: "20150830", region: "us-east-1", service: "service", terminator: "aws4_request"}
	tests := []struct {
		name, request, signed, want string
	}{
		{"get-vanilla", "GET / HTTP/1.1", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-query-order-key-case", "GET /?Param2=value2&Param1=value1 HTTP/1.1", "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"post-vanilla", "POST / HTTP/1.1", "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"get-relative", "GET /example/.. HTTP/1.1", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-slashes", "GET //example// HTTP/1.1", "host;x-amz-date", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text := test.request + "\r\nHost: example.amazonaws.com\r\nX-Amz-Date: " + date + "\r\n\r\n"
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
			if err != nil {
				t.Fatal(err)
			}
			if got := auth.sign(secret, date, canonicalRequest(r, strings.Split(test.signed, ";"), nil)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestCanonicalRequest(t *testing.T) {
	const text = "POST /a%20b//./c/../d/?b=2&a=%2F+x&b=1&c HTTP/1.1\r\n" +
		"Host: localhost:99\r\nContent-Length: 3\r\nX-Two:  a   b \r\nX-Two: c\r\n\r\nabc"
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"POST",
		"/a%2520b/d/",
		"a=%2F%20x&b=1&b=2&c=",
		"content-length:3",
		"host:localhost:99",
		"x-none:",
		"x-two:a b,c",
		"",
		"content-length;host;x-none;x-two",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	}, "\n")
	if got := canonicalRequest(r, []string{"content-length", "host", "x-none", "x-two"}, []byte("abc")); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCheckSignedHeaders(t *testing.T) {
	header := http.Header{"X-Amz-Date": {"now"}, "X-Other": {"1"}}
	tests := []struct {
		signed string
		want   string
	}{
		{"host;x-amz-date", ""},
		{"host;x-amz-date;x-other", ""},
		{"x-amz-date;host", signatureDiffers},
		{"Host;x-amz-date", signatureDiffers},
		{"x-amz-date", "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{"host;x-other", "'x-amz-date' must be a 'SignedHeader' in the AWS Authorization."},
	}
	for _, test := range tests {
		got := ""
		if err := checkSignedHeaders(header, strings.Split(test.signed, ";")); err != nil {
			got = err.message
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.signed, got, test.want)
		}
	}
}
