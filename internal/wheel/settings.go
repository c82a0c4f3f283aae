package wheel

import (
	"cmp"
	"context"
	"net/url"
	"os"
	"slices"
	"strings"
)

// settings say where packages are looked for, as pip would by its variables, its files
// and the lines of a lock.
type settings struct {
	// indexes are the addresses of simple indexes, and links those of directories and
	// pages that have files. Both may have a user and a password.
	indexes, links []string
	// standard tells that the index is none that somebody named: pip's own.
	standard bool
	// replaced tells that the user names another index than that of the lock.
	replaced bool
	// cert is a file of certificates that are trusted, and proxy the address of a proxy.
	cert, proxy string
	environ     []string
	// unusual tells that they have something that is left to pip.
	unusual bool
}

func (s Spec) settings(l *list) settings {
	environ := append(s.environment(), s.indexEnvironment(l)...)
	config := pipConfig(s.Environ)
	get := func(key string) string {
		return cmp.Or(variable(environ, "PIP_"+strings.ToUpper(strings.ReplaceAll(key, "-", "_"))), config["download."+key], config["global."+key])
	}
	c := settings{environ: environ, links: strings.Fields(get("find-links")), proxy: get("proxy")}
	c.cert = cmp.Or(get("cert"), variable(environ, "REQUESTS_CA_BUNDLE"), variable(environ, "CURL_CA_BUNDLE"), variable(environ, "SSL_CERT_FILE"))
	for _, key := range []string{"client-cert", "trusted-host", "uploaded-prior-to"} {
		c.unusual = c.unusual || get(key) != ""
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
			c.unusual = true
		}
	}
	for _, address := range c.indexes {
		c.unusual = c.unusual || !plainAddress(address)
	}
	if info, err := os.Stat(c.cert); c.cert != "" && (err != nil || info.IsDir()) {
		c.unusual = true
	}
	c.indexes = distinct(c.indexes)
	return c
}

// isSet reads a switch as pip does.
func isSet(value string) bool {
	return slices.Contains([]string{"1", "true", "yes", "on", "y", "t"}, strings.ToLower(value))
}

// distinct gives each index once, in their order.
func distinct(all []string) []string {
	var once []string
	for _, one := range all {
		if one = strings.TrimRight(one, "/"); !slices.Contains(once, one) {
			once = append(once, one)
		}
	}
	return once
}

// plainAddress tells whether an index can be asked here. Whoever wants to ask one without
// TLS says so to pip.
func plainAddress(address string) bool {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		return false
	}
	return parsed.Scheme == "https" || parsed.Scheme == "http" && isLoopback(parsed.Hostname())
}

func isLoopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

// ownIndex asks pip for the index that it takes where nobody names one. It is empty
// where pip is not there, or does not say.
func (s Spec) ownIndex(ctx context.Context) string {
	for _, name := range []string{"python3", "python"} {
		path, ok := find(s.Environ, name)
		if !ok {
			continue
		}
		p := program{args: []string{path}, environ: s.environment()}
		text, _, err := p.run(ctx, "-I", "-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)")
		if text = strings.TrimSpace(text); err == nil && plainAddress(text) {
			return text
		}
	}
	return ""
}
