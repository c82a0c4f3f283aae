package polyaxonfile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// publicHub is where the components of Polyaxon's own hub are.
const publicHub = "https://cloud.polyaxon.com"

const (
	fetchTimeout = 30 * time.Second // of one reference
	maxRedirects = 5
)

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

// allow is what slipway.yaml says to let a request go elsewhere.
const allow = "references: {hosts: [%s]} in slipway.yaml allows it"

// fetch gets a component. A hub has it as the content of a JSON object.
func (r Reader) fetch(ctx context.Context, address string, hub bool) ([]byte, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || !isURL(address) || u.Host == "":
		return nil, errors.New("that is no address that begins with https://")
	case !hub && u.Scheme != "https":
		return nil, errors.New("http:// is not safe: what comes may be anybody's; write https://")
	}
	return r.Held.once(address, func() ([]byte, error) { return r.request(ctx, u, hub) })
}

func (r Reader) request(ctx context.Context, u *url.URL, hub bool) ([]byte, error) {
	shown := u.Redacted()
	if r.Transport == nil {
		return nil, fmt.Errorf("%s cannot be asked for here: there is no network", shown)
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
			return fmt.Errorf("it redirects more than %d times", maxRedirects)
		case u.Scheme == "https" && next.URL.Scheme != "https":
			return errors.New("it redirects away from https")
		case host != u.Hostname() && !guard.allows(host):
			return fmt.Errorf("it redirects to another host, %s; "+allow, host, host)
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

// guard does requests to public addresses only: a Polyaxonfile may come from anybody,
// and must not reach what only this machine does.
type guard struct {
	hosts  []string // that are allowed whatever their addresses
	plain  http.RoundTripper
	public http.RoundTripper
	proxy  func(*http.Request) (*url.URL, error)
	close  func()
}

// newGuard guards a transport. Addresses are looked at when a connection is made, so
// that a name cannot have another one by then.
func newGuard(transport http.RoundTripper, hosts []string) *guard {
	g := &guard{hosts: hosts, plain: transport, public: transport, close: func() {}}
	if t, ok := transport.(*http.Transport); ok {
		public := t.Clone()
		dialer := &net.Dialer{Timeout: fetchTimeout, Control: func(_, address string, _ syscall.RawConn) error {
			if at, err := netip.ParseAddrPort(address); err != nil || !isPublic(at.Addr()) {
				return fmt.Errorf("%s is no public address; "+allow, address, "HOST")
			}
			return nil
		}}
		public.DialContext, public.DialTLSContext = dialer.DialContext, nil
		g.public, g.proxy, g.close = public, t.Proxy, public.CloseIdleConnections
	}
	return g
}

func (g *guard) allows(host string) bool {
	return slices.ContainsFunc(g.hosts, func(allowed string) bool { return strings.EqualFold(allowed, host) })
}

// RoundTrip does a request. Behind a proxy it is that which finds the address.
func (g *guard) RoundTrip(request *http.Request) (*http.Response, error) {
	host := request.URL.Hostname()
	if g.allows(host) {
		return g.plain.RoundTrip(request)
	}
	if at, err := netip.ParseAddr(host); err == nil && !isPublic(at) {
		return nil, fmt.Errorf("%s is no public address; "+allow, host, host)
	}
	if g.proxy != nil {
		if through, err := g.proxy(request); err == nil && through != nil {
			return g.plain.RoundTrip(request)
		}
	}
	return g.public.RoundTrip(request)
}

// notPublic are the networks that are neither anybody's nor told by netip's methods:
// of providers, of tests and documentation, and what is reserved.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("fec0::/10"),
}

// nat64 has addresses of version 4 in those of version 6.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// isPublic tells whether an address is one of the internet's.
func isPublic(at netip.Addr) bool {
	at = at.Unmap()
	if nat64.Contains(at) {
		bytes := at.As16()
		at = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	return at.IsGlobalUnicast() && !at.IsPrivate() && !slices.ContainsFunc(notPublic, func(p netip.Prefix) bool { return p.Contains(at) })
}
