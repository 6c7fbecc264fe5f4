package sstest

import "github.com/godbus/dbus/v5"

// OtherPassphrase is that of the collections that Other makes.
const OtherPassphrase = "battery staple"

// Other has another program keep items in a collection of its own, which it
// makes: each under a label, with the attribute "profile" as
// github.com/99designs/keyring sets it.
func (d *Daemon) Other(collection string, items map[string]string) {
	d.t.Helper()
	var nothing dbus.Variant
	var session dbus.ObjectPath
	d.store(d.service("OpenSession", "plain", dbus.MakeVariant("")), &nothing, &session)
	type value struct {
		Session     dbus.ObjectPath
		Parameters  []byte
		Value       []byte
		ContentType string
	}
	properties := map[string]dbus.Variant{secret + "Collection.Label": dbus.MakeVariant(collection)}
	var made dbus.ObjectPath
	d.store(d.conn.Object(name, root).Call("org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.CreateWithMasterPassword", 0,
		properties, value{session, []byte{}, []byte(OtherPassphrase), "text/plain"}), &made)
	for label, text := range items {
		properties := map[string]dbus.Variant{
			secret + "Item.Label":      dbus.MakeVariant(label),
			secret + "Item.Attributes": dbus.MakeVariant(map[string]string{"profile": label}),
		}
		var item, prompt dbus.ObjectPath
		d.store(d.conn.Object(name, made).Call(secret+"Collection.CreateItem", 0, properties, value{session, []byte{}, []byte(text), "application/json"}, true), &item, &prompt)
	}
}

func (d *Daemon) store(call *dbus.Call, to ...any) {
	d.t.Helper()
	if err := call.Store(to...); err != nil {
		d.t.Fatal(err)
	}
}
