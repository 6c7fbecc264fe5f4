package sstest

import "github.com/godbus/dbus/v5"

// A Call is a method call that somebody on the bus made.
type Call struct {
	Method string // without its interface
	Path   dbus.ObjectPath
	Args   []any
	Flags  dbus.Flags
	Sender string
}

// A Reply answers a Call: with values or, if Error is not empty, with the
// error of that name, whose text is the first value.
type Reply struct {
	Body  []any
	Error string
}

// Serve hands the method calls to conn to handle, one after the other. It
// answers each when answer is called, once or never. Answers to calls that
// are made with conn itself get lost from now on.
func Serve(conn *dbus.Conn, handle func(c Call, answer func(Reply))) {
	messages := make(chan *dbus.Message, 1024)
	conn.Eavesdrop(messages)
	go func() {
		for m := range messages {
			if m.Type != dbus.TypeMethodCall {
				continue
			}
			var c Call
			c.Method, _ = m.Headers[dbus.FieldMember].Value().(string)
			c.Path, _ = m.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
			c.Sender, _ = m.Headers[dbus.FieldSender].Value().(string)
			c.Args, c.Flags = m.Body, m.Flags
			handle(c, func(r Reply) {
				out := &dbus.Message{Type: dbus.TypeMethodReply, Body: r.Body, Headers: map[dbus.HeaderField]dbus.Variant{
					dbus.FieldDestination: dbus.MakeVariant(c.Sender), dbus.FieldReplySerial: dbus.MakeVariant(m.Serial()),
				}}
				if r.Error != "" {
					out.Type, out.Headers[dbus.FieldErrorName] = dbus.TypeError, dbus.MakeVariant(r.Error)
				}
				if len(r.Body) > 0 {
					out.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(r.Body...))
				}
				conn.Send(out, nil)
			})
		}
	}()
}
