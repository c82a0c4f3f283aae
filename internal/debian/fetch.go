package debian

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/net/http/httpproxy"

	"github.com/slipway-ci/slipway/internal/blobcache"
	"github.com/slipway-ci/slipway/internal/bounded"
	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/timeouts"
)

const (
	// attempts is the limit on how often a request is sent that fails temporarily.
	attempts = 5
	// firstPause is the time before the first retry. It doubles with each retry.
	firstPause = 200 * time.Millisecond
	// maxWait is the limit on how long a server may ask to wait.
	maxWait = time.Minute
	// maxRelease limits the size of a Release file in bytes. Debian's has 150 kB.
	maxRelease = 32 << 20
)

// limits are the limits on how long a server may be silent.
var limits = timeouts.Limits{Response: time.Minute, Chunk: 2 * time.Minute, Pace: 64 << 10}

// Fetcher downloads the files of repositories.
type Fetcher struct {
	// Cache keeps what was downloaded, by its hash.
	Cache blobcache.Cache
	// Mirrors are the addresses that are asked in place of others, by the beginnings of the others.
	Mirrors map[string]string
	// Environ has the variables of a proxy.
	Environ []string
	// Watch, if not nil, wraps the transport. Pause, if not nil, replaces clock.Sleep.
	Watch func(http.RoundTripper) http.RoundTripper
	Pause func(context.Context, time.Duration) error
	// Now returns the time, for the age of indexes.
	Now func() time.Time
}

// RepositoryError is the error for a repository that did not give what it should.
type RepositoryError struct {
	Message, Hint string
	// Status is the status of the response, or 0.
	Status int
	Err    error
	// final reports whether a retry would fail in the same way, and wait how long the server asks
	// to wait.
	final bool
	wait  time.Duration
}

// Error says what went wrong, and what the user can do.
func (e *RepositoryError) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + " (" + e.Hint + ")"
}

// Unwrap returns the cause.
func (e *RepositoryError) Unwrap() error { return e.Err }

// client returns a client, which the caller closes.
func (f *Fetcher) client() (*http.Client, func()) {
	variable := func(name string) string {
		for _, v := range slices.Backward(f.Environ) {
			if is, value, _ := strings.Cut(v, "="); strings.EqualFold(is, name) && value != "" {
				return value
			}
		}
		return ""
	}
	proxy := (&httpproxy.Config{HTTPProxy: variable("http_proxy"), HTTPSProxy: variable("https_proxy"), NoProxy: variable("no_proxy")}).ProxyFunc()
	transport := &http.Transport{MaxIdleConnsPerHost: maxDownloads, TLSHandshakeTimeout: time.Minute, DisableCompression: true,
		Proxy: func(r *http.Request) (*url.URL, error) { return proxy(r.URL) }}
	carrier := http.RoundTripper(transport)
	if f.Watch != nil {
		carrier = f.Watch(carrier)
	}
	return &http.Client{Transport: timeouts.Transport(carrier, limits)}, transport.CloseIdleConnections
}

// mirrored returns the address at which another is read.
func (f *Fetcher) mirrored(address string) string {
	best := ""
	for from := range f.Mirrors {
		at := strings.TrimSuffix(from, "/")
		if len(from) > len(best) && (address == at || strings.HasPrefix(address, at+"/")) {
			best = from
		}
	}
	if best == "" {
		return address
	}
	return strings.TrimSuffix(f.Mirrors[best], "/") + strings.TrimPrefix(address, strings.TrimSuffix(best, "/"))
}

// get calls handle with the body of the response to a request, again for each attempt.
func (f *Fetcher) get(ctx context.Context, client *http.Client, address string, handle func(io.Reader) error) error {
	pause := f.Pause
	if pause == nil {
		pause = clock.Sleep
	}
	address = f.mirrored(address)
	for n := 0; ; n++ {
		err := f.once(ctx, client, address, handle)
		failed := (*RepositoryError)(nil)
		if err == nil || !errors.As(err, &failed) || failed.final || n == attempts-1 || failed.wait > maxWait {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := pause(ctx, max(failed.wait, firstPause<<n)); err != nil {
			return err
		}
	}
}

func (f *Fetcher) once(ctx context.Context, client *http.Client, address string, handle func(io.Reader) error) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return &RepositoryError{Message: fmt.Sprintf("%s is not an address", masked(address)), final: true, Err: err}
	}
	response, err := client.Do(request)
	if err != nil {
		return unreachable(address, err)
	}
	defer response.Body.Close()
	if code := response.StatusCode; code != http.StatusOK {
		e := &RepositoryError{Message: fmt.Sprintf("%s responded with %d %s", masked(address), code, http.StatusText(code)), Status: code, final: code < 500 && code != http.StatusTooManyRequests && code != http.StatusRequestTimeout, wait: timeouts.RetryAfter(response.Header)}
		switch {
		case !e.final:
			e.Hint = "run it again later"
		case code == http.StatusNotFound:
			e.Hint = "check the apt sources and system-mirrors"
		default:
			e.Hint = "the repository or a proxy before it refuses it; name a mirror that you may use in system-mirrors"
		}
		return e
	}
	body := &failing{Reader: response.Body}
	if err := handle(body); err != nil {
		if body.err != nil {
			return unreachable(address, body.err)
		}
		return err
	}
	return nil
}

// unreachable returns the error for a request without a response, or with a part of one.
func unreachable(address string, err error) error {
	if sent := (*url.Error)(nil); errors.As(err, &sent) {
		err = sent.Err // it has the address
	}
	return &RepositoryError{Message: fmt.Sprintf("%s cannot be read: %v", masked(address), err), Hint: "check the network and the proxy, or name a mirror in system-mirrors", Err: err, final: !timeouts.Broken(err)}
}

// failing is a reader that remembers the error of another.
type failing struct {
	io.Reader
	err error
}

// Read implements io.Reader.
func (r *failing) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// small returns a file of at most maxRelease bytes.
func (f *Fetcher) small(ctx context.Context, client *http.Client, address string) (text []byte, err error) {
	err = f.get(ctx, client, address, func(body io.Reader) (err error) {
		text, err = bounded.ReadAll(body, maxRelease)
		if large := new(bounded.SizeError); errors.As(err, &large) {
			return &RepositoryError{Message: fmt.Sprintf("%s cannot be read: %v", masked(address), large), Err: err, final: true}
		}
		return err
	})
	return text, err
}

// verified calls handle with a file that has a hash and a size, from the cache or from an address. What
// handle has read is only true if verified returns nil.
func (f *Fetcher) verified(ctx context.Context, client *http.Client, address, hash string, size int64, handle func(io.Reader) error) error {
	digest := v1.Hash{Algorithm: "sha256", Hex: hash}
	if cached, err := f.Cache.Open(digest); err == nil {
		err = errors.Join(handleAll(cached, handle), cached.Close())
		if err == nil || !errors.Is(err, blobcache.ErrDamaged) {
			return err
		}
	}
	return f.get(ctx, client, address, func(body io.Reader) error {
		kept := f.Cache.Keep(io.NopCloser(body), digest, size)
		sum := &summing{Reader: io.LimitReader(kept, size+1), hash: sha256.New()}
		err := errors.Join(handleAll(sum, handle), kept.Close())
		if got := hex.EncodeToString(sum.hash.Sum(nil)); sum.ended && (got != hash || sum.n != size) {
			return &RepositoryError{Message: fmt.Sprintf("hash mismatch for %s: it has %d bytes with the SHA256 %s, and its signed index says %d with %s", masked(f.mirrored(address)), sum.n, got, size, hash),
				Hint: "the repository is being updated, or something between changes files: run it again later, or name a mirror in system-mirrors", final: sum.n >= size}
		}
		return err
	})
}

// handleAll calls handle with a stream, and then reads it to its end, so that its hash is known.
func handleAll(stream io.Reader, handle func(io.Reader) error) error {
	err := handle(stream)
	if _, rest := io.Copy(io.Discard, stream); err == nil {
		err = rest
	}
	return err
}

// masked returns an address without its user, password and query.
func masked(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return "?"
	}
	return (&url.URL{Scheme: parsed.Scheme, Host: parsed.Host, Path: parsed.Path}).String()
}
