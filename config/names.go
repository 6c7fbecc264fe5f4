package config

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// validName reports whether s can name a profile, another section or a
// property: letters, digits and - / . % @ _ : + (file-format; the SDKs ignore
// what is named otherwise). Letters of other scripts count as letters.
func validName(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= utf8.RuneSelf:
			return validUnicodeName(s[i:])
		case !nameByte[c]:
			return false
		}
	}
	return s != ""
}

// nameByte tells the ASCII characters of names.
var nameByte = func() (is [256]bool) {
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/.%@_:+" {
		is[c] = true
	}
	return is
}()

func validUnicodeName(s string) bool {
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r < utf8.RuneSelf && !nameByte[s[0]] ||
			r >= utf8.RuneSelf && (r == utf8.RuneError || !unicode.In(r, unicode.L, unicode.M, unicode.N)) {
			return false
		}
		s = s[n:]
	}
	return true
}

// unquoteName returns the name that a header gives in quotes, as in
// [profile "two words"]. ok is false where it gives none.
//
// The AWS CLI writes such headers ("aws configure" quotes a name that holds
// white space) and splits what it reads as a POSIX shell would, so that its
// users have profiles with any letters in their names. The SDKs ignore them,
// the one for JavaScript aside. Here the AWS CLI's way is followed: nobody
// quotes a name for a profile that is to be ignored. Without quotes the SDKs'
// rule holds, by which [profile a!b] is ignored, though the AWS CLI takes it.
// What does not print, and may fool who reads the name, is taken from neither.
func unquoteName(s string) (name string, ok bool) {
	var b strings.Builder
	var quote byte // the one that is open
	quoted := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, quoted = c, true
		case c == '\\' && quote != '\'':
			if i++; i == len(s) {
				return "", false // nothing is escaped
			}
			if quote == '"' && s[i] != '"' && s[i] != '\\' {
				b.WriteByte('\\') // means itself there
			}
			b.WriteByte(s[i])
			quoted = true
		case quote == 0 && isSpace(c):
			return "", false // a second word
		default:
			b.WriteByte(c)
		}
	}
	name = b.String()
	return name, quoted && quote == 0 && anyName(name)
}

// anyName reports whether s can be the name of a profile if it is quoted.
func anyName(s string) bool {
	return s != "" && trim(s) == s && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
