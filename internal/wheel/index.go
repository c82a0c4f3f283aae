package wheel

import (
	"net/url"
	"path/filepath"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// pipOptions returns the options of the lock that say where packages are.
func (s Spec) pipOptions(l *lockContent) []string {
	options := make([]string, len(l.options))
	for n, option := range l.options {
		name, value, _ := strings.Cut(option, " ")
		if dir, here := strings.CutPrefix(value, findLinksHere); here {
			value = filepath.Join(s.Dir, filepath.FromSlash(dir))
		}
		options[n] = strings.TrimSpace(name + " " + value)
	}
	return options
}

// replaced matches the environment variables that pip expands in a requirements file.
var replaced = lazyregexp.New(`\$\{([A-Z0-9_]+)\}`)

// indexEnvironment returns the environment variables that point pip to the indexes of the
// lock and of uv's variables. Passwords are passed only there, never in arguments or files.
func (s Spec) indexEnvironment(l *lockContent) []string {
	var environ []string
	for _, option := range l.options {
		for _, m := range replaced.FindAllStringSubmatch(option, -1) {
			environ = append(environ, m[1]+"="+variable(s.Environ, m[1]))
		}
	}
	first := variable(s.Environ, "PIP_INDEX_URL")
	for _, name := range []string{"UV_DEFAULT_INDEX", "UV_INDEX_URL"} {
		if value := variable(s.Environ, name); first == "" && value != "" {
			first = s.withCredentials(value)
			environ = append(environ, "PIP_INDEX_URL="+first)
		}
	}
	others := strings.Fields(variable(s.Environ, "PIP_EXTRA_INDEX_URL"))
	for _, name := range []string{"UV_INDEX", "UV_EXTRA_INDEX_URL"} {
		for _, value := range strings.Fields(variable(s.Environ, name)) {
			others = append(others, s.withCredentials(value))
		}
	}
	for n, index := range l.indexes {
		// A default index that the user names replaces the lock's own.
		if n == 0 && l.defaultFirst && (first != "" || variable(s.Environ, "PIP_NO_INDEX") != "") {
			continue
		}
		others = append(others, s.withCredentials(index))
	}
	if len(others) > 0 {
		environ = append(environ, "PIP_EXTRA_INDEX_URL="+strings.Join(others, " "))
	}
	return environ
}

var notInName = lazyregexp.New(`[^A-Z0-9]`)

// withCredentials returns the URL of an index that uv writes as NAME=URL. It adds the user
// and password from the variables UV_INDEX_NAME_USERNAME and UV_INDEX_NAME_PASSWORD.
func (s Spec) withCredentials(index string) string {
	name, address, named := strings.Cut(index, "=")
	if !named || strings.ContainsAny(name, ":/?") {
		return index
	}
	prefix := "UV_INDEX_" + notInName.ReplaceAllString(strings.ToUpper(name), "_")
	user, password := variable(s.Environ, prefix+"_USERNAME"), variable(s.Environ, prefix+"_PASSWORD")
	parsed, err := url.Parse(address)
	if err != nil || user == "" && password == "" {
		return address
	}
	parsed.User = url.UserPassword(user, password)
	return parsed.String()
}
