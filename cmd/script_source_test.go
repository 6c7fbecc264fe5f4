package cmd_test

import (
	"maps"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/shellvault/vault/sts/ststest"
)

// issuerURL is the identity provider that the scripts' web identities are of.
const issuerURL = "https://ci.example.com"

// withSources adds the commands of scripts about other sources than keys:
//
//	token FILE SUBJECT LIFE [AUDIENCE]  writes a token of issuerURL, which account 222222222222's role CI trusts for the subject "build"
//	instance [AUTHORIZATION]            this is an instance, and a container, with the role Box, which Far trusts
//	noinstance                          the instance loses its role
//	center DO [ARGUMENT...]             changes the Identity Center of startURL, where role Developer of account 222222222222 is assigned
//	login FILE LIFE                     writes what "aws login" leaves of the user, $LOGIN being its name
//	endlogins REASON                    AWS renews none of them any longer
//	seed FILE                           writes the secret of the user's MFA device
//	unsigned ACTION                     checks that the last call of ACTION was not signed
func withSources(w *world, cmds map[string]func(*testscript.TestScript, bool, []string)) map[string]func(*testscript.TestScript, bool, []string) {
	issuer := w.aws.AddIssuer(issuerURL, "sts.amazonaws.com")
	w.aws.AddRole("222222222222", "CI", ststest.Trust{Principals: []string{"222222222222"},
		WebIdentity: []ststest.WebIdentity{{Issuer: issuerURL, Audience: "sts.amazonaws.com", Subject: "build"}}})
	w.aws.AddRole("222222222222", "Far", ststest.Trust{Principals: []string{"222222222222"}})
	center := w.center()
	maps.Copy(cmds, map[string]func(*testscript.TestScript, bool, []string){
		"token": func(ts *testscript.TestScript, _ bool, args []string) {
			audience := "sts.amazonaws.com"
			if len(args) > 3 {
				audience = args[3]
			}
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(issuer.Token(audience, args[1], duration(ts, args[2]))+"\n"), 0o600))
		},
		"instance": func(ts *testscript.TestScript, _ bool, args []string) {
			w.aws.SetInstance(w.aws.AddRole("222222222222", "Box", ststest.Trust{}), strings.Join(args, ""))
		},
		"noinstance": func(*testscript.TestScript, bool, []string) { w.aws.SetInstance(nil, "") },
		"center": func(ts *testscript.TestScript, _ bool, args []string) {
			switch args[0] {
			case "assign":
				center.Assign(args[1], args[2], args[3])
			case "unassign":
				center.Unassign(args[1], args[2])
			case "life":
				center.SetTokenLife(duration(ts, args[1]))
			case "refuse":
				center.Refuse(args[1] == "on")
			case "signout":
				center.SignOut()
			case "revoke":
				center.RevokeAccess()
			default:
				ts.Fatalf("center %s?", args[0])
			}
		},
		"login": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), w.user.Login(duration(ts, args[1])), 0o600))
		},
		"endlogins": func(_ *testscript.TestScript, _ bool, args []string) { w.aws.EndLogins(strings.Join(args, "")) },
		"seed": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(w.mfa.Seed()+"\n"), 0o600))
		},
		"unsigned": func(ts *testscript.TestScript, _ bool, args []string) {
			for _, r := range w.aws.Requests() {
				if r.Action == args[0] {
					if r.AccessKeyID != "" {
						ts.Fatalf("%s was signed by %s", r.Action, r.AccessKeyID)
					}
					return
				}
			}
			ts.Fatalf("%s was not called", args[0])
		},
	})
	return cmds
}

// startURL is that of the world's Identity Center.
const startURL = "https://corp.awsapps.com/start"

// center adds an Identity Center to the world, and a browser that goes where
// it is sent.
func (w *world) center() *ststest.IdentityCenter {
	center := w.aws.AddIdentityCenter(startURL)
	center.Assign("222222222222", "Development", "Developer")
	w.write("browser", "#!/bin/sh\necho \"$@\" >>~/visited\nenv >~/browser.env\nexec curl -sL \"$1\" >/dev/null\n")
	w.executable("browser")
	return center
}
