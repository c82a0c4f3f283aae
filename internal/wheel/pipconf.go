package wheel

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// maxSettings is the limit on the size in bytes of a settings file. No known file reaches
// it.
const maxSettings = 1 << 20

// pipConfig returns the settings in pip's configuration files by section and key, such as
// global.index-url. A later file overrides an earlier one.
func pipConfig(environ []string) map[string]string {
	values := map[string]string{}
	for _, name := range pipConfigFiles(environ) {
		if text, err := source.ReadFile(nil, name, maxSettings); err == nil {
			readINI(string(text), values)
		}
	}
	return values
}

// pipConfigFiles returns the files that pip reads, in its order: those of the system, of
// the user, of the virtual environment, and the one that PIP_CONFIG_FILE names.
func pipConfigFiles(environ []string) []string {
	named := variable(environ, "PIP_CONFIG_FILE")
	if named == os.DevNull {
		return nil
	}
	home := variable(environ, "HOME")
	base := "pip.conf"
	var files []string
	add := func(dir string, more ...string) {
		if filepath.IsAbs(dir) {
			files = append(files, filepath.Join(append([]string{dir}, more...)...))
		}
	}
	user := func(dir string) {
		if dir = variable(environ, dir); dir == "" {
			dir = filepath.Join(home, ".config")
		}
		add(dir, "pip", base)
	}
	switch runtime.GOOS {
	case "windows":
		base = "pip.ini"
		add(variable(environ, "PROGRAMDATA"), "pip", base)
		add(variable(environ, "USERPROFILE"), "pip", base)
		add(variable(environ, "APPDATA"), "pip", base)
	case "darwin":
		add("/Library/Application Support", "pip", base)
		add(home, ".pip", base)
		user("XDG_CONFIG_HOME")
		add(home, "Library", "Application Support", "pip", base)
	default:
		dirs := variable(environ, "XDG_CONFIG_DIRS")
		if dirs == "" {
			dirs = "/etc/xdg"
		}
		for _, dir := range filepath.SplitList(dirs) {
			add(dir, "pip", base)
		}
		add("/etc", base)
		add(home, ".pip", base)
		user("XDG_CONFIG_HOME")
	}
	for _, name := range []string{"python3", "python"} {
		if python, ok := find(environ, name); ok {
			add(filepath.Dir(filepath.Dir(python)), base)
			break
		}
	}
	if named != "" {
		files = append(files, named)
	}
	return files
}

// readINI parses a file like Python's configparser, as far as pip's settings need it.
// Indented lines continue a value.
func readINI(text string, into map[string]string) {
	section, last := "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		trimmed := strings.TrimLeft(line, " \t")
		switch {
		case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
		case len(trimmed) < len(line) && last != "":
			into[last] = strings.TrimSpace(into[last] + " " + trimmed)
		case trimmed[0] == '[':
			section, last = strings.Trim(trimmed, "[]"), ""
		default:
			at := strings.IndexAny(trimmed, "=:")
			if at < 0 {
				last = ""
				continue
			}
			last = section + "." + strings.ReplaceAll(strings.ToLower(strings.TrimSpace(trimmed[:at])), "_", "-")
			into[last] = strings.TrimSpace(trimmed[at+1:])
		}
	}
}
