package ststest

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
)

// writeResult answers <ACTIONResponse><ACTIONResult>…, as the Query protocol
// of the STS API Reference shows it.
func writeResult(w http.ResponseWriter, namespace, id, action string, result any) {
	type metadata struct{ RequestId string }
	writeXML(w, http.StatusOK, namespace, action+"Response", func(e *xml.Encoder) error {
		if err := e.EncodeElement(result, element(action+"Result")); err != nil {
			return err
		}
		return e.EncodeElement(metadata{id}, element("ResponseMetadata"))
	})
}

// writeError answers <ErrorResponse>. Type says whose fault it is.
func writeError(w http.ResponseWriter, namespace, id string, err *apiError) {
	type fault struct{ Type, Code, Message string }
	by := "Sender"
	if err.status >= http.StatusInternalServerError {
		by = "Receiver"
	}
	writeXML(w, err.status, namespace, "ErrorResponse", func(e *xml.Encoder) error {
		if err := e.EncodeElement(fault{by, err.code, err.message}, element("Error")); err != nil {
			return err
		}
		return e.EncodeElement(id, element("RequestId"))
	})
}

// writeUnknownOperation answers a path or method that no operation has.
func writeUnknownOperation(w http.ResponseWriter) {
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprintln(w, "<UnknownOperationException/>")
}

// writeXML answers one element with what content puts into it.
func writeXML(w http.ResponseWriter, status int, namespace, name string, content func(*xml.Encoder) error) {
	var b strings.Builder
	e := xml.NewEncoder(&b)
	e.Indent("", "  ")
	root := element(name)
	root.Attr = []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: namespace}}
	err := e.EncodeToken(root)
	if err == nil {
		err = content(e)
	}
	if err == nil {
		err = e.EncodeToken(root.End())
	}
	if err == nil {
		err = e.Close()
	}
	if err != nil {
		panic(fmt.Sprintf("ststest: encode %s: %v", name, err))
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	fmt.Fprintln(w, b.String())
}

func element(name string) xml.StartElement {
	return xml.StartElement{Name: xml.Name{Local: name}}
}
