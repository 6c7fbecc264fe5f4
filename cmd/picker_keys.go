package cmd

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// A key is what a person pressed.
type key int

const (
	keyNone key = iota // of no meaning here
	keyText            // a letter
	keyEnter
	keyLeave
	keyUp
	keyDown
	keyPageUp
	keyPageDown
	keyHome
	keyEnd
	keyLeft
	keyRight
	keyLineStart
	keyLineEnd
	keyBackspace
	keyDelete
	keyDeleteOrLeave
	keyDeleteWord
	keyDeleteLine
	keyRedraw
)

// controlKeys are the keys that send one byte, with the meaning that they have
// in fzf (fzf(1), "Available actions").
var controlKeys = map[byte]key{
	'\r': keyEnter,
	0x1b: keyLeave, ctrl('c'): keyLeave, ctrl('g'): keyLeave, ctrl('q'): keyLeave, ctrl('d'): keyDeleteOrLeave,
	ctrl('k'): keyUp, ctrl('p'): keyUp, ctrl('j'): keyDown, ctrl('n'): keyDown, '\t': keyDown,
	ctrl('a'): keyLineStart, ctrl('e'): keyLineEnd, ctrl('b'): keyLeft, ctrl('f'): keyRight,
	ctrl('h'): keyBackspace, 0x7f: keyBackspace, ctrl('w'): keyDeleteWord, ctrl('u'): keyDeleteLine, ctrl('l'): keyRedraw,
}

func ctrl(letter byte) byte { return letter & 0x1f }

// sequences are the keys that send ESC [ or ESC O, the parameter and a letter
// (xterm's control sequences, "Special Keys"; those of the Linux console and
// of rxvt beside them).
var sequences = map[string]key{
	"A": keyUp, "B": keyDown, "C": keyRight, "D": keyLeft, "H": keyHome, "F": keyEnd, "Z": keyUp,
	"1~": keyHome, "7~": keyHome, "4~": keyEnd, "8~": keyEnd, "3~": keyDelete, "5~": keyPageUp, "6~": keyPageDown,
}

// nextKey takes the first key off what was typed. n is how long it is, 0 where
// the end of it is still to come; whole says that nothing is: then an ESC
// stands for itself.
func nextKey(typed []byte, whole bool) (k key, letter rune, n int) {
	switch c := typed[0]; {
	case c == 0x1b:
		k, n = nextSequence(typed)
		if n == 0 && whole {
			return keyLeave, 0, len(typed)
		}
		return k, 0, n
	case c < ' ' || c == 0x7f:
		return controlKeys[c], 0, 1
	}
	if !utf8.FullRune(typed) && !whole {
		return keyNone, 0, 0
	}
	r, n := utf8.DecodeRune(typed)
	if r == utf8.RuneError || !unicode.IsPrint(r) {
		return keyNone, 0, n
	}
	return keyText, r, n
}

// nextSequence takes a key off that begins with ESC.
func nextSequence(typed []byte) (key, int) {
	if len(typed) < 2 {
		return keyNone, 0
	}
	switch typed[1] {
	case 0x7f, ctrl('h'): // with Alt
		return keyDeleteWord, 2
	case 0x1b:
		return keyLeave, 2
	case 'O':
		if len(typed) < 3 {
			return keyNone, 0
		}
		return sequences[string(typed[2])], 3
	case '[':
	default:
		return keyNone, 2
	}
	if len(typed) > 2 && typed[2] == '[' { // a function key of the Linux console
		if len(typed) < 4 {
			return keyNone, 0
		}
		return keyNone, 4
	}
	end := bytes.IndexFunc(typed[2:], func(r rune) bool { return '@' <= r && r <= '~' }) // ECMA-48, 5.4
	if end < 0 {
		return keyNone, 0
	}
	parameter, letter := typed[2:2+end], typed[2+end]
	if letter != '~' { // what else is pressed with it is no matter
		return sequences[string(letter)], 3 + end
	}
	parameter, _, _ = bytes.Cut(parameter, []byte(";"))
	return sequences[string(parameter)+"~"], 3 + end
}
