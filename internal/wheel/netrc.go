package wheel

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// netrc gives the user and password that a .netrc has for a host, nil for none: the file
// that NETRC names, or the one in the home directory.
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

// parseNetrc reads the words of a .netrc: the first machine of the name counts, or what
// stands under default where there is none before it.
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
		if n++; n == len(words) || word == "macdef" { // the text of a macro follows
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
