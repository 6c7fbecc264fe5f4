package sts

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/shellvault/vault/keystore"
)

// ParseProcess reads what a credential_process prints (AWS SDKs and Tools
// Reference Guide, "Process credential provider"): session token and expiry
// may be missing, any version but 1 is an error.
func ParseProcess(output []byte, now time.Time) (Credentials, error) {
	var answer struct {
		Version         int
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
	}
	// The text may be a secret: no error repeats it.
	if json.Unmarshal(output, &answer) != nil {
		return Credentials{}, fmt.Errorf("what it printed is not the JSON of a credential_process")
	}
	switch {
	case answer.Version != 1:
		return Credentials{}, fmt.Errorf("it printed version %d; there is 1", answer.Version)
	case answer.AccessKeyID == "" || answer.SecretAccessKey == "":
		return Credentials{}, fmt.Errorf("it printed no AccessKeyId or no SecretAccessKey")
	}
	c := Credentials{
		AccessKeyID:     answer.AccessKeyID,
		SecretAccessKey: keystore.NewSecret(answer.SecretAccessKey),
		SessionToken:    keystore.NewSecret(answer.SessionToken),
		Issued:          now.UTC().Truncate(time.Second),
	}
	if answer.Expiration != "" {
		end, err := time.Parse(time.RFC3339, answer.Expiration)
		if err != nil {
			return Credentials{}, fmt.Errorf("its Expiration is not a time as RFC 3339 has it")
		}
		if c.Expires = end.UTC(); !c.Expires.After(now) {
			return Credentials{}, fmt.Errorf("it printed credentials that ended at %s", c.Expires.Format(time.RFC3339))
		}
	}
	return c, nil
}
