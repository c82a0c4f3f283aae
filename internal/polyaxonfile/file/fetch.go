package file

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// publicHub is the address of Polyaxon's public component hub.
const publicHub = "https://cloud.polyaxon.com"

const (
	fetchTimeout = 30 * time.Second // for one reference
	maxRedirects = 5
)

func isURL(name string) bool {
	return strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://")
}

// hubAddress returns the URL of a hub's [OWNER/]NAME[:VERSION], built as Polyaxon 2.18's
// client does.
func (r Reader) hubAddress(reference string) (string, error) {
	entity, version, _ := strings.Cut(reference, ":")
	owner, name, owned := strings.Cut(strings.ReplaceAll(entity, ".", "/"), "/")
	if !owned {
		owner, name = "polyaxon", owner
	}
	if version == "" {
		version = "latest"
	}
	if owner == "" || name == "" || strings.ContainsAny(name+version, "/:?#%") {
		return "", fmt.Errorf("%q is not a valid component name; write NAME:VERSION or OWNER/NAME:VERSION", reference)
	}
	hub := r.Hub
	if hub == "" {
		hub = publicHub
	}
	return strings.TrimSuffix(hub, "/") + "/api/v1/" + owner + "/" + name + "/versions/component/" + version, nil
}

// allowHint is the hint that names the setting of slipway.yaml which permits a request to
// another host.
const allowHint = "references: {hosts: [%s]} in slipway.yaml allows it"

// fetch downloads a component from an address. A hub returns it as the content field of a
// JSON object.
func (r Reader) fetch(ctx context.Context, address string, hub bool) ([]byte, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || !isURL(address) || u.Host == "":
		return nil, errors.New("the URL must begin with https://")
	case !hub && u.Scheme != "https":
		return nil, errors.New("http:// is not secure: the response can be forged; use https://")
	}
	return r.Cache.load(address, func() ([]byte, error) { return r.request(ctx, u, hub) })
}

func (r Reader) request(ctx context.Context, u *url.URL, hub bool) ([]byte, error) {
	shown := u.Redacted()
	if r.Transport == nil {
		return nil, fmt.Errorf("cannot download %s: network access is disabled here", shown)
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	guard := newGuard(r.Transport, r.Hosts)
	if hub && r.Hub != "" {
		guard.hosts = append(slices.Clone(r.Hosts), u.Hostname())
	}
	defer guard.close()
	client := http.Client{Transport: guard, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		switch host := next.URL.Hostname(); {
		case len(via) > maxRedirects:
			return fmt.Errorf("too many redirects: it redirects more than %d times", maxRedirects)
		case u.Scheme == "https" && next.URL.Scheme != "https":
			return errors.New("it redirects away from https")
		case host != u.Hostname() && !guard.allows(host):
			return fmt.Errorf("it redirects to another host, %s; "+allowHint, host, host)
		}
		return nil
	}}
	response, err := client.Do(request)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // a url.Error contains the URL, which may hold a password
		}
		return nil, fmt.Errorf("%s cannot be reached: %w", shown, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxSize+1))
	switch {
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s answers %s", shown, response.Status)
	case err != nil:
		return nil, fmt.Errorf("the response of %s was cut off: %w", shown, err)
	case !hub || len(text) > maxSize:
		return text, nil
	}
	var version struct{ Content *string }
	if err := json.Unmarshal(text, &version); err != nil || version.Content == nil {
		return nil, fmt.Errorf("%s is not a component hub: its response has no component", shown)
	}
	return []byte(*version.Content), nil
}
