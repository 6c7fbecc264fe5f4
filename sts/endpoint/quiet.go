package endpoint

import (
	"io"
	"log"
)

// quiet drops what net/http says of clients that break off.
var quiet = log.New(io.Discard, "", 0)
