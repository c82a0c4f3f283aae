package debian

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	// alternativesDir is where dpkg keeps what update-alternatives knows, and linksDir where the
	// links are.
	alternativesDir = "/var/lib/dpkg/alternatives"
	linksDir        = "/etc/alternatives"
)

// alternative is a program or a library that may stand for a name. See update-alternatives(1).
type alternative struct {
	// link is the path that is a link to linksDir, name the link there, and path where that leads
	// to.
	link, name, path string
	priority         int
	// slaves are links that change together with this one.
	slaves []alternative
}

// readInstall returns the alternatives that a call of update-alternatives installs.
func readInstall(args []word) ([]alternative, error) {
	var all []alternative
	for n := 0; n < len(args); {
		take := func(count int) ([]string, error) {
			if n+1+count > len(args) {
				return nil, errors.New("update-alternatives without its arguments")
			}
			var texts []string
			for _, w := range args[n+1 : n+1+count] {
				if !w.literal {
					return nil, fmt.Errorf("update-alternatives with %s", w.text)
				}
				texts = append(texts, w.text)
			}
			n += 1 + count
			return texts, nil
		}
		switch args[n].text {
		case "--install":
			v, err := take(4)
			if err != nil {
				return nil, err
			}
			priority, err := strconv.Atoi(v[3])
			if err != nil || !isPath(v[0]) || !isPath(v[2]) || !isLinkName(v[1]) {
				return nil, fmt.Errorf("update-alternatives with %s", strings.Join(v, " "))
			}
			all = append(all, alternative{link: v[0], name: v[1], path: v[2], priority: priority})
		case "--slave":
			v, err := take(3)
			if err != nil {
				return nil, err
			}
			if len(all) == 0 || !isPath(v[0]) || !isPath(v[2]) || !isLinkName(v[1]) {
				return nil, fmt.Errorf("update-alternatives with %s", strings.Join(v, " "))
			}
			last := &all[len(all)-1]
			last.slaves = append(last.slaves, alternative{link: v[0], name: v[1], path: v[2]})
		case "--remove", "--remove-all", "--auto":
			return all, nil // a layer has nothing to remove
		case "--quiet", "--force", "--verbose":
			n++
		default:
			if !args[n].literal && len(all) > 0 { // slaves that a command lists, such as manual pages
				n++
				continue
			}
			return nil, fmt.Errorf("update-alternatives %s", args[n].text)
		}
	}
	return all, nil
}

// isPath reports whether a text is a clean absolute path.
func isPath(text string) bool {
	return strings.HasPrefix(text, "/") && !strings.Contains(text, "//") && !strings.Contains(text+"/", "/../") && !strings.Contains(text+"/", "/./")
}

func isLinkName(text string) bool { return text != "" && !strings.ContainsAny(text, "/\n ") }

// choices is the state of one name: its file in alternativesDir.
type choices struct {
	manual bool
	link   string
	// slaves are the links of the slaves, by name.
	slaves map[string]string
	all    []choice
}

// choice is one of choices. slaves are paths, by the names of the slaves.
type choice struct {
	path     string
	priority int
	slaves   map[string]string
}

// readChoices reads a file of alternativesDir.
func readChoices(text []byte) (*choices, error) {
	lines := strings.Split(string(bytes.TrimRight(text, "\n")), "\n")
	if len(lines) < 2 {
		return nil, errors.New("it is too short")
	}
	c := &choices{manual: lines[0] == "manual", link: lines[1], slaves: map[string]string{}}
	var names []string
	n := 2
	for ; n+1 < len(lines) && lines[n] != ""; n += 2 {
		names = append(names, lines[n])
		c.slaves[lines[n]] = lines[n+1]
	}
	for n++; n+1 < len(lines) && lines[n] != ""; {
		one := choice{path: lines[n], slaves: map[string]string{}}
		var err error
		if one.priority, err = strconv.Atoi(lines[n+1]); err != nil {
			return nil, err
		}
		n += 2
		for _, name := range names {
			if n < len(lines) && lines[n] != "" {
				one.slaves[name] = lines[n]
			}
			n++
		}
		c.all = append(c.all, one)
	}
	return c, nil
}

// add adds an alternative.
func (c *choices) add(a alternative) {
	one := choice{path: a.path, priority: a.priority, slaves: map[string]string{}}
	for _, s := range a.slaves {
		c.slaves[s.name], one.slaves[s.name] = s.link, s.path
	}
	c.link = a.link
	c.all = append(slices.DeleteFunc(c.all, func(had choice) bool { return had.path == a.path }), one)
	slices.SortFunc(c.all, func(a, b choice) int { return strings.Compare(a.path, b.path) })
}

// best returns the choice with the highest priority.
func (c *choices) best() choice {
	return slices.MaxFunc(c.all, func(a, b choice) int { return a.priority - b.priority })
}

// text returns the file of alternativesDir.
func (c *choices) text() []byte {
	var b bytes.Buffer
	b.WriteString("auto\n" + c.link + "\n")
	names := slices.Sorted(maps.Keys(c.slaves))
	for _, name := range names {
		b.WriteString(name + "\n" + c.slaves[name] + "\n")
	}
	b.WriteString("\n")
	for _, one := range c.all {
		fmt.Fprintf(&b, "%s\n%d\n", one.path, one.priority)
		for _, name := range names {
			b.WriteString(one.slaves[name] + "\n")
		}
	}
	b.WriteString("\n")
	return b.Bytes()
}

// alternatives writes the links of the alternatives that the packages install, and their state.
func (w *layerWriter) alternatives(all []*unpacked) error {
	names := map[string]*choices{}
	for _, u := range all {
		for _, a := range u.effects.alternatives {
			if w.base.leavesOut(a.path) {
				continue // such as a manual page; update-alternatives refuses what is not there
			}
			if names[a.name] == nil {
				names[a.name] = &choices{slaves: map[string]string{}}
				if text, ok := w.base.fs.File(alternativesDir + "/" + a.name); ok {
					had, err := readChoices(text)
					if err != nil {
						return &Error{Package: u.control["package"], Message: fmt.Sprintf("the base has a broken %s/%s: %v", alternativesDir, a.name, err), Hint: "use another base", Err: err}
					}
					names[a.name] = had
				}
			}
			names[a.name].add(a)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if err := w.choose(name, names[name]); err != nil {
			return err
		}
	}
	return nil
}

// choose writes the links of one name.
func (w *layerWriter) choose(name string, c *choices) error {
	if !c.manual {
		best := c.best()
		links := map[string][2]string{name: {c.link, best.path}}
		for slave, target := range best.slaves {
			if target != "" && !w.base.leavesOut(target) {
				links[slave] = [2]string{c.slaves[slave], target}
			}
		}
		for _, one := range slices.Sorted(maps.Keys(links)) {
			link := links[one]
			if err := errors.Join(w.symlink("dpkg", link[0], linksDir+"/"+one), w.symlink("dpkg", linksDir+"/"+one, link[1])); err != nil {
				return err
			}
		}
	}
	return w.file(alternativesDir+"/"+name, 0o644, c.text())
}
