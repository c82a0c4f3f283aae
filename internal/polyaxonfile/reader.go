package polyaxonfile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/source"
)

// publicHub is where the components of Polyaxon's own hub are.
const publicHub = "https://cloud.polyaxon.com"

const (
	fetchTimeout = 30 * time.Second // of one reference
	maxRedirects = 5
)

// Reader reads Polyaxonfiles from disk, and what they refer to from disk and the
// network.
type Reader struct {
	// Transport does the requests of urlRef and hubRef; nil refuses both.
	Transport http.RoundTripper
	// Hub is the address of the component hub, "" for Polyaxon's public one.
	Hub string
}

func isURL(name string) bool {
	return strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://")
}

// hubAddress is where a hub keeps [OWNER/]NAME[:VERSION], as Polyaxon 2.18's client asks for it.
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
		return "", fmt.Errorf("%q is no name of a component; write NAME:VERSION or OWNER/NAME:VERSION", reference)
	}
	hub := r.Hub
	if hub == "" {
		hub = publicHub
	}
	return strings.TrimSuffix(hub, "/") + "/api/v1/" + owner + "/" + name + "/versions/component/" + version, nil
}

// fetch gets a component. A hub has it as the content of a JSON object.
func (r Reader) fetch(ctx context.Context, address string, hub bool) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || !isURL(address) || u.Host == "" {
		return nil, errors.New("that is no address that begins with https:// or http://")
	}
	shown := u.Redacted()
	if r.Transport == nil {
		return nil, fmt.Errorf("%s cannot be asked for here: there is no network", shown)
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: r.Transport, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		switch {
		case len(via) > maxRedirects:
			return fmt.Errorf("it redirects more than %d times", maxRedirects)
		case u.Scheme == "https" && next.URL.Scheme != "https":
			return errors.New("it redirects away from https")
		}
		return nil
	}}
	response, err := client.Do(request)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // its address may hold a password
		}
		return nil, fmt.Errorf("%s cannot be reached: %w", shown, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxSize+1))
	switch {
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s answers %s", shown, response.Status)
	case err != nil:
		return nil, fmt.Errorf("%s broke off: %w", shown, err)
	case !hub || len(text) > maxSize:
		return text, nil
	}
	var version struct{ Content *string }
	if err := json.Unmarshal(text, &version); err != nil || version.Content == nil {
		return nil, fmt.Errorf("%s does not answer as a component hub", shown)
	}
	return []byte(*version.Content), nil
}

// readFile reads a file up to one byte more than a Polyaxonfile may have.
func readFile(ctx context.Context, path string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxSize+1))
}

// fileError says why a file cannot be read, at the place that names it.
func fileError(at source.Position, err error) *source.Error {
	e := &source.Error{Position: at, Message: err.Error(), Err: err}
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		e.Message = pathError.Err.Error()
	}
	if errors.Is(err, os.ErrNotExist) {
		e.Message, e.Hint = "there is no such Polyaxonfile", "check the path; in slipway.yaml it starts at the repository's root, in a pathRef at its own file"
	}
	return e
}
