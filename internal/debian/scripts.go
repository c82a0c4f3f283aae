package debian

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Commands that a maintainer script may have though it is not run.
var (
	// shellCommands change nothing outside of the shell, or only read.
	shellCommands = []string{
		"set", "exit", "return", ":", "true", "false", "echo", "printf", "test", "[", "case", "for", "local", "shift", "export", "unset", "continue", "break", "read", "umask",
		"cat", "cmp", "cut", "grep", "egrep", "head", "tail", "sort", "uniq", "tr", "wc", "expr", "dirname", "basename", "readlink", "which", "command", "type", "ls", "uname", "id", "getent", "stat", "mountpoint", "cd", "pwd",
		"dpkg", "dpkg-query", "dpkg-vendor", "dpkg-architecture",
	}
	// cacheCommands write caches, without which programs are slower to start, or find by themselves
	// what is in the cache. ldconfig is one: the loader also looks into the directories of Debian's
	// libraries.
	cacheCommands = []string{
		"ldconfig", "fc-cache", "update-mime-database", "glib-compile-schemas", "gio-querymodules", "gdk-pixbuf-query-loaders", "update-icon-caches", "gtk-update-icon-cache", "update-icon-cache",
		"update-desktop-database", "update-menus", "mandb", "install-info", "py3compile", "pycompile", "py3clean", "pyclean", "dpkg-trigger", "install-docs",
	}
	// serviceCommands start services, and an image has none.
	serviceCommands = []string{"update-rc.d", "invoke-rc.d", "deb-systemd-helper", "deb-systemd-invoke", "systemctl", "systemd-tmpfiles"}
	// upgradeCommands remove what former versions left, and a layer has no former versions.
	upgradeCommands = []string{"dpkg-maintscript-helper", "rm", "rmdir", "update-alternatives", "db_purge", "db_stop", "db_version"}
)

// knownScript says what to do about a package whose scripts have other commands as well.
type knownScript struct {
	// allows are these commands.
	allows []string
	// links are the symbolic links that the scripts make when nobody answers questions.
	links map[string]string
}

// knownScripts are the scripts that were read, by package.
var knownScripts = map[string]knownScript{
	// It asks how fonts are drawn, and makes links for the answers. These are Debian's defaults.
	"fontconfig-config": {[]string{".", "db_get", "ln", "mkdir", "chmod", "chown"}, map[string]string{
		"/etc/fonts/conf.d/10-hinting-slight.conf": "/usr/share/fontconfig/conf.avail/10-hinting-slight.conf",
		"/etc/fonts/conf.d/70-no-bitmaps.conf":     "/usr/share/fontconfig/conf.avail/70-no-bitmaps.conf",
	}},
	// It makes the directory of the cache.
	"fontconfig": {[]string{"mkdir"}, nil},
	// It makes an empty directory for modules.
	"libglib2.0-0":    {[]string{"install"}, nil},
	"libglib2.0-0t64": {[]string{"install"}, nil},
	// It copies the settings of versions before 1.12.
	"libgssapi-krb5-2": {[]string{"cp"}, nil},
	// It removes the libraries that former versions left.
	"libgcrypt20": {[]string{"clean-up-unmanaged-libraries"}, nil},
	// It moves the settings of versions before 2.43.
	"binutils": {[]string{"mv"}, nil},
	// It makes an empty list of drivers, which is the same as none.
	"unixodbc-common": {[]string{"touch"}, nil},
	// It moves the settings of versions before 3.
	"libsensors5": {[]string{"ucf"}, nil},
	// It removes the questions of former versions.
	"x11-common": {[]string{"."}, nil},
	// It mends a link of versions before 1.7.
	"git": {[]string{"mkdir", "mv", "ln"}, nil},
	// The link that it makes is in the package.
	"openssl": {[]string{"ln"}, nil},
}

// effects are what slipway does in place of the scripts of a package.
type effects struct {
	alternatives []alternative
	links        map[string]string
}

// judge returns what to do in place of the maintainer scripts of a package, which are control files
// by their names. It returns an *Error that names the command if a script does more than an image
// can do without. done reports whether configure does what else the scripts do.
func judge(name string, files map[string][]byte, done bool) (effects, error) {
	known := knownScripts[name]
	all := effects{links: known.links}
	for _, which := range []string{"preinst", "postinst"} {
		text, ok := files[which]
		if !ok {
			continue
		}
		refuse := func(what string) (effects, error) {
			if done {
				return all, nil
			}
			return effects{}, &Error{Package: name, Message: fmt.Sprintf("the package %s needs its script %s, which slipway does not run: %s", name, which, what), Hint: dockerfileHint}
		}
		if !isShell(text) {
			return refuse("it is not a shell script")
		}
		read, err := parseShell(string(text))
		if err != nil {
			return refuse(err.Error())
		}
		for _, c := range read.commands {
			why := c.needed(read, known)
			if why != "" && !done {
				return refuse(fmt.Sprintf("line %d has %s", c.line, why))
			}
			if len(c.words) == 0 || path.Base(c.words[0].text) != "update-alternatives" {
				continue
			}
			found, err := readInstall(c.words[1:])
			if err != nil {
				return refuse(fmt.Sprintf("line %d has %v", c.line, err))
			}
			all.alternatives = append(all.alternatives, found...)
		}
	}
	return all, nil
}

// isShell reports whether a script is one for a shell.
func isShell(text []byte) bool {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	words := strings.Fields(strings.TrimSpace(strings.TrimPrefix(string(line), "#!")))
	return bytes.HasPrefix(line, []byte("#!")) && len(words) > 0 && slices.Contains([]string{"sh", "dash", "bash"}, path.Base(words[0]))
}

// needed returns the command if a package cannot do without it, and "" if it can.
func (c command) needed(in script, known knownScript) string {
	text := "an output"
	name := ""
	if len(c.words) > 0 {
		text, name = c.words[0].text, path.Base(c.words[0].text)
		if !c.words[0].literal {
			return text
		}
	}
	isCache := slices.Contains(cacheCommands, name)
	if name == "find" {
		isCache = !slices.ContainsFunc(c.words, func(w word) bool {
			return w.text == "-delete" || strings.HasPrefix(w.text, "-exec") || strings.HasPrefix(w.text, "-ok") || strings.HasPrefix(w.text, "-fprint")
		})
	}
	for _, file := range c.outputs {
		if !isCache && !strings.HasPrefix(file, "/dev/") {
			return text + " > " + file
		}
	}
	switch {
	case name == "" || isCache || in.functions[name], slices.Contains(shellCommands, name), slices.Contains(serviceCommands, name), slices.Contains(upgradeCommands, name), slices.Contains(known.allows, name):
		return ""
	case name == "dpkg-divert" && c.divertsNothing(), name == "chmod" && c.isOfServices():
		return ""
	case name == "." && len(c.words) > 1 && c.words[1].text == "/usr/share/debconf/confmodule":
		return "questions to the user (debconf)"
	}
	return text
}

// mergedEnding is the end of the names to which packages divert the files of former versions that were unpacked
// before the root directory was merged into /usr. See DEP 17 (dep-team.pages.debian.net).
const mergedEnding = ".usr-is-merged"

// divertsNothing reports whether a dpkg-divert changes no name of a file in a layer: it reads the diversions, it
// removes those of former versions, or it diverts their files.
func (c command) divertsNothing() bool {
	return slices.ContainsFunc(c.words, func(w word) bool {
		return slices.Contains([]string{"--truename", "--listpackage", "--list", "--remove"}, w.text) || strings.HasSuffix(w.text, mergedEnding)
	})
}

// isOfServices reports whether a chmod is that of scripts that start services.
func (c command) isOfServices() bool {
	files := c.words[min(2, len(c.words)):] // the first is the mode
	return len(files) > 0 && !slices.ContainsFunc(files, func(w word) bool {
		return !w.literal || !strings.HasPrefix(w.text, "/etc/init.d/") || strings.Contains(w.text, "..")
	})
}
