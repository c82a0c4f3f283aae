package dockerfile

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/slipway-ci/slipway/internal/panics"
)

// target is the repository that an image is pushed to.
type target struct {
	repository name.Repository
	tags       []string
	plainHTTP  bool
	keychain   authn.Keychain
	transport  http.RoundTripper
}

func (t *target) options(ctx context.Context) []remote.Option {
	options := []remote.Option{remote.WithContext(ctx)}
	if t.keychain != nil {
		options = append(options, remote.WithAuthFromKeychain(t.keychain))
	}
	if t.transport != nil {
		options = append(options, remote.WithTransport(panics.Transport(t.transport)))
	}
	return options
}

// loopback reports whether the registry is on this machine's loopback interface.
func (t *target) loopback() bool {
	host := t.repository.RegistryStr()
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// has reports whether the registry has a manifest.
func (t *target) has(ctx context.Context, digest v1.Hash) (bool, error) {
	_, err := remote.Head(t.repository.Digest(digest.String()), t.options(ctx)...)
	if notFound(err) {
		return false, nil
	}
	if err != nil {
		return false, t.explain(ctx, "look up "+digest.String(), err)
	}
	return true, nil
}

// tag moves the tags to a manifest that is in the registry. Tags that have it already are
// not written.
func (t *target) tag(ctx context.Context, digest v1.Hash) error {
	options := t.options(ctx)
	var manifest *remote.Descriptor
	for _, text := range t.tags {
		tag := t.repository.Tag(text)
		if now, err := remote.Head(tag, options...); err == nil && now.Digest == digest {
			continue
		}
		if manifest == nil {
			var err error
			if manifest, err = remote.Get(t.repository.Digest(digest.String()), options...); err != nil {
				return t.explain(ctx, "read back "+digest.String(), err)
			}
		}
		if err := remote.Tag(tag, manifest, options...); err != nil {
			return t.explain(ctx, "move the tag "+text, err)
		}
	}
	return nil
}

// explain adds the repository to an error, and says so if the registry refuses the
// credentials.
func (t *target) explain(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var answer *transport.Error
	if errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden) {
		return fmt.Errorf("%s in %s: authentication failed or permission denied by the registry: %w", doing, t.repository, err)
	}
	return fmt.Errorf("%s in %s: %w", doing, t.repository, err)
}

func notFound(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound
}
