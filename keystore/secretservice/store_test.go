package secretservice

import (
	"testing"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/keystoretest"
	"github.com/shellvault/vault/keystore/secretservice/sstest"
)

func TestStore(t *testing.T) {
	daemon := sstest.StartDaemon(t)
	for _, test := range []struct {
		name  string
		plain bool
		ask   Ask
	}{
		{name: "encrypted", ask: AskAnyhow},
		{name: "plain", plain: true, ask: AskAnyhow},
		{name: "unattended"},
	} {
		t.Run(test.name, func(t *testing.T) {
			keystoretest.TestStore(t, func(t *testing.T) keystore.Store {
				s := &Store{Address: daemon.Address, Plain: test.plain, Ask: test.ask, application: t.Name()}
				t.Cleanup(func() { _ = s.Close() })
				return s
			})
		})
	}
}
