// Package mlflow reads the runs of an MLflow tracking server, and creates experiments, by its REST API; see
// mlflow.org/docs/latest/rest-api.html.
package mlflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/slipway-ci/slipway/internal/bounded"
	"github.com/slipway-ci/slipway/internal/secret"
)

const (
	// maxAnswer is the maximum size of an answer, in bytes.
	maxAnswer = 16 << 20
	// maxMessage is how much of what a server says against a request is shown, in bytes.
	maxMessage = 300
)

// Client asks a tracking server.
type Client struct {
	// Address is the address of the server, to which the paths of the API are added.
	Address string
	// Transport sends the requests. Redirects are not followed, so that the credentials are
	// sent to no other address.
	Transport http.RoundTripper
	// Username and Password, or Token, are the credentials. They are empty for none.
	Username        string
	Password, Token secret.Value
}

// StatusError is an answer that is not the one that MLflow gives.
type StatusError struct {
	Status int
	// Code is MLflow's error code, such as RESOURCE_ALREADY_EXISTS, or "".
	Code string
	// Message is what MLflow says, or "".
	Message string
	// Redirect is the scheme and the host that it redirects to, or "".
	Redirect string
}

// Error implements error.
func (e *StatusError) Error() string {
	switch {
	case e.Redirect != "":
		return fmt.Sprintf("it redirects to %s (%d): give the address at the end of the redirects, and not that of a page for a login", e.Redirect, e.Status)
	case e.Status == http.StatusForbidden && e.Message != "":
		return fmt.Sprintf("it refuses the request (%d): %s", e.Status, e.Message)
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden:
		return fmt.Sprintf("it refuses the user (%d)", e.Status)
	case e.Message != "":
		return fmt.Sprintf("it answers %d: %s", e.Status, e.Message)
	}
	return fmt.Sprintf("it does not answer as MLflow does (%d)", e.Status)
}

// post sends a question to the API and decodes the answer.
func (c *Client) post(ctx context.Context, path string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	return c.send(ctx, http.MethodPost, path, nil, body, answer)
}

// send sends a request of the API and decodes the answer.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, body []byte, answer any) error {
	at, err := url.Parse(c.Address)
	if err != nil {
		return errors.New("its address is not valid")
	}
	at.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, method, at.JoinPath("api/2.0/mlflow", path).String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	switch {
	case c.Username != "":
		request.SetBasicAuth(c.Username, string(c.Password.Reveal()))
	case c.Token.Len() > 0:
		request.Header.Set("Authorization", "Bearer "+string(c.Token.Reveal()))
	}
	response, err := c.Transport.RoundTrip(request) // RoundTrip does not follow redirects
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := bounded.ReadAll(response.Body, maxAnswer)
	if err != nil {
		return fmt.Errorf("its answer cannot be read: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return refusal(response, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return &StatusError{Status: response.StatusCode}
	}
	return nil
}

// refusal returns the error of an answer that is not a success. MLflow says in JSON why it refuses something, but
// in plain text that the host or the user is not allowed. Another program answers with something else.
func refusal(response *http.Response, text []byte) *StatusError {
	if to, err := response.Location(); err == nil && response.StatusCode/100 == 3 {
		return &StatusError{Status: response.StatusCode, Redirect: to.Scheme + "://" + to.Host} // the rest may be secret
	}
	var said struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(text, &said); err != nil && strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain") {
		said.Message = string(text)
	}
	first, _, _ := strings.Cut(said.Message, "\n")
	if len(first) > maxMessage {
		first = first[:maxMessage]
	}
	return &StatusError{Status: response.StatusCode, Code: said.Code, Message: strings.TrimSpace(strings.ToValidUTF8(first, ""))}
}
