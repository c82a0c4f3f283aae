// Package gate lets the user, and nobody else, reach a service at a port of this machine.
// Other users of the machine and web pages in the user's browser can reach loopback too.
// A gate asks for a key of its own, which is part of the printed address and is then kept
// in a cookie. It also checks the Host and Origin headers of each request.
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

// Parameter is the name of the query parameter that has the key in a gate's address.
const Parameter = "slipway_key"

// cookiePrefix begins the names of the cookies of all gates. Browsers send the cookies of
// all gates to each of them, since cookies do not tell ports of one host apart.
const cookiePrefix = "slipway-"

// Options configure a gate.
type Options struct {
	// Name distinguishes the cookies and the log lines of this service from those of others.
	Name string
	// Path is the path of the service below its port, such as /lab/. The empty string means
	// /.
	Path string
	// StripPath removes Path from the requests that are sent to the service. It is for a
	// service that is configured to be at Path but serves /, as behind a proxy that rewrites
	// paths.
	StripPath bool
	// Port is the local port to listen on, or 0 for any free port.
	Port int
	// Dial connects to the service.
	Dial func(ctx context.Context) (net.Conn, error)
	// Log receives the errors and panics of the server and the proxy.
	Log io.Writer
	// Failed, when not nil, is called with the error when the gate stops serving without
	// having been closed.
	Failed func(error)
}

// Gate is an authenticating proxy to a service, on a port of loopback.
type Gate struct {
	key, cookie string
	path        string
	stripPath   bool
	listener    net.Listener
	server      *http.Server
	proxy       *httputil.ReverseProxy
	transport   *http.Transport
	end         context.CancelFunc
}

// Open listens on the port and starts to serve. It returns an error when the port cannot
// be listened on. The caller must close the gate.
func Open(o Options) (*Gate, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(o.Port)))
	if err != nil {
		return nil, err
	}
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails
	g := &Gate{key: hex.EncodeToString(random), cookie: cookiePrefix + o.Name, path: cmp.Or(o.Path, "/"), stripPath: o.StripPath, listener: listener}
	logger := log.New(o.Log, "service "+o.Name+": ", 0)
	g.transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (connection net.Conn, err error) {
			defer panics.Keep(ctx, &err, "service "+o.Name) // the transport calls it in its own goroutine
			return o.Dial(ctx)
		},
		DisableCompression: true, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute,
	}
	g.proxy = &httputil.ReverseProxy{Rewrite: g.rewrite, ModifyResponse: keepCookies, FlushInterval: -1, ErrorLog: logger, Transport: g.transport}
	// Closing the server does not close hijacked connections, such as WebSockets. Their
	// requests end with this context.
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

// Address returns the URL of the service, including the key.
func (g *Gate) Address() string {
	return "http://" + g.listener.Addr().String() + g.path + "?" + Parameter + "=" + g.key
}

// Close stops serving and closes all connections, including those of WebSockets.
func (g *Gate) Close() error {
	defer g.transport.CloseIdleConnections()
	g.end()
	return g.server.Close()
}

// ServeHTTP implements http.Handler. It passes authorized requests on to the service.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	shown := g.isKey(query.Get(Parameter))
	switch {
	case !loopback(r.Host):
		http.Error(w, errHost.Error(), http.StatusForbidden)
		return
	case !shown && !g.hasKey(r):
		w.Header().Set("WWW-Authenticate", `Basic realm="slipway service"`)
		http.Error(w, "authentication required: first open the address with its key, which slipway runs prints", http.StatusUnauthorized)
		return
	case !ownPage(r, shown):
		http.Error(w, errPage.Error(), http.StatusForbidden)
		return
	}
	if !shown {
		g.proxy.ServeHTTP(w, r)
		return
	}
	query.Del(Parameter)
	r.URL.RawQuery = query.Encode()
	http.SetCookie(w, &http.Cookie{Name: g.cookie, Value: g.key, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	if r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") { // from a browser's address bar
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, (&url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}).String(), http.StatusSeeOther)
		return
	}
	g.proxy.ServeHTTP(w, r)
}

// isKey reports whether key is the gate's key. It compares in constant time.
func (g *Gate) isKey(key string) bool {
	return subtle.ConstantTimeCompare([]byte(key), []byte(g.key)) == 1
}

// hasKey reports whether a request carries the key: in the cookie or, as programs send it,
// as a password or a bearer token.
func (g *Gate) hasKey(r *http.Request) bool {
	for _, cookie := range r.CookiesNamed(g.cookie) {
		if g.isKey(cookie.Value) {
			return true
		}
	}
	return g.authorized(r)
}

// authorized reports whether the Authorization header of a request has the key.
func (g *Gate) authorized(r *http.Request) bool {
	if _, password, ok := r.BasicAuth(); ok && g.isKey(password) {
		return true
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && g.isKey(token)
}

// CheckPage returns an error for a request from a web page that does not belong to the port that
// it is sent to. It may come under the name of another host (DNS rebinding), or from a script, a form
// or a frame of a page of another origin. A link in another page may be followed. It is for ports
// without a key.
func CheckPage(r *http.Request) error {
	if r.Host != "" && !loopback(r.Host) { // browsers always send it
		return errHost
	}
	if !ownPage(r, r.Header.Get("Sec-Fetch-Dest") == "document") {
		return errPage
	}
	return nil
}

// The errors for requests of other pages.
var (
	errHost = errors.New("forbidden: the Host header must be 127.0.0.1, [::1] or localhost")
	errPage = errors.New("forbidden: the request comes from another page")
)

// ownPage reports whether a request comes from the service's own pages or from no page at
// all, or is a navigation, where links may be followed.
func ownPage(r *http.Request, link bool) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		from, err := url.Parse(origin)
		return err == nil && from.Scheme == "http" && strings.EqualFold(from.Host, r.Host)
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return true
	}
	return link && r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate"
}

// loopback reports whether a request's host is a name of loopback. A request with another
// name may come from a page that uses DNS rebinding.
func loopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return name == "127.0.0.1" || name == "localhost" || name == "::1" || name == "[::1]"
}

// rewrite keeps the host as it is, since services compare it with the origin. It removes
// the keys of this gate and of others, so that the service does not see them.
func (g *Gate) rewrite(p *httputil.ProxyRequest) {
	p.SetURL(&url.URL{Scheme: "http", Host: p.In.Host})
	p.Out.Host = p.In.Host
	if g.stripPath {
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

// keepCookies removes Set-Cookie headers with which a service would set a cookie of this
// gate or of another.
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

// stripped returns path without the prefix g.path, or path itself when it has another
// one.
func (g *Gate) stripped(path string) string {
	if rest, ok := strings.CutPrefix(path, g.path); ok {
		return "/" + rest
	}
	return path
}
