package wheel

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/slipway-ci/slipway/internal/bounded"
	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/timeouts"
)

// maxPageSize is the limit on the size in bytes of a project's page.
const maxPageSize = 64 << 20

// limits are the limits on how long an index may be silent.
var limits = timeouts.Limits{Response: time.Minute, Chunk: 2 * time.Minute, Pace: 256 << 10}

// remote is a client for indexes. It sends the credentials that the settings have for them.
type remote struct {
	client   *http.Client
	close    func()
	settings settings
	pause    func(context.Context, time.Duration) error
	report   func(format string, args ...any)
}

// remote returns a client for the given settings.
func (s Spec) remote(c settings) (*remote, error) {
	transport := &http.Transport{TLSClientConfig: &tls.Config{}, MaxIdleConnsPerHost: maxDownloads, TLSHandshakeTimeout: time.Minute,
		// HTTP/2 is off: a connection for each file is faster than one for all, and takes less
		// work.
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
	proxies := httpproxy.Config{HTTPProxy: s.either("http_proxy"), HTTPSProxy: s.either("https_proxy"), NoProxy: s.either("no_proxy")}
	if all := s.either("all_proxy"); all != "" && proxies.HTTPProxy == "" && proxies.HTTPSProxy == "" {
		proxies.HTTPProxy, proxies.HTTPSProxy = all, all
	}
	if c.proxy != "" {
		proxies.HTTPProxy, proxies.HTTPSProxy = c.proxy, c.proxy
	}
	proxy := proxies.ProxyFunc()
	transport.Proxy = func(r *http.Request) (*url.URL, error) { return proxy(r.URL) }
	if c.cert != "" {
		text, err := source.ReadFile(nil, c.cert, 16*maxSettings)
		if err != nil {
			return nil, err
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		pool.AppendCertsFromPEM(text)
		transport.TLSClientConfig.RootCAs = pool
	}
	carrier := http.RoundTripper(transport)
	if s.Watch != nil {
		carrier = s.Watch(carrier)
	}
	m := &remote{client: &http.Client{Transport: timeouts.Transport(carrier, limits)}, close: transport.CloseIdleConnections, settings: c, pause: s.Pause, report: s.reportProgress}
	if m.pause == nil {
		m.pause = clock.Sleep
	}
	m.client.CheckRedirect = m.follow
	return m, nil
}

// either returns the value of a variable that is written in lower or upper case. Lower case
// comes first.
func (s Spec) either(name string) string {
	if value := variable(s.Environ, name); value != "" {
		return value
	}
	return variable(s.Environ, strings.ToUpper(name))
}

// get sends a GET request and calls handle with the response. It retries temporary failures.
// If the index says when to retry, get waits until then.
func (m *remote) get(ctx context.Context, address string, prepare func(*http.Request), handle func(*http.Response) error) error {
	var backoff timeouts.Backoff
	for {
		err := m.sendOnce(ctx, address, prepare, handle)
		var refused *requestError
		switch {
		case err == nil || !errors.As(err, &refused):
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case refused.final:
			return err
		}
		wait, again := backoff.Next(refused.wait)
		if !again {
			return err
		}
		if refused.wait > 0 {
			m.report("%s: retrying in %s", refused.reason, wait)
		}
		if err := m.pause(ctx, wait); err != nil {
			return err
		}
	}
}

func (m *remote) sendOnce(ctx context.Context, address string, prepare func(*http.Request), handle func(*http.Response) error) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	login := m.authorize(request)
	prepare(request)
	index := "the index " + masked(address)
	response, err := m.client.Do(request)
	if err != nil {
		return transportError(index+" cannot be reached", err)
	}
	defer response.Body.Close()
	if code := response.StatusCode; code != http.StatusOK && code != http.StatusPartialContent {
		return statusError(index, login, response)
	}
	return handle(response)
}

// authorize sets the credentials for the request's URL, and removes all others.
func (m *remote) authorize(request *http.Request) *url.Userinfo {
	login := m.login(request.URL)
	request.URL.User = nil
	request.Header.Del("Authorization")
	if login != nil {
		password, _ := login.Password()
		request.SetBasicAuth(login.Username(), password)
	}
	return login
}

// follow checks a redirect. The target must use TLS or be on this machine.
func (m *remote) follow(request *http.Request, via []*http.Request) error {
	const most = 10
	if len(via) >= most {
		return errors.New("too many redirects")
	}
	if !isSupportedURL(request.URL.String()) {
		return fmt.Errorf("it redirects to %s, which does not use HTTPS", masked(request.URL.String()))
	}
	m.authorize(request)
	return nil
}

// login returns the credentials for a URL: those in it, those of an index on the same host,
// or those in .netrc.
func (m *remote) login(to *url.URL) *url.Userinfo {
	if to.User != nil {
		return to.User
	}
	for _, address := range slices.Concat(m.settings.indexes, m.settings.links) {
		if index, err := url.Parse(address); err == nil && index.User != nil && index.Scheme == to.Scheme && index.Host == to.Host {
			return index.User
		}
	}
	return netrc(m.settings.environ, to.Hostname())
}

// page requests a page of an index, and returns the files that it offers. It returns none
// if the index does not have the page (status 404 or 410).
func (m *remote) page(ctx context.Context, address string) (all []candidate, err error) {
	err = m.get(ctx, address, func(r *http.Request) {
		r.Header.Set("Accept", "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1")
	}, func(response *http.Response) error {
		index := "the index " + masked(address)
		text, err := bounded.ReadAll(response.Body, maxPageSize)
		switch {
		case err == nil:
			all, err = parsePage(text, response.Request.URL)
		case !errors.As(err, new(*bounded.SizeError)):
			return transportError(index+" sent an incomplete response", err)
		}
		if err != nil {
			return &requestError{reason: fmt.Sprintf("%s returned a page that cannot be read: %v", index, err), hint: "check that it is the address of a package index", final: true}
		}
		return nil
	})
	if refused := (*requestError)(nil); errors.As(err, &refused) && (refused.status == http.StatusNotFound || refused.status == http.StatusGone) {
		return nil, nil
	}
	return all, err
}
