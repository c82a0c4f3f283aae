package wheel

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// netrc returns the user and password for a host from the .netrc file, or nil if it has
// none. The file is the one that NETRC names, or else the one in the home directory.
func netrc(environ []string, host string) *url.Userinfo {
	names := []string{variable(environ, "NETRC")}
	if names[0] == "" {
		for _, home := range []string{variable(environ, "HOME"), variable(environ, "USERPROFILE")} {
			if home != "" {
				names = append(names, filepath.Join(home, ".netrc"), filepath.Join(home, "_netrc"))
			}
		}
	}
	for _, name := range slices.DeleteFunc(names, func(name string) bool { return name == "" }) {
		if text, err := source.ReadFile(nil, name, maxSettings); err == nil {
			return parseNetrc(string(text), host)
		}
	}
	return nil
}

// parseNetrc parses the text of a .netrc. It returns the first machine entry for the host,
// or the default entry if that comes first.
func parseNetrc(text, host string) *url.Userinfo {
	var words []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			words = append(words, strings.Fields(line)...)
		}
	}
	login, password, here := "", "", false
	for n := 0; n < len(words); n++ {
		word := words[n]
		if here && slices.Contains([]string{"machine", "default", "macdef"}, word) {
			break
		}
		if word == "default" {
			here = true
			continue
		}
		if n++; n == len(words) || word == "macdef" { // the body of a macro follows
			break
		}
		switch {
		case word == "machine":
			here = words[n] == host
		case here && word == "login":
			login = words[n]
		case here && word == "password":
			password = words[n]
		}
	}
	if !here {
		return nil
	}
	return url.UserPassword(login, password)
}
