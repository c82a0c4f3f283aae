package wheel

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/silence"
	"github.com/slipway-ci/slipway/internal/source"
)

const (
	// attempts is how often a request that failed in passing is sent.
	attempts = 5
	// firstPause is doubled after each attempt: 3 s in all.
	firstPause = 200 * time.Millisecond
	// longestWait is how long one file is put off in all because its index asks for it.
	longestWait = 10 * time.Minute
	// longestPage is how many bytes the page of a project may have.
	longestPage = 64 << 20
)

// limits bound how long an index may be silent.
var limits = silence.Limits{Answer: time.Minute, Part: 2 * time.Minute, Pace: 256 << 10}

// remote asks indexes, with the credentials that the settings have for them.
type remote struct {
	client   *http.Client
	close    func()
	settings settings
	pause    func(context.Context, time.Duration) error
	tell     func(format string, args ...any)
}

// remote gives the client for some settings.
func (s Spec) remote(c settings) (*remote, error) {
	transport := &http.Transport{TLSClientConfig: &tls.Config{}, MaxIdleConnsPerHost: streams, TLSHandshakeTimeout: time.Minute,
		// A connection for each file is quicker than one for all, and takes less work.
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
	m := &remote{client: &http.Client{Transport: silence.Transport(carrier, limits)}, close: transport.CloseIdleConnections, settings: c, pause: s.Pause, tell: s.tell}
	if m.pause == nil {
		m.pause = clock.Wait
	}
	m.client.CheckRedirect = m.follow
	return m, nil
}

// either gives a variable that programs write in both cases.
func (s Spec) either(name string) string {
	if value := variable(s.Environ, name); value != "" {
		return value
	}
	return variable(s.Environ, strings.ToUpper(name))
}

// get asks for an address, and has the answer taken. What failed in passing is repeated;
// an index that says when to ask again is waited for.
func (m *remote) get(ctx context.Context, address string, prepare func(*http.Request), take func(*http.Response) error) error {
	var waited time.Duration
	for n := 0; ; {
		err := m.once(ctx, address, prepare, take)
		var refused *refusal
		switch {
		case err == nil || !errors.As(err, &refused):
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case refused.final || waited+refused.wait > longestWait:
			return err
		case refused.wait > 0:
			waited += refused.wait
			m.tell("%s: asking again in %s", refused.reason, refused.wait)
			err = m.pause(ctx, refused.wait)
		case n == attempts-1:
			return err
		default:
			err = m.pause(ctx, firstPause<<n)
			n++
		}
		if err != nil {
			return err
		}
	}
}

func (m *remote) once(ctx context.Context, address string, prepare func(*http.Request), take func(*http.Response) error) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	login := m.authorize(request)
	prepare(request)
	index := "the index " + masked(address)
	response, err := m.client.Do(request)
	if err != nil {
		return unanswered(index+" cannot be reached", err)
	}
	defer response.Body.Close()
	if code := response.StatusCode; code != http.StatusOK && code != http.StatusPartialContent {
		return refusedAnswer(index, login, response)
	}
	return take(response)
}

// authorize puts the credentials for its address into a request, and no others.
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

// follow follows a redirect, which may not lead out of TLS.
func (m *remote) follow(request *http.Request, via []*http.Request) error {
	const most = 10
	if len(via) >= most {
		return errors.New("it redirects without an end")
	}
	if !plainAddress(request.URL.String()) {
		return fmt.Errorf("it redirects to %s, which is no address with TLS", masked(request.URL.String()))
	}
	m.authorize(request)
	return nil
}

// login gives the credentials for an address: its own, those that an index on the same
// host has, or those of .netrc.
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

// page asks an index for a page, and gives the files that it offers; none where it does
// not have the page.
func (m *remote) page(ctx context.Context, address string) (all []offered, err error) {
	err = m.get(ctx, address, func(r *http.Request) {
		r.Header.Set("Accept", "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1")
	}, func(response *http.Response) error {
		index := "the index " + masked(address)
		text, err := io.ReadAll(io.LimitReader(response.Body, longestPage+1))
		if err != nil {
			return unanswered(index+" broke off", err)
		}
		if len(text) > longestPage {
			return &refusal{reason: fmt.Sprintf("%s gives a page of more than %d MiB", index, longestPage>>20), hint: "see that it is the address of an index", final: true}
		}
		if all, err = parsePage(text, response.Request.URL); err != nil {
			return &refusal{reason: fmt.Sprintf("%s gives a page that cannot be read: %v", index, err), hint: "see that it is the address of an index", final: true}
		}
		return nil
	})
	if refused := (*refusal)(nil); errors.As(err, &refused) && (refused.status == http.StatusNotFound || refused.status == http.StatusGone) {
		return nil, nil
	}
	return all, err
}
