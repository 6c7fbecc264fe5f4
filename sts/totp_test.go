package sts

import (
	"encoding/base32"
	"strings"
	"testing"
	"time"
)

// The vectors of RFC 6238, appendix B, cut to six digits.
func TestTOTP(t *testing.T) {
	seed, err := ParseSeed(base32.StdEncoding.EncodeToString([]byte("12345678901234567890")))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got, err := TOTP(seed, time.Unix(at, 0)); got != want || err != nil {
			t.Errorf("%d: %s %v, want %s", at, got, err, want)
		}
	}
}

func TestParseSeed(t *testing.T) {
	const seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for text, fails := range map[string]string{
		seed: "",
		" gezd gnbv gy3t qojq gezd-gnbv-gy3t-qojq\n": "",
		seed + "====": "",
		"otpauth://totp/Amazon%20Web%20Services:alice@1?secret=" + seed + "&issuer=x": "",
		"otpauth://totp/a?secret=" + seed + "&digits=8":                               "its digits is not 6",
		"otpauth://totp/a?secret=" + seed + "&period=60":                              "its period is not 30",
		"otpauth://totp/a?secret=" + seed + "&algorithm=SHA256":                       "its algorithm is not SHA1",
		"otpauth://totp/a?secret=" + seed + "&algorithm=sha1":                         "",
		"otpauth://hotp/a?secret=" + seed:                                             "goes by the clock",
		"otpauth://totp/a":                                                            "goes by the clock",
		"0189":                                                                        "made of letters",
		"GEZDGNBV":                                                                    "too short",
		"":                                                                            "too short",
		"123456":                                                                      "made of letters",
	} {
		got, err := ParseSeed(text)
		if (err == nil) != (fails == "") || err != nil && (!strings.Contains(err.Error(), fails) || strings.Contains(err.Error(), "GEZDGNBV")) || err == nil && got.Reveal() != seed {
			t.Errorf("%q: %v", text, err)
		}
	}
}
