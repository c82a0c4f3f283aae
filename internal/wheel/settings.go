package wheel

import (
	"cmp"
	"context"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
)

// settings say where packages are searched, as pip would read it from its variables, its
// configuration files and the lines of a lock.
type settings struct {
	// indexes are the URLs of simple indexes, and links are those of directories and pages
	// that list files. Both may contain a user and a password.
	indexes, links []string
	// standard reports whether no index is named, so that pip's default one is used.
	standard bool
	// replaced reports whether the user names another index than the lock.
	replaced bool
	// cert is the path of a file of trusted certificates, and proxy the URL of a proxy.
	cert, proxy string
	environ     []string
	// needsPip reports whether a setting is not supported here, so that pip must download.
	needsPip bool
}

func (s Spec) settings(l *lockContent) settings {
	environ := append(s.environment(), s.indexEnvironment(l)...)
	config := pipConfig(s.Environ)
	get := func(key string) string {
		return cmp.Or(variable(environ, "PIP_"+strings.ToUpper(strings.ReplaceAll(key, "-", "_"))), config["download."+key], config["global."+key])
	}
	c := settings{environ: environ, links: strings.Fields(get("find-links")), proxy: get("proxy")}
	c.cert = cmp.Or(get("cert"), variable(environ, "REQUESTS_CA_BUNDLE"), variable(environ, "CURL_CA_BUNDLE"), variable(environ, "SSL_CERT_FILE"))
	for _, key := range []string{"client-cert", "trusted-host", "uploaded-prior-to"} {
		c.needsPip = c.needsPip || get(key) != ""
	}
	none := isSet(get("no-index"))
	c.replaced = none || get("index-url") != ""
	if !none {
		if first := get("index-url"); first != "" {
			c.indexes = []string{first}
		} else {
			c.standard = !l.defaultFirst || len(l.indexes) == 0
		}
		c.indexes = append(c.indexes, strings.Fields(get("extra-index-url"))...)
	}
	for _, option := range s.pipOptions(l) {
		name, value, _ := strings.Cut(option, " ")
		value = replaced.ReplaceAllStringFunc(value, func(v string) string { return cmp.Or(variable(environ, v[2:len(v)-1]), v) })
		switch name {
		case "--index-url":
			if !none {
				c.indexes, c.standard = []string{value}, false
			}
		case "--extra-index-url":
			if !none {
				c.indexes = append(c.indexes, value)
			}
		case "--find-links":
			c.links = append(c.links, value)
		case "--no-index":
			none, c.indexes, c.standard = true, nil, false
		default:
			c.needsPip = true
		}
	}
	for _, address := range c.indexes {
		c.needsPip = c.needsPip || !isSupportedURL(address)
	}
	if info, err := os.Stat(c.cert); c.cert != "" && (err != nil || info.IsDir()) {
		c.needsPip = true
	}
	c.indexes = distinct(c.indexes)
	return c
}

// isSet parses a Boolean setting like pip.
func isSet(value string) bool {
	return slices.Contains([]string{"1", "true", "yes", "on", "y", "t"}, strings.ToLower(value))
}

// distinct returns the indexes in their order, without duplicates.
func distinct(all []string) []string {
	var once []string
	for _, one := range all {
		if one = strings.TrimRight(one, "/"); !slices.Contains(once, one) {
			once = append(once, one)
		}
	}
	return once
}

// isSupportedURL reports whether the URL of an index is supported here: HTTPS, or HTTP on
// this machine. An index without TLS is left to pip, in whose settings the user must allow
// it.
func isSupportedURL(address string) bool {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		return false
	}
	return parsed.Scheme == "https" || parsed.Scheme == "http" && isLoopback(parsed.Hostname())
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host) // 127.example.com is a name
	return host == "localhost" || err == nil && address.IsLoopback()
}

// defaultIndex returns pip's default index. It is empty if there is no pip, or if pip's default
// cannot be read.
func (s Spec) defaultIndex(ctx context.Context) string {
	for _, name := range []string{"python3", "python"} {
		path, ok := find(s.Environ, name)
		if !ok {
			continue
		}
		p := program{args: []string{path}, environ: s.environment()}
		text, _, err := p.run(ctx, "-I", "-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)")
		if text = strings.TrimSpace(text); err == nil && isSupportedURL(text) {
			return text
		}
	}
	return ""
}
