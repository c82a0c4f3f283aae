package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// NoticesName is the name of the file with the licenses of what is linked into the program.
const NoticesName = "THIRD_PARTY_NOTICES"

// terms matches the names of the files of a module that a copy of it must carry.
var terms = lazyregexp.New(`(?i)^(licen[cs]e|copying|notice|patents)([._-].*)?$`)

// Notices returns the licenses and notices of the modules that are linked into the program, and of
// Go itself, as most of them demand of each copy. Modules with the same text share it. root is the
// root of the repository, whose go.sum vouches for the modules. The error names a module without a
// license. Cancelling ctx ends the go command, which may download the modules.
func (p *Program) Notices(ctx context.Context, root string) ([]byte, error) {
	users := map[string][]string{} // of each text
	goroot, err := goCommand(ctx, root, "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	if err := addTerms(users, "Go "+strings.TrimPrefix(p.info.GoVersion, "go"), strings.TrimSpace(string(goroot))); err != nil {
		return nil, err
	}
	directories, err := p.directories(ctx, root)
	if err != nil {
		return nil, err
	}
	for module, dir := range directories {
		if err := addTerms(users, module, dir); err != nil {
			return nil, err
		}
	}
	type part struct{ names, text string }
	var parts []part
	for text, names := range users {
		slices.Sort(names)
		parts = append(parts, part{strings.Join(names, "\n"), text})
	}
	slices.SortFunc(parts, func(a, b part) int { return strings.Compare(a.names+a.text, b.names+b.text) })
	var all strings.Builder
	all.WriteString("This program contains the modules that are listed here, each group under the terms that follow it.\n")
	for _, p := range parts {
		fmt.Fprintf(&all, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), p.names, strings.TrimSpace(p.text))
	}
	return []byte(all.String()), nil
}

// directories returns the directories of the linked modules, by their names and versions.
func (p *Program) directories(ctx context.Context, root string) (map[string]string, error) {
	var wanted []string
	for _, m := range p.info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		wanted = append(wanted, m.Path+"@"+m.Version)
	}
	found := map[string]string{}
	if len(wanted) == 0 {
		return found, nil
	}
	list, err := goCommand(ctx, root, append([]string{"mod", "download", "-json"}, wanted...)...)
	if err != nil {
		return nil, err
	}
	for decoder := json.NewDecoder(strings.NewReader(string(list))); ; {
		var module struct{ Path, Version, Dir string }
		if err := decoder.Decode(&module); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the modules of go mod download: %w", err)
		}
		found[module.Path+" "+module.Version] = module.Dir
	}
}

// addTerms adds the user of each text of terms in a directory.
func addTerms(users map[string][]string, user, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	licensed := false
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !terms.MatchString(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return err
		}
		licensed = licensed || !strings.HasPrefix(strings.ToLower(entry.Name()), "notice")
		users[string(text)] = append(users[string(text)], user)
	}
	if !licensed {
		return fmt.Errorf("%s has no license in %s", user, dir)
	}
	return nil
}

func goCommand(ctx context.Context, dir string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = dir
	output, err := command.Output()
	if failed := new(exec.ExitError); errors.As(err, &failed) {
		return nil, fmt.Errorf("go %s: %w: %s", args[0], err, failed.Stderr)
	}
	return output, err
}
