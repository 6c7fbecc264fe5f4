package ststest

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A rule is what the STS API Reference says of a text parameter.
type rule struct {
	required bool
	min, max int // length in characters; max 0 is any
	pattern  string
}

// The rules of the parameters of AssumeRole, GetSessionToken and
// GetFederationToken.
var (
	arnRule            = rule{required: true, min: 20, max: 2048}
	sessionNameRule    = rule{required: true, min: 2, max: 64, pattern: `[\w+=,.@-]*`}
	sourceIdentityRule = rule{min: 2, max: 64, pattern: `[\w+=,.@-]*`}
	federatedNameRule  = rule{required: true, min: 2, max: 32, pattern: `[\w+=,.@-]*`}
	externalIDRule     = rule{min: 2, max: 1224, pattern: `[\w+=,.@:\/-]*`}
	serialNumberRule   = rule{min: 9, max: 256, pattern: `[\w+=/:,.@-]*`}
	tokenCodeRule      = rule{min: 6, max: 6, pattern: `[\d]*`}
	policyRule         = rule{min: 1, max: 2048, pattern: `[\u0009\u000A\u000D\u0020-\u00FF]+`}
	tagKeyRule         = rule{required: true, min: 1, max: 128, pattern: `[\p{L}\p{Z}\p{N}_.:/=+\-@]+`}
	tagValueRule       = rule{required: true, max: 256, pattern: `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`}
)

const (
	maxTags       = 50
	maxPolicyARNs = 10
)

// patterns holds the rules' patterns compiled, which are Java's.
var patterns = func() map[string]*regexp.Regexp {
	escape := regexp.MustCompile(`\\u([0-9A-F]{4})`)
	m := make(map[string]*regexp.Regexp)
	for _, r := range []rule{
		sessionNameRule, sourceIdentityRule, federatedNameRule, externalIDRule,
		serialNumberRule, tokenCodeRule, policyRule, tagKeyRule, tagValueRule,
	} {
		m[r.pattern] = regexp.MustCompile(`^(?:` + escape.ReplaceAllString(r.pattern, `\x{$1}`) + `)$`)
	}
	return m
}()

// A checker reads the parameters of a call and collects what is wrong with
// them, because AWS names all the faults at once.
type checker struct {
	params url.Values
	faults []string
	broken *apiError // a value that cannot even be read
}

// has reports whether the call has the parameter, be it empty.
func (v *checker) has(name string) bool { return len(v.params[name]) > 0 }

// text returns a parameter, checked.
func (v *checker) text(name string, r rule) string {
	value := v.params.Get(name)
	if !v.has(name) {
		if r.required {
			v.faults = append(v.faults, fmt.Sprintf("Value null at '%s' failed to satisfy constraint: Member must not be null", memberName(name)))
		}
		return ""
	}
	n := utf8.RuneCountInString(value)
	if r.pattern != "" && !patterns[r.pattern].MatchString(value) {
		v.fault(name, value, "satisfy regular expression pattern: "+r.pattern)
	}
	if n < r.min {
		v.fault(name, value, fmt.Sprintf("have length greater than or equal to %d", r.min))
	}
	if r.max > 0 && n > r.max {
		v.fault(name, value, fmt.Sprintf("have length less than or equal to %d", r.max))
	}
	return value
}

// number returns a parameter that is a whole number, checked, or without
// where the call does not have it.
func (v *checker) number(name string, least, most, without int) int {
	if !v.has(name) {
		return without
	}
	value := v.params.Get(name)
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		v.broken = &apiError{http.StatusBadRequest, "MalformedInput", name + " is not an integer."}
		return without
	}
	if int(n) < least {
		v.fault(name, value, fmt.Sprintf("have value greater than or equal to %d", least))
	}
	if int(n) > most {
		v.fault(name, value, fmt.Sprintf("have value less than or equal to %d", most))
	}
	return int(n)
}

// life returns DurationSeconds, checked, or what AWS takes without it.
func (v *checker) life(least, most, without time.Duration) time.Duration {
	seconds := func(d time.Duration) int { return int(d / time.Second) }
	n := v.number("DurationSeconds", seconds(least), seconds(most), seconds(without))
	return time.Duration(n) * time.Second
}

// tags returns the Tags parameter, checked.
func (v *checker) tags() []tag {
	var list []tag
	for i := 1; ; i++ {
		prefix := fmt.Sprintf("Tags.member.%d.", i)
		if !v.has(prefix+"Key") && !v.has(prefix+"Value") {
			break
		}
		list = append(list, tag{v.text(prefix+"Key", tagKeyRule), v.text(prefix+"Value", tagValueRule)})
	}
	v.limit("Tags", len(list), maxTags)
	return list
}

// list returns a parameter that is a list of texts, each checked.
func (v *checker) list(name, suffix string, r rule, most int) []string {
	var list []string
	for i := 1; ; i++ {
		member := fmt.Sprintf("%s.member.%d%s", name, i, suffix)
		if !v.has(member) {
			break
		}
		list = append(list, v.text(member, r))
	}
	v.limit(name, len(list), most)
	return list
}

// limit checks the length of a list.
func (v *checker) limit(name string, n, most int) {
	if n > most {
		v.fault(name, fmt.Sprintf("%d members", n), fmt.Sprintf("have length less than or equal to %d", most))
	}
}

func (v *checker) fault(name, value, must string) {
	v.faults = append(v.faults, fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: Member must %s", value, memberName(name), must))
}

// err returns all the faults as one error, nil where there are none.
func (v *checker) err() *apiError {
	switch {
	case v.broken != nil:
		return v.broken
	case len(v.faults) == 1:
		return invalid("1 validation error detected: %s", v.faults[0])
	case len(v.faults) > 1:
		return invalid("%d validation errors detected: %s", len(v.faults), strings.Join(v.faults, "; "))
	}
	return nil
}

// memberName returns a parameter's name as validation errors spell it:
// roleArn, tags.1.member.key.
func memberName(name string) string {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		parts[i] = strings.ToLower(part[:1]) + part[1:]
	}
	if len(parts) > 2 {
		parts[1], parts[2] = parts[2], parts[1]
	}
	return strings.Join(parts, ".")
}

func invalid(format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "ValidationError", fmt.Sprintf(format, args...)}
}
