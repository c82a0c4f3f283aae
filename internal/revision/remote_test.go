package revision

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAddress(t *testing.T) {
	for remote, want := range map[string]string{
		"https://git.example.com/team/repo.git":                   "https://git.example.com/team/repo",
		"https://me:secret@git.example.com/team/repo.git":         "https://git.example.com/team/repo",
		"https://token@git.example.com/team/repo/":                "https://git.example.com/team/repo",
		"https://git.example.com/team/repo.git?token=secret#main": "https://git.example.com/team/repo",
		"git@git.example.com:team/repo.git":                       "https://git.example.com/team/repo",
		"ssh://git@git.example.com:2222/team/repo.git":            "https://git.example.com/team/repo",
		"http://git.example.com:8080/team/repo":                   "https://git.example.com:8080/team/repo",
		"ssh://git@ssh.github.com:443/team/repo.git":              "https://github.com/team/repo",
		"ssh://git@altssh.gitlab.com:443/team/repo.git":           "https://gitlab.com/team/repo",
		"https://www.github.com/team/repo":                        "https://github.com/team/repo",
		"git+ssh://git@git.example.com/team/repo.git":             "https://git.example.com/team/repo",
		"codecommit::eu-west-1://repo":                            "", "ext::sh -c x% y/z": "", "keybase::private/me/repo": "",
		"/srv/git/repo.git": "", "../repo": "", `C:\repo`: "", "": "", "file:///srv/repo": "",
	} {
		if got := address(remote); got != want {
			t.Errorf("%s gives %q, want %q", remote, got, want)
		}
	}
}

// TestRemote reads remotes as people have them. git is asked for its configuration without the
// user's own.
func TestRemote(t *testing.T) {
	global := filepath.Join(t.TempDir(), "config")
	write(t, global, "[url \"git@git.example.com:\"]\n\tinsteadOf = ex:\n[url \"git@work:\"]\n\tinsteadOf = git@github.com:\n")
	for name, test := range map[string]struct {
		set  []string
		want string
	}{
		"an abbreviation of the user":          {[]string{"remote.origin.url", "ex:team/repo.git"}, "https://git.example.com/team/repo"},
		"an ssh host of the user":              {[]string{"remote.origin.url", "git@github.com:team/repo.git"}, "https://github.com/team/repo"},
		"a host of the intranet":               {[]string{"remote.origin.url", "git@gitlab:team/repo.git"}, "https://gitlab/team/repo"},
		"the only one":                         {[]string{"remote.upstream.url", "https://git.example.com/team/repo"}, "https://git.example.com/team/repo"},
		"origin among others":                  {[]string{"remote.a.url", "https://a.example/x", "remote.origin.url", "https://git.example.com/team/repo", "remote.b.url", "https://b.example/x"}, "https://git.example.com/team/repo"},
		"two, of which none is origin":         {[]string{"remote.a.url", "https://a.example/x", "remote.b.url", "https://b.example/x"}, ""},
		"a second address to which one pushes": {[]string{"remote.origin.url", "https://git.example.com/team/repo", "remote.origin.url", "https://mirror.example/x"}, "https://git.example.com/team/repo"},
		"a name with dots":                     {[]string{"remote.a.url.b.url", "https://git.example.com/team/repo"}, "https://git.example.com/team/repo"},
		"none":                                 {nil, ""},
	} {
		dir := repository(t)
		for n := 0; n < len(test.set); n += 2 {
			command(t, dir, "config", "--add", test.set[n], test.set[n+1])
		}
		environ := append(os.Environ(), "GIT_CONFIG_GLOBAL="+global)
		if got, branch := Remote(t.Context(), dir, environ); got != test.want || branch != "main" {
			t.Errorf("%s: %q at %q", name, got, branch)
		}
		if r := read(t, dir, "GIT_CONFIG_GLOBAL="+global); r.Source != test.want {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
