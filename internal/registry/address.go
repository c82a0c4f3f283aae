package registry

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// maxRedirects is the number of redirects that a single request follows.
const maxRedirects = 10

// AddressError reports that a registry sends a request to an address that is refused: a
// private network, or from https to http. Without this check, a compromised registry could
// reach services on the network of the machine that runs slipway. From is a host, and To a
// URL without its query.
type AddressError struct{ From, To string }

// Error names both addresses, without their queries, which may carry credentials.
func (e *AddressError) Error() string {
	return fmt.Sprintf("the registry %s redirects to %s, which is refused: redirects to a private address, or from https to another scheme, are not allowed; have the registry's operator set its external address", e.From, e.To)
}

// checkAddress returns an *AddressError if a response from one address must not lead to
// another: to a different host that is a private or link-local address, or from https to
// any other scheme.
func checkAddress(from, to *url.URL) error {
	refused := to.Scheme != "https" && (to.Scheme != "http" || from.Scheme != "http") ||
		to.Hostname() != from.Hostname() && isPrivate(to.Hostname())
	if refused {
		return &AddressError{From: from.Host, To: (&url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}).String()}
	}
	return nil
}

// checkRedirect applies checkAddress to the redirects that the HTTP client follows.
func checkRedirect(request *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return errors.New("too many redirects by the registry")
	}
	return checkAddress(via[len(via)-1].URL, request.URL)
}

// isPrivate reports whether a host is an address that is not on the public internet, in any
// notation that resolvers accept. It does not look up names.
func isPrivate(host string) bool {
	host, _, _ = strings.Cut(strings.ToLower(strings.TrimSuffix(host, ".")), "%")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		var ok bool
		if address, ok = parseInetAton(host); !ok {
			return false
		}
	}
	address = address.Unmap()
	return address.IsLoopback() || address.IsPrivate() || address.IsLinkLocalUnicast() || address.IsLinkLocalMulticast() || address.IsUnspecified()
}

// parseInetAton parses the notations of inet_aton: 127.1, 0x7f000001, 017700000001.
func parseInetAton(host string) (netip.Addr, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var whole uint64
	for n, part := range parts {
		value, err := strconv.ParseUint(part, 0, 32)
		bits := 8
		if n == len(parts)-1 {
			bits = 8 * (5 - len(parts))
		}
		if err != nil || value >= 1<<bits {
			return netip.Addr{}, false
		}
		whole = whole<<bits | value
	}
	return netip.AddrFrom4([4]byte{byte(whole >> 24), byte(whole >> 16), byte(whole >> 8), byte(whole)}), true
}
