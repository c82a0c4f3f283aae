package google

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

const (
	metadataPath = "/computeMetadata/v1/"
	// metadataFlavor is the header of all requests to the metadata server, and of its answers.
	metadataFlavor = "Metadata-Flavor"
	// firstAnswer bounds how long the metadata server is searched for. Elsewhere its address
	// may swallow what is sent to it.
	firstAnswer = time.Second
	// podAttempts is how often a pod searches. GKE's metadata server needs some seconds to
	// know a pod that has just begun.
	podAttempts = 5
)

// useMetadata makes c the account of this virtual machine or pod. It reports whether there
// is a metadata server of Google. See cloud.google.com/compute/docs/metadata/overview.
func (c *Credentials) useMetadata(ctx context.Context) (found bool, err error) {
	if strings.EqualFold(c.options.env("NO_GCE_CHECK"), "true") {
		return false, nil
	}
	host := c.options.Endpoints.Metadata
	if other := c.options.env("GCE_METADATA_HOST"); other != "" {
		host = "http://" + other
	}
	attempts := 1
	if c.options.env("KUBERNETES_SERVICE_HOST") != "" {
		attempts = podAttempts
	}
	var account string
	for n := range attempts {
		if account, found, err = c.account(ctx, host); found || err != nil || n == attempts-1 {
			break
		}
		if err := c.options.Pause(ctx, firstAnswer); err != nil {
			return false, err
		}
	}
	if !found || err != nil {
		return found, err
	}
	c.identify(Identity{Kind: ServiceAccount, Name: account})
	c.issue = func(ctx context.Context) (*oauth2.Token, error) {
		return c.metadataToken(ctx, host)
	}
	return true, nil
}

// account asks a metadata server for the address of the account. found reports whether there
// is a metadata server of Google.
func (c *Credentials) account(ctx context.Context, host string) (address string, found bool, err error) {
	brief, cancel := context.WithTimeout(ctx, firstAnswer)
	defer cancel()
	request, err := metadataRequest(brief, host, "instance/service-accounts/default/email")
	if err != nil {
		return "", false, err
	}
	response, err := c.client().Do(request)
	if err != nil {
		return "", false, ctx.Err() // nobody answers there, or ctx has ended
	}
	defer response.Body.Close()
	if response.Header.Get(metadataFlavor) != "Google" {
		return "", false, nil
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	address = strings.TrimSpace(string(text))
	switch {
	case err != nil:
		return "", true, fmt.Errorf("read the account of this machine from the metadata server: %w", err)
	case response.StatusCode == http.StatusNotFound:
		return "", true, errors.New("this machine has no service account: attach one to the virtual machine, or give other credentials")
	case response.StatusCode != http.StatusOK || address == "":
		return "", true, fmt.Errorf("the metadata server of this machine answered %s", response.Status)
	}
	return address, true, nil
}

// metadataToken asks a metadata server for an access token.
func (c *Credentials) metadataToken(ctx context.Context, host string) (*oauth2.Token, error) {
	request, err := metadataRequest(ctx, host, "instance/service-accounts/default/token?scopes="+url.QueryEscape(strings.Join(c.options.Scopes, ",")))
	if err != nil {
		return nil, err
	}
	response, err := clientOf(ctx).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var token oauth2.Token
	switch err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&token); {
	case response.StatusCode != http.StatusOK:
		return nil, errors.New(response.Status)
	case err != nil || token.AccessToken == "" || token.ExpiresIn <= 0:
		return nil, errors.New("the metadata server gave no access token")
	}
	token.Expiry = time.Now().Add(time.Duration(token.ExpiresIn) * time.Second)
	return &token, nil
}

// metadataRequest returns a request to a metadata server, which refuses those without its
// header.
func metadataRequest(ctx context.Context, host, path string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, host+metadataPath+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set(metadataFlavor, "Google")
	return request, nil
}

// clientOf returns the HTTP client of a context, as x/oauth2 finds it.
func clientOf(ctx context.Context) *http.Client {
	return oauth2.NewClient(ctx, nil)
}
