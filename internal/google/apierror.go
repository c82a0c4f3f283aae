package google

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/slipway-ci/slipway/internal/timeouts"
)

// APIError is a refusal by a service of Google, as it was received. Its texts have no
// secrets of the credentials.
type APIError struct {
	// Service is the host of the service.
	Service string
	// Code is the HTTP status. Status is Google's name of it, such as PERMISSION_DENIED, or
	// the error code of OAuth, such as invalid_grant.
	Code   int
	Status string
	// Message is the service's explanation for people.
	Message string
	// Reason, Domain and Metadata are those of google.rpc.ErrorInfo, if there is one. See
	// google.aip.dev/193.
	Reason, Domain string
	Metadata       map[string]string
	// Link is an address at which the user can do something about it, or "".
	Link string
	// Wait is how long the service asks to wait before the next attempt, or 0.
	Wait time.Duration
}

// Error implements error.
func (e *APIError) Error() string {
	text := e.Message
	if text == "" {
		text = "no explanation"
	}
	status := fmt.Sprintf("%d %s", e.Code, http.StatusText(e.Code))
	if e.Status != "" {
		status = fmt.Sprintf("%d %s", e.Code, e.Status)
	}
	return fmt.Sprintf("%s: %s (%s)", e.Service, text, status)
}

// says reports whether the message has a phrase, in any case of letters. Nothing else of a
// refusal tells some of its causes.
func (e *APIError) says(phrase string) bool {
	return strings.Contains(strings.ToLower(e.Message), strings.ToLower(phrase))
}

// maxMessage is the maximum length of an explanation that is shown.
const maxMessage = 1000

// parse reads a refusal. Google's services have a JSON object of google.rpc.Status, and its
// OAuth endpoints that of RFC 6749. A proxy in between has something else.
func (c *Credentials) parse(response *http.Response, body []byte) *APIError {
	refused := &APIError{Code: response.StatusCode, Wait: timeouts.RetryAfter(response.Header)}
	if response.Request != nil && response.Request.URL != nil {
		refused.Service = response.Request.URL.Host
	}
	var answer struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
		Message     string          `json:"message"` // GitHub's
	}
	switch err := json.Unmarshal(body, &answer); {
	case err != nil && isPage(response, body):
		refused.Message = "the response is a web page, probably from a proxy"
	case err != nil:
		refused.Message = string(body) // the metadata server's
	case len(answer.Error) > 0 && answer.Error[0] == '{':
		refused.status(answer.Error)
	default:
		_ = json.Unmarshal(answer.Error, &refused.Status)
		refused.Message = answer.Description
		if refused.Message == "" {
			refused.Message = answer.Message
		}
	}
	refused.Message = printable(c.masker.Mask(refused.Message))
	refused.Status = printable(c.masker.Mask(refused.Status))
	refused.Link = printable(c.masker.Mask(refused.Link))
	for name, value := range refused.Metadata {
		refused.Metadata[name] = printable(c.masker.Mask(value))
	}
	return refused
}

// status reads a google.rpc.Status.
func (e *APIError) status(text json.RawMessage) {
	var status struct {
		Message string `json:"message"`
		Status  string `json:"status"`
		Errors  []struct {
			Reason string `json:"reason"`
		} `json:"errors"`
		Details []struct {
			Type     string            `json:"@type"`
			Reason   string            `json:"reason"`
			Domain   string            `json:"domain"`
			Metadata map[string]string `json:"metadata"`
			Delay    string            `json:"retryDelay"`
			Links    []struct {
				URL string `json:"url"`
			} `json:"links"`
		} `json:"details"`
	}
	if json.Unmarshal(text, &status) != nil {
		return
	}
	e.Message, e.Status = status.Message, status.Status
	if len(status.Errors) > 0 {
		e.Reason = status.Errors[0].Reason
	}
	for _, detail := range status.Details {
		switch strings.TrimPrefix(detail.Type, "type.googleapis.com/google.rpc.") {
		case "ErrorInfo":
			e.Reason, e.Domain, e.Metadata = detail.Reason, detail.Domain, detail.Metadata
		case "Help":
			if len(detail.Links) > 0 {
				e.Link = detail.Links[0].URL
			}
		case "RetryInfo":
			if wait, err := time.ParseDuration(detail.Delay); err == nil && e.Wait == 0 {
				e.Wait = max(wait, 0)
			}
		}
	}
}

// isPage reports whether a response is a web page.
func isPage(response *http.Response, body []byte) bool {
	return strings.Contains(response.Header.Get("Content-Type"), "html") || strings.HasPrefix(strings.ToLower(strings.TrimSpace(string(body))), "<!doctype")
}

// printable returns text on one line, without control characters and cut to maxMessage.
func printable(text string) string {
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) && !unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, text)), " ")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}
