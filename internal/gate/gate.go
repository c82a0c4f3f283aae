// Package gate lets the user, and nobody else, reach a service at a port of this machine:
// other users of the machine and web pages in the user's browser reach loopback too. It
// asks for a key of the service's own, which stands in the address that is printed
// and then in a cookie, and holds a request's host and origin against its own.
package gate

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
)

// Parameter is the name of the key in an address's query.
const Parameter = "slipway_key"

// cookiePrefix begins the names of gates' cookies. Browsers send those of all gates to
// each of them, since they are ports of one host.
const cookiePrefix = "slipway-"

// Options say what a gate leads to.
type Options struct {
	// Name tells the cookies of one service from those of others.
	Name string
	// Path is where the service is below its port, such as /lab/; "" for /.
	Path string
	// Strip takes Path off what the service is asked for: it believes to be at Path,
	// and lives at /, behind what people call a proxy that rewrites.
	Strip bool
	// Port is the one of this machine, 0 for any that is free.
	Port int
	// Dial connects with the service.
	Dial func(ctx context.Context) (net.Conn, error)
	// Log takes what goes wrong.
	Log io.Writer
	// Failed, when not nil, is told why the gate ended by itself.
	Failed func(error)
}

// Gate is the way to a service, on a port of loopback.
type Gate struct {
	key, cookie string
	path        string
	strip       bool
	listener    net.Listener
	server      *http.Server
	proxy       *httputil.ReverseProxy
	transport   *http.Transport
	end         context.CancelFunc
}

// Open opens a gate; the caller closes it.
func Open(o Options) (*Gate, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(o.Port)))
	if err != nil {
		return nil, err
	}
	random := make([]byte, 16)
	_, _ = rand.Read(random) // it never fails
	g := &Gate{key: hex.EncodeToString(random), cookie: cookiePrefix + o.Name, path: cmp.Or(o.Path, "/"), strip: o.Strip, listener: listener}
	logger := log.New(o.Log, "service "+o.Name+": ", 0)
	g.transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (connection net.Conn, err error) {
			defer panics.Keep(ctx, &err, "service "+o.Name) // the transport calls it
			return o.Dial(ctx)
		},
		DisableCompression: true, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute,
	}
	g.proxy = &httputil.ReverseProxy{Rewrite: g.rewrite, ModifyResponse: keepCookies, FlushInterval: -1, ErrorLog: logger, Transport: g.transport}
	// The server forgets connections that changed their protocol; their requests end with
	// its context.
	ctx, end := context.WithCancel(context.Background())
	g.end = end
	g.server = &http.Server{
		Handler: panics.Handler(g, o.Log), ReadHeaderTimeout: 10 * time.Second, ErrorLog: logger, BaseContext: func(net.Listener) context.Context { return ctx },
	}
	failed := func(err error) {
		_ = listener.Close()
		if o.Failed != nil && !errors.Is(err, http.ErrServerClosed) {
			o.Failed(err)
		}
	}
	panics.Go(func() { failed(g.server.Serve(listener)) }, failed)
	return g, nil
}

// Address gives where the service is, with the key.
func (g *Gate) Address() string {
	return "http://" + g.listener.Addr().String() + g.path + "?" + Parameter + "=" + g.key
}

// Close closes the gate and its connections.
func (g *Gate) Close() error {
	defer g.transport.CloseIdleConnections()
	g.end()
	return g.server.Close()
}

// ServeHTTP passes on what may pass.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	shown := g.is(query.Get(Parameter))
	switch {
	case !loopback(r.Host):
		http.Error(w, "the service answers on loopback only", http.StatusForbidden)
		return
	case !shown && !g.known(r):
		w.Header().Set("WWW-Authenticate", `Basic realm="slipway service"`)
		http.Error(w, "the service asks for its key: use the whole address that slipway up or slipway runs prints", http.StatusUnauthorized)
		return
	case !ownPage(r, shown):
		http.Error(w, "the request comes from another page's script", http.StatusForbidden)
		return
	}
	if !shown {
		g.proxy.ServeHTTP(w, r)
		return
	}
	query.Del(Parameter)
	r.URL.RawQuery = query.Encode()
	http.SetCookie(w, &http.Cookie{Name: g.cookie, Value: g.key, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	if r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") { // a browser's address bar
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, (&url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}).String(), http.StatusSeeOther)
		return
	}
	g.proxy.ServeHTTP(w, r)
}

func (g *Gate) is(key string) bool {
	return subtle.ConstantTimeCompare([]byte(key), []byte(g.key)) == 1
}

// known reports whether a request has the key: in the cookie, or, from a program, as
// a password or a token.
func (g *Gate) known(r *http.Request) bool {
	for _, cookie := range r.CookiesNamed(g.cookie) {
		if g.is(cookie.Value) {
			return true
		}
	}
	return g.authorized(r)
}

func (g *Gate) authorized(r *http.Request) bool {
	if _, password, ok := r.BasicAuth(); ok && g.is(password) {
		return true
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && g.is(token)
}

// ownPage reports whether a request comes from the service's own pages, from no page
// at all, or is somebody's opening of the printed address.
func ownPage(r *http.Request, shown bool) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		from, err := url.Parse(origin)
		return err == nil && from.Scheme == "http" && strings.EqualFold(from.Host, r.Host)
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return true
	}
	return shown && r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate"
}

// loopback reports whether a request's host is a name of loopback: under any other,
// a page that a browser was lured to speaks.
func loopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return name == "127.0.0.1" || name == "localhost" || name == "::1" || name == "[::1]"
}

// rewrite leaves the host as it is, which programs hold the origin against, and keeps
// the keys from the service: its own, and those of others.
func (g *Gate) rewrite(p *httputil.ProxyRequest) {
	p.SetURL(&url.URL{Scheme: "http", Host: p.In.Host})
	p.Out.Host = p.In.Host
	if g.strip {
		p.Out.URL.Path, p.Out.URL.RawPath = g.stripped(p.In.URL.Path), g.stripped(p.In.URL.RawPath)
	}
	if g.authorized(p.In) {
		p.Out.Header.Del("Authorization")
	}
	cookies := p.In.Cookies()
	p.Out.Header.Del("Cookie")
	for _, cookie := range cookies {
		if !strings.HasPrefix(cookie.Name, cookiePrefix) {
			p.Out.AddCookie(cookie)
		}
	}
}

// keepCookies keeps a service from setting the cookies of gates, its own and others'.
func keepCookies(r *http.Response) error {
	set := r.Header.Values("Set-Cookie")
	r.Header.Del("Set-Cookie")
	for _, cookie := range set {
		if !strings.HasPrefix(strings.TrimSpace(cookie), cookiePrefix) {
			r.Header.Add("Set-Cookie", cookie)
		}
	}
	return nil
}

func (g *Gate) stripped(path string) string {
	if rest, ok := strings.CutPrefix(path, g.path); ok {
		return "/" + rest
	}
	return path
}
