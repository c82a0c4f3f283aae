package googletest

import (
	"encoding/json"
	"net/http"
	"strings"
)

// strictJSON decodes the body of a request, which must have no unknown field. It says what
// is wrong, or returns "".
func strictJSON(r *http.Request, into any) (bad string) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return "Content-Type is not application/json"
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return "Invalid JSON payload received. " + err.Error()
	}
	return ""
}
