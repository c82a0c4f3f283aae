package revision

import (
	"context"
	"strings"
)

// Remote returns the https URL of the remote of the tree at dir, without credentials,
// and the branch that it is cloned at. The URL is "" if there is none. Without a branch of
// the remote, it is main or master, whichever is checked out or there, and otherwise the one
// that is checked out.
func Remote(ctx context.Context, dir string, environ []string) (remote, branch string) {
	g := git{dir: dir, environ: environment(environ)}
	remote, of := g.remote(ctx)
	if of, ok := strings.CutPrefix(g.run(ctx, "symbolic-ref", "--quiet", "--short", "refs/remotes/"+of+"/HEAD"), of+"/"); ok && of != "" {
		return remote, of
	}
	head := g.run(ctx, "symbolic-ref", "--quiet", "--short", "HEAD")
	if head == "main" || head == "master" {
		return remote, head
	}
	for _, name := range []string{"main", "master"} {
		if g.run(ctx, "for-each-ref", "--count=1", "--format=%(refname)", "refs/heads/"+name, "refs/remotes/"+of+"/"+name) != "" {
			return remote, name
		}
	}
	if head == "" {
		head = "main"
	}
	return remote, head
}

// Files returns the paths below dir, with slashes, of the files that git tracks or would
// add. It reports whether git could tell.
func Files(ctx context.Context, dir string, environ []string) (names []string, ok bool) {
	out, err := git{dir: dir, environ: environment(environ)}.output(ctx, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, false
	}
	return strings.Split(strings.TrimSuffix(out, "\x00"), "\x00"), true
}

// remote returns the https URL of the remote origin, or else of the only one, and its name. The URL
// is "" if there is none. The configured one counts, and not what insteadOf of the user makes of
// it: that may be a mirror, or a name of the user's own ssh configuration. Only an abbreviation,
// whose host has no dot, is what insteadOf makes of it.
func (g git) remote(ctx context.Context) (url, name string) {
	all := map[string]string{}
	for entry := range strings.SplitSeq(g.run(ctx, "config", "-z", "--get-regexp", `^remote\..*\.url$`), "\x00") {
		key, value, ok := strings.Cut(entry, "\n")
		of := strings.TrimSuffix(strings.TrimPrefix(key, "remote."), ".url")
		if _, known := all[of]; ok && !known { // git fetches from the first
			all[of] = value
		}
	}
	name = "origin"
	if _, ok := all[name]; !ok && len(all) == 1 {
		for only := range all {
			name = only
		}
	}
	url = address(all[name])
	if host, _, _ := strings.Cut(strings.TrimPrefix(url, "https://"), "/"); host != "" && !strings.Contains(host, ".") {
		if made := address(g.run(ctx, "ls-remote", "--get-url", "--", name)); made != "" {
			url = made
		}
	}
	return url, name
}

// aliases are other names of hosts: those that speak ssh at the port of https
// (docs.github.com, "Using SSH over the HTTPS port", and its like of GitLab and Bitbucket), and www.
var aliases = map[string]string{"www.github.com": "github.com", "ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com", "altssh.bitbucket.org": "bitbucket.org"}

// address returns the URL of a remote as https, without user, password and query, or "" if
// the remote is a local path.
func address(remote string) string {
	rest, isURL := remote, false
	for _, scheme := range []string{"https://", "http://", "ssh://", "git+ssh://", "ssh+git://", "git://"} {
		if after, ok := strings.CutPrefix(remote, scheme); ok {
			rest, isURL = after, true
			break
		}
	}
	if isURL {
		rest, _, _ = strings.Cut(rest, "#")
		rest, _, _ = strings.Cut(rest, "?")
	}
	host, path, ok := strings.Cut(rest, "/")
	if !isURL { // the form user@host:path
		host, path, ok = strings.Cut(rest, ":")
		if strings.ContainsAny(host, `/\`) || len(host) < 2 || strings.HasPrefix(path, "//") {
			return "" // a path, or a drive letter
		}
	}
	if !ok || host == "" || path == "" || strings.Contains(remote, "::") {
		return "" // HELPER::ADDRESS is for a program of its own (gitremote-helpers)
	}
	if at := strings.LastIndex(host, "@"); at >= 0 {
		host = host[at+1:]
	}
	if scheme, _, _ := strings.Cut(remote, "://"); isURL && strings.Contains(scheme, "ssh") {
		host, _, _ = strings.Cut(host, ":") // the port is that of ssh, not of https
	}
	if name, ok := aliases[host]; ok {
		host = name
	}
	return "https://" + host + "/" + strings.TrimSuffix(strings.Trim(path, "/"), ".git")
}
