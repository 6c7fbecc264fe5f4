package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/sts"
	"github.com/shellvault/vault/sts/endpoint"
)

type loginOptions struct {
	sessionOptions
	life     time.Duration // of the console's session, 0 for the usual
	service  string
	path     string
	stdout   bool
	private  bool
	noLogout bool
}

func (app *App) loginCommand() *cobra.Command {
	var o loginOptions
	signOut := true
	c := &cobra.Command{
		Use:   "login [PROFILE]",
		Short: "open the AWS console in the browser",
		Long: `login signs a browser in to the AWS console with a profile's credentials: in a
switched shell with those of its profile, else with what the environment holds.
A session of another account that the browser has is ended first.

The address that signs in is as good as a password for 15 minutes. The browser
is sent there by a page on this machine that works once, so that it stands in no
list of processes; --stdout prints it instead.`,
		Example: `  vault login prod
  vault login prod --service s3 --region eu-west-1
  vault login prod --path 'ec2/home#Instances:' --private
  vault login prod --stdout | pbcopy`,
		Args:              app.atMost(0, 1, "PROFILE"),
		ValidArgsFunction: app.completeProfile,
		RunE: func(c *cobra.Command, args []string) error {
			o.noLogout = o.noLogout || !signOut
			if err := o.check(); err != nil {
				return err
			}
			name := strings.Join(args, "")
			if active := o; name == "" && app.activeProfile(&active) == "" && app.Env["AWS_ACCESS_KEY_ID"] == "" {
				var err error
				if name, err = app.profileArgument(c, args); err != nil {
					return err
				}
			}
			if err := app.login(c.Context(), name, o); err != nil {
				return err
			}
			app.used(name)
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&o.service, "service", "", "open the page of this `SERVICE`: s3, ec2, cloudwatch ...")
	f.StringVar(&o.path, "path", "", "open this `PATH` of the console")
	f.StringVar(&o.Region, "region", "", "`REGION` to open in place of the profile's")
	f.DurationVar(&o.life, "duration", 0, "how long the console's session lasts, 15m to 12h")
	f.StringVar(&o.mfaCode, "mfa-code", "", "the MFA `CODE`, in place of being asked")
	f.BoolVar(&o.ReadOnly, "read-only", false, "assume the role for reading only")
	o.typed = f
	o.bindYes(f)
	f.BoolVar(&o.stdout, "stdout", false, "print the address, and open nothing")
	f.BoolVar(&o.private, "private", false, "open a private window")
	f.BoolVar(&signOut, "logout-first", true, "end the session that the browser has in another account")
	f.BoolVar(&o.noLogout, "no-logout", false, "do not: for browsers with multi-session support")
	app.completeFlags(c)
	return c
}

func (o *loginOptions) check() error {
	if o.life != 0 && (o.life < 15*time.Minute || o.life > 12*time.Hour) {
		return usageErrorf("--duration %s: a session of the console lasts 15m to 12h", o.life)
	}
	switch {
	case o.service != "" && o.path != "":
		return usageErrorf("--service and --path name two pages: one can be opened")
	case o.stdout && o.private:
		return usageErrorf("--stdout opens no window: --private does not go with it")
	}
	// Before anybody is asked for anything.
	if _, err := (sts.Console{}).Page("", o.path); err != nil {
		return usageErrorf("--path %s", err)
	}
	if o.service != "" && strings.Trim(o.service, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return usageErrorf("--service %q is not the name of a service, such as s3", o.service)
	}
	return o.sessionOptions.check()
}

// A visitor is who is going to be signed in to the console.
type visitor struct {
	name    string // for a person
	profile *config.Profile
	files   *config.Files
	creds   sts.Credentials
	region  string
	arn     string        // in whose partition the console is, "" where the region says
	session time.Duration // that the console is asked for, 0 for the credentials' own life
	shown   config.ProfileSettings
	plan    resolved // that led to the credentials, if one did
}

func (app *App) login(ctx context.Context, name string, o loginOptions) error {
	app.Arm()
	v, err := app.visitor(ctx, name, o)
	if err != nil {
		return err
	}
	partition, ok := config.PartitionOfARN(v.arn)
	if !ok {
		if partition, ok = config.PartitionOfRegion(v.region); !ok {
			partition, _ = config.PartitionOf("aws")
		}
	}
	console := sts.Console{Partition: partition}
	console.Endpoint, _ = config.Endpoint(app.getenvBefore, v.profile, v.files, "signin")
	path := o.path
	if o.service != "" {
		path = cmp.Or(servicePages[o.service], o.service+"/home")
	}
	page, err := console.Page(v.region, path)
	if err != nil {
		return err
	}
	// Before a token is made that nobody can use.
	var browsers [][]string
	if !o.stdout {
		if browsers, err = app.consoleBrowsers(v.shown, o.private); err != nil {
			return err
		}
	}
	token, err := console.Token(ctx, app.client(v.profile), v.creds, v.session)
	if err != nil {
		return err
	}
	app.enter(app.entry("login", v.plan, v.creds))
	address, err := console.Address(token, page, !o.noLogout)
	if err != nil {
		return err
	}
	if o.stdout {
		_, err = fmt.Fprintln(app.Stdout, address.Reveal())
		return err
	}
	app.note("opening the console as " + v.name)
	err = endpoint.HandOff(ctx, address, browserPatience, func(local string) error {
		if !app.openBrowser(browsers, inContainer(local, v.shown.Container)) {
			return errNoBrowser
		}
		return nil
	})
	if errors.Is(err, endpoint.ErrNotFetched) || errors.Is(err, errNoBrowser) {
		return &hintError{err, "print the address, and open it where there is a browser: " + app.name() + " login --stdout"}
	}
	return err
}

// browserPatience is how long a browser may take to start.
const browserPatience = 30 * time.Second

var errNoBrowser = errors.New("no browser could be started")

// visitor gets the credentials that the console is opened with.
func (app *App) visitor(ctx context.Context, name string, o loginOptions) (visitor, error) {
	if name == "" {
		name = app.activeProfile(&o)
	}
	if name == "" {
		return app.environmentVisitor(ctx, o)
	}
	ttl, err := app.durationVariable("AWS_FEDERATION_TOKEN_TTL")
	if err != nil {
		return visitor{}, err
	}
	var session time.Duration
	o.plan = func(p sts.Plan) (got sts.Plan, err error) {
		got, session, err = p.Console(sessionName(app.User, app.Host), o.life, ttl)
		return got, err
	}
	if o.MinTTL == 0 {
		// A session of the console that ends in a minute is of no use.
		o.MinTTL = consoleLeast
	}
	r, t, err := app.credentials(ctx, name, o.sessionOptions, false)
	if err != nil {
		return visitor{}, err
	}
	app.notes(r)
	if session > 0 && !t.until.IsZero() {
		session = min(session, max(15*time.Minute, t.until.Sub(app.Now()).Truncate(time.Second)))
	}
	v := visitor{name: name, profile: r.profile(), files: r.files, creds: t.creds, region: t.region, session: session, shown: t.shown, plan: r}
	v.arn = cmp.Or(r.plan.Last().RoleARN, r.plan.Steps[0].MFASerial)
	switch r.plan.Last().Action {
	case sts.StaticKeys, sts.CredentialProcess, sts.CredentialSource, sts.LoginSession:
		err = app.admit(ctx, &v, o)
	}
	return v, err
}

const consoleLeast = 30 * time.Minute

// activeProfile returns the profile that a person means who names none: the one
// that this shell is switched to, else the one that the AWS CLI would take.
func (app *App) activeProfile(o *loginOptions) string {
	if old := app.current(); old != nil && app.foreign(old) == "" {
		flags := old.Flags
		flags.Duration, flags.For = 0, 0
		flags.Region = cmp.Or(o.Region, app.Env["AWS_REGION"], flags.Region)
		flags.ReadOnly = flags.ReadOnly || o.ReadOnly
		o.switchFlags, o.confirmed = flags, old.confirmed()
		return old.Profile
	}
	if app.Env["AWS_ACCESS_KEY_ID"] != "" {
		return ""
	}
	return cmp.Or(app.Env["AWS_PROFILE"], app.Env["AWS_DEFAULT_PROFILE"])
}

// environmentVisitor takes the credentials of the environment.
func (app *App) environmentVisitor(ctx context.Context, o loginOptions) (visitor, error) {
	if app.Env["AWS_ACCESS_KEY_ID"] == "" {
		return visitor{}, &usageError{text: "login: PROFILE is missing", hint: "usage: " + app.name() + " login PROFILE"}
	}
	creds, err := app.environment()
	if err != nil {
		return visitor{}, err
	}
	files, err := config.Load(config.Locate(app.getenv, app.Home))
	if err != nil {
		return visitor{}, err
	}
	v := visitor{name: "the environment's key " + creds.AccessKeyID, files: files, creds: creds, region: cmp.Or(o.Region, app.Env["AWS_REGION"], app.Env["AWS_DEFAULT_REGION"])}
	return v, app.admit(ctx, &v, o)
}

// admit makes sure that the console takes the credentials, whose kind is not
// known: a user's key is made a federated user's.
func (app *App) admit(ctx context.Context, v *visitor, o loginOptions) error {
	client := app.client(v.profile)
	at, _ := config.Endpoint(app.getenvBefore, v.profile, v.files, "sts")
	region := cmp.Or(v.region, "us-east-1")
	if v.creds.SessionToken.IsZero() {
		ttl, err := app.durationVariable("AWS_FEDERATION_TOKEN_TTL")
		if err != nil {
			return err
		}
		step := sts.FederationStep(v.name, sessionName(app.User, app.Host), cmp.Or(o.life, ttl, time.Hour))
		step.Region, step.Endpoint = region, at
		v.creds, err = client.Call(ctx, v.creds, step, "")
		return err
	}
	who, err := client.Caller(ctx, v.creds, region, at)
	if err != nil {
		return err
	}
	v.arn = who.ARN
	if why := sts.ConsoleRefuses(who.ARN); why != "" {
		return &hintError{fmt.Errorf("the credentials of %s cannot open the console: %s", v.name, why), "name a role's profile, or one whose key is stored: " + app.name() + " login PROFILE"}
	}
	return nil
}

// servicePages are the pages of services whose name is not that of their page.
var servicePages = map[string]string{
	"apigw": "apigateway/home", "athena": "athena/home", "billing": "costmanagement/home", "cfn": "cloudformation/home",
	"cw": "cloudwatch/home", "ddb": "dynamodbv2/home", "dynamodb": "dynamodbv2/home", "ecr": "ecr/repositories",
	"ecs": "ecs/v2/clusters", "eks": "eks/clusters", "logs": "cloudwatch/home#logsV2:log-groups", "r53": "route53/v2/home",
	"route53": "route53/v2/home", "secrets": "secretsmanager/home", "sfn": "states/home", "sso": "singlesignon/home",
	"ssm": "systems-manager/home", "stepfunctions": "states/home", "waf": "wafv2/homev2", "vpc": "vpcconsole/home",
}
