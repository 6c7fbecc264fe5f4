package sts

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// discard takes what a server has to say of a client that left.
var discard = log.New(io.Discard, "", 0)

func certificate(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// otherCertificate returns a certificate that signed nothing.
func otherCertificate(t testing.TB) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	data, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(data); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCABundle(t *testing.T) {
	hits := 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits++ }))
	server.Config.ErrorLog = discard
	server.StartTLS()
	defer server.Close()
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	missing, empty := filepath.Join(dir, "missing.pem"), write("empty.pem", []byte("no certificate\n"))
	good, other := write("good.pem", certificate(server.Certificate())), write("other.pem", certificate(otherCertificate(t)))
	for _, tt := range []struct{ bundle, want string }{
		{missing, `ca_bundle "` + missing + `": no such file or directory`},
		{dir, `ca_bundle "` + dir + `": is a directory`},
		{empty, `ca_bundle "` + empty + `" holds no certificate`},
		{"", "GetSessionToken: cannot reach HOST: x509: certificate signed by unknown authority"},
		{other, "GetSessionToken: cannot reach HOST: x509: certificate signed by unknown authority"},
		{good, "GetSessionToken: AWS answered without credentials"},
	} {
		client := &AWS{Now: time.Now, CABundle: tt.bundle}
		for range 2 { // the second time too
			_, err := client.Call(t.Context(), credentials("ASIA1"), sessionAt(server.URL), "")
			want := strings.Replace(tt.want, "HOST", strings.TrimPrefix(server.URL, "https://"), 1)
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("error %v, want %s", err, want)
			}
		}
	}
	if hits != 2 {
		t.Errorf("%d calls came through", hits)
	}
}
