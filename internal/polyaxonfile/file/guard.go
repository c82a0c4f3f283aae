package file

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
)

// guard is an http.RoundTripper that connects to public addresses only. A Polyaxonfile
// may come from anyone, and it must not reach hosts that only this machine can reach.
type guard struct {
	hosts  []string // allowed regardless of their addresses
	plain  http.RoundTripper
	public http.RoundTripper
	proxy  func(*http.Request) (*url.URL, error)
	close  func()
}

// newGuard returns a guard that uses transport. It checks the address when the connection
// is made, so that a changed DNS answer cannot get around the check.
func newGuard(transport http.RoundTripper, hosts []string) *guard {
	g := &guard{hosts: hosts, plain: transport, public: transport, close: func() {}}
	if t, ok := transport.(*http.Transport); ok {
		public := t.Clone()
		dialer := &net.Dialer{Timeout: fetchTimeout, Control: func(_, address string, _ syscall.RawConn) error {
			if at, err := netip.ParseAddrPort(address); err != nil || !isPublic(at.Addr()) {
				return fmt.Errorf("%s is not a public address; "+allowHint, address, "HOST")
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

// RoundTrip sends a request if its host may be reached. Behind a proxy it checks only
// addresses that are written in the URL, because the proxy resolves the host name.
func (g *guard) RoundTrip(request *http.Request) (*http.Response, error) {
	host := request.URL.Hostname()
	if g.allows(host) {
		return g.plain.RoundTrip(request)
	}
	if at, err := netip.ParseAddr(host); err == nil && !isPublic(at) {
		return nil, fmt.Errorf("%s is not a public address; "+allowHint, host, host)
	}
	if g.proxy != nil {
		if through, err := g.proxy(request); err == nil && through != nil {
			return g.plain.RoundTrip(request)
		}
	}
	return g.public.RoundTrip(request)
}

// notPublic are the networks that are not public and that netip's methods do not report:
// carrier-grade NAT, test and documentation networks, and reserved ranges.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("fec0::/10"),
}

// nat64 is the prefix under which IPv6 embeds IPv4 addresses (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// isPublic reports whether an address is a public internet address.
func isPublic(at netip.Addr) bool {
	at = at.Unmap()
	if nat64.Contains(at) {
		bytes := at.As16()
		at = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	return at.IsGlobalUnicast() && !at.IsPrivate() && !slices.ContainsFunc(notPublic, func(p netip.Prefix) bool { return p.Contains(at) })
}
