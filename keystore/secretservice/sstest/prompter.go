package sstest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"

	"github.com/godbus/dbus/v5"
)

// A Dialog is a question of gnome-keyring.
type Dialog struct {
	Message string
	Warning string // that the passphrase before was wrong
	New     bool   // the passphrase is being chosen
}

// Prompt shows the dialogs of d from now on: answer gives the passphrase that
// a person would type, or false if he would refuse. While answer does not
// return, the dialog stays open.
func (d *Daemon) Prompt(answer func(Dialog) (passphrase string, ok bool)) {
	d.t.Helper()
	p := &prompter{conn: d.Connect(), answer: answer, exchanges: map[dbus.ObjectPath]*exchange{}}
	reply, err := p.conn.RequestName("org.gnome.keyring.SystemPrompter", dbus.NameFlagDoNotQueue)
	if err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		d.t.Fatalf("no name for the prompter: %v, %v", reply, err)
	}
	Serve(p.conn, p.handle)
}

// A prompter is what gcr-prompter is on a desktop: gcr, file
// gcr-system-prompter.c. It asks gnome-keyring for the questions.
type prompter struct {
	conn      *dbus.Conn
	answer    func(Dialog) (string, bool)
	exchanges map[dbus.ObjectPath]*exchange // by the callback that asks
}

// handle answers a call first: gnome-keyring listens after that.
func (p *prompter) handle(c Call, answer func(Reply)) {
	callback, _ := c.Args[0].(dbus.ObjectPath)
	e := p.exchanges[callback]
	switch {
	case c.Method == "BeginPrompting":
		answer(Reply{})
		e = newExchange()
		p.exchanges[callback] = e
		p.ready(c, "", e.message(nil))
	case e == nil:
		answer(Reply{Error: "org.freedesktop.DBus.Error.Failed", Body: []any{"unknown callback"}})
	case c.Method == "PerformPrompt":
		properties, _ := c.Args[2].(map[string]dbus.Variant)
		message, _ := c.Args[3].(string)
		d := dialog(properties)
		if err := e.take(message, d.New); err != nil {
			answer(Reply{Error: "org.freedesktop.DBus.Error.Failed", Body: []any{err.Error()}})
			return
		}
		answer(Reply{})
		go p.show(c, e, d)
	case c.Method == "StopPrompting":
		answer(Reply{})
		delete(p.exchanges, callback)
		p.call(c, "PromptDone")
	}
}

func dialog(properties map[string]dbus.Variant) (d Dialog) {
	d.Message, _ = properties["message"].Value().(string)
	d.Warning, _ = properties["warning"].Value().(string)
	d.New, _ = properties["password-new"].Value().(bool)
	return d
}

// show asks the person.
func (p *prompter) show(c Call, e *exchange, d Dialog) {
	passphrase, ok := p.answer(d)
	if !ok {
		p.ready(c, "no", e.message(nil))
		return
	}
	p.ready(c, "yes", e.message([]byte(passphrase)))
}

func (p *prompter) ready(c Call, reply, message string) {
	// Without a strength it would ask whether to store in clear.
	strength := dbus.MakeVariant(dbus.MakeVariant(int32(50)))
	p.call(c, "PromptReady", reply, map[string]dbus.Variant{"password-strength": strength}, message)
}

// call calls the one who made c back.
func (p *prompter) call(c Call, method string, args ...any) {
	callback, _ := c.Args[0].(dbus.ObjectPath)
	p.conn.Object(c.Sender, callback).Go("org.gnome.keyring.internal.Prompter.Callback."+method, dbus.FlagNoReplyExpected, nil, args...)
}

// An exchange is one side of gcr's secret exchange "sx-aes-1": Diffie-Hellman
// in the group of 1536 bits of RFC 3526, section 2; HKDF-SHA256; AES-128-CBC
// with the padding of PKCS #7. A message is a key file with values in base64.
type exchange struct {
	private, public *big.Int
	key             []byte
}

var modp1536, _ = new(big.Int).SetString("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD1"+
	"29024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"+
	"4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5"+
	"AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"+
	"83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA237327FFFFFFFFFFFFFFFF", 16)

func newExchange() *exchange {
	private := make([]byte, 32)
	_, _ = rand.Read(private)
	e := &exchange{private: new(big.Int).SetBytes(private)}
	e.public = new(big.Int).Exp(big.NewInt(2), e.private, modp1536)
	return e
}

// take reads the public key out of a message. Padded says whether the shared
// secret keeps its leading zeros: in gnome-keyring 42 with gcr 3.41 it does
// for a new passphrase, and else not.
func (e *exchange) take(message string, padded bool) error {
	for line := range strings.Lines(message) {
		value, ok := strings.CutPrefix(strings.TrimSpace(line), "public=")
		if !ok {
			continue
		}
		public, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return err
		}
		shared := new(big.Int).Exp(new(big.Int).SetBytes(public), e.private, modp1536)
		secret := shared.Bytes()
		if padded {
			secret = shared.FillBytes(make([]byte, 192))
		}
		e.key, err = hkdf.Key(sha256.New, secret, nil, "", 16)
		return err
	}
	return fmt.Errorf("no public key in %q", message)
}

// message returns the own public key, and secret if it is not nil.
func (e *exchange) message(secret []byte) string {
	text := "[sx-aes-1]\npublic=" + base64.StdEncoding.EncodeToString(e.public.Bytes()) + "\n"
	if secret == nil {
		return text
	}
	n := 16 - len(secret)%16
	sealed := append(append([]byte(nil), secret...), strings.Repeat(string(rune(n)), n)...)
	iv := make([]byte, 16)
	_, _ = rand.Read(iv)
	block, err := aes.NewCipher(e.key)
	if err != nil {
		panic(err) // the length is ours
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(sealed, sealed)
	return text + "secret=" + base64.StdEncoding.EncodeToString(sealed) + "\niv=" + base64.StdEncoding.EncodeToString(iv) + "\n"
}
