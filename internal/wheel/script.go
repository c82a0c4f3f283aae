package wheel

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// script is a command that calls a function of a package.
type script struct{ name, module, function string }

var (
	commandName = lazyregexp.New(`^[A-Za-z0-9_][-+.A-Za-z0-9_]*$`)
	dotted      = lazyregexp.New(`^[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)*$`)
)

// parseEntryPoints returns the commands in an entry_points.txt, sorted by name: those of
// the groups console_scripts and gui_scripts, which are equivalent on Linux.
func parseEntryPoints(text string) ([]script, error) {
	var scripts []script
	at := map[string]int{} // by name
	group := ""
	for l := range strings.Lines(text) {
		l = strings.TrimSpace(l)
		if l == "" || l[0] == '#' || l[0] == ';' {
			continue
		}
		if name, ok := strings.CutPrefix(l, "["); ok {
			group = strings.TrimSpace(strings.TrimSuffix(name, "]"))
			continue
		}
		if group != "console_scripts" && group != "gui_scripts" {
			continue
		}
		name, object, ok := strings.Cut(l, "=")
		object, _, _ = strings.Cut(object, "[") // extras
		module, function, found := strings.Cut(object, ":")
		s := script{strings.TrimSpace(name), strings.TrimSpace(module), strings.TrimSpace(function)}
		if !ok || !found || !commandName.MatchString(s.name) || !dotted.MatchString(s.module) || !dotted.MatchString(s.function) {
			return nil, fmt.Errorf("its entry point %q is not a valid command", l)
		}
		if before, twice := at[s.name]; twice {
			scripts[before] = s
			continue
		}
		at[s.name] = len(scripts)
		scripts = append(scripts, s)
	}
	slices.SortFunc(scripts, func(a, b script) int { return strings.Compare(a.name, b.name) })
	return scripts, nil
}

// text returns the Python program of a command.
func (s script) text(python string) []byte {
	object, _, _ := strings.Cut(s.function, ".")
	return fmt.Appendf(nil, "#!%s\n# The command %s: it calls %s of %s.\nfrom %s import %s\n\nif __name__ == \"__main__\":\n    raise SystemExit(%s())\n",
		python, s.name, s.function, s.module, s.module, object, s.function)
}

// shebang returns a wheel's script with the interpreter in its first line, if that line
// begins with #!python. Otherwise it returns false.
func shebang(text []byte, python string) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(text, []byte("#!python"))
	if !ok {
		return nil, false
	}
	first, body, _ := bytes.Cut(rest, []byte("\n"))
	first = bytes.TrimRight(bytes.TrimPrefix(first, []byte("w")), "\r")
	return slices.Concat([]byte("#!"+python), first, []byte("\n"), body), true
}
