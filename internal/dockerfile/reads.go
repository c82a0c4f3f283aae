package dockerfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/slipway-ci/slipway/internal/exclusion"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/source"
)

// Reading is what a build reads of its context, as far as the Dockerfile says. All paths
// are relative to the tree's root, with slashes.
type Reading struct {
	// Files are the Dockerfile, the .dockerignore file, and all files that an instruction
	// of a built stage copies or mounts.
	Files []string
	// Secrets are files in the image whose names suggest that they contain secrets.
	Secrets []string
	// Excluded are keys and credentials that an instruction would read, but that are not in the
	// context.
	Excluded []string
	// Absent is what the checkout lacks of what an instruction reads.
	Absent image.Absent
}

// Read returns what a build of s reads. It returns an error if the Dockerfile cannot be
// parsed. The caller can ignore that error, because a build reports it better.
func Read(ctx context.Context, s Spec) (*Reading, error) {
	s, err := s.normalized()
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("read the tree of image %s: %w", s.Name, err)
	}
	defer root.Close()
	text, err := source.ReadFile(root, filepath.FromSlash(s.File), maxDockerfile)
	if err != nil {
		return nil, err
	}
	r := &Reading{Files: []string{s.File}}
	ignored, file, err := readIgnored(root, s.File)
	if err != nil {
		return nil, err
	}
	if file != "" {
		r.Files = append(r.Files, file)
	}
	context, left, err := contextOf(ctx, root, ignored, s.Hidden)
	if err != nil {
		return nil, err
	}
	modules := image.EmptyModules(root)
	for _, name := range s.Platforms {
		platform, err := v1.ParsePlatform(name)
		if err != nil {
			return nil, err
		}
		stages, err := stagesOf(s, text, *platform)
		if err != nil {
			return nil, err
		}
		for _, file := range context {
			if !reads(stages, file) {
				continue
			}
			r.Files = append(r.Files, file)
			if image.IsPointer(root, file) {
				r.Absent.Pointers = append(r.Absent.Pointers, file)
			}
		}
		for _, module := range modules {
			if matched, _ := ignored.MatchesOrParentMatches(filepath.FromSlash(module)); !matched && reads(stages, module+"/file") {
				r.Absent.Modules = append(r.Absent.Modules, module)
			}
		}
		for _, file := range left {
			if reads(stages, file) {
				r.Excluded = append(r.Excluded, file)
			}
		}
		r.Secrets = append(r.Secrets, lastStageFiles(stages, slices.DeleteFunc(slices.Clone(context), func(file string) bool { return !exclusion.OftenSecret(file) }))...)
	}
	for _, all := range []*[]string{&r.Files, &r.Secrets, &r.Excluded, &r.Absent.Pointers, &r.Absent.Modules} {
		slices.Sort(*all)
		*all = slices.Compact(*all)
	}
	return r, nil
}

// readIgnored reads the .dockerignore file that BuildKit would use, and returns its path,
// or "" if there is none.
func readIgnored(root *os.Root, dockerfile string) (*patternmatcher.PatternMatcher, string, error) {
	for _, name := range []string{dockerfile + ".dockerignore", ".dockerignore"} {
		file, err := source.Open(root, filepath.FromSlash(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		defer file.Close()
		patterns, err := ignorefile.ReadAll(file)
		if err != nil {
			return nil, "", err
		}
		matcher, err := patternmatcher.New(patterns)
		return matcher, name, err
	}
	matcher, err := patternmatcher.New(nil)
	return matcher, "", err
}

// contextOf returns the files of the context. As left it returns the keys and credentials
// that are left out and that .dockerignore does not exclude; those that are hidden are among them.
func contextOf(ctx context.Context, root *os.Root, ignored *patternmatcher.PatternMatcher, hidden []string) (files, left []string, err error) {
	t := newTree(root)
	t.hidden = hidden
	t.onExcluded = func(at string) {
		if matched, _ := ignored.MatchesOrParentMatches(filepath.FromSlash(at)); !matched {
			left = append(left, at)
		}
	}
	err = t.Walk(ctx, "", func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		matched, err := ignored.MatchesOrParentMatches(at)
		switch {
		case err != nil:
			return err
		case matched && d.IsDir() && !ignored.Exclusions():
			return fs.SkipDir
		case !matched && !d.IsDir():
			files = append(files, filepath.ToSlash(at))
		}
		return nil
	})
	return files, left, err
}

// reads reports whether an instruction of the stages reads a file of the context.
func reads(stages []*stage, file string) bool {
	return slices.ContainsFunc(stages, func(one *stage) bool {
		return slices.ContainsFunc(one.sources, func(t copySource) bool { return t.from == nil && len(t.places(file)) > 0 })
	})
}

// lastStageFiles returns the files that are in the last stage, according to what the stages
// copy from the context and from each other.
func lastStageFiles(stages []*stage, files []string) []string {
	// where has, for each stage and file, the paths of the file in the stage.
	where := map[*stage]map[string][]string{}
	for _, one := range stages {
		has := map[string][]string{}
		where[one] = has
		for _, file := range files {
			has[file] = slices.Clone(where[one.base][file])
			for _, t := range one.sources {
				at := []string{file}
				if t.from != nil {
					at = where[t.from][file]
				}
				for _, place := range at {
					if t.to != "" {
						has[file] = append(has[file], t.places(place)...)
					}
				}
			}
			slices.Sort(has[file])
			has[file] = slices.Compact(has[file])
		}
	}
	last := where[stages[len(stages)-1]]
	return slices.DeleteFunc(slices.Clone(files), func(file string) bool { return len(last[file]) == 0 })
}

// places returns the paths to which a file is copied, given its path at the source. It
// returns none if the file is not copied. If the source is relative to a workdir that only
// the base image defines, the file is taken to be in every directory that is copied.
func (t copySource) places(file string) []string {
	unknown := t.from != nil && !path.IsAbs(file)
	file = path.Clean("/" + file)[1:]
	var all []string
	for _, source := range t.sources {
		root, ok := isBelow(path.Clean("/" + source)[1:], file)
		if !ok && unknown {
			root, ok = path.Dir(file), true
		}
		if !ok || t.excludes(root, file) {
			continue
		}
		rest := strings.TrimPrefix(strings.TrimPrefix(file, root), "/")
		switch {
		case t.parents:
			rest = file
		case rest == "" && strings.HasSuffix(t.to, "/"):
			rest = path.Base(file)
		}
		all = append(all, path.Join(t.to, rest))
	}
	return all
}

// excludes reports whether a pattern of COPY --exclude excludes a file.
func (t copySource) excludes(root, file string) bool {
	if len(t.excluded) == 0 {
		return false
	}
	matcher, err := patternmatcher.New(t.excluded)
	if err != nil {
		return false
	}
	for _, name := range []string{file, strings.TrimPrefix(strings.TrimPrefix(file, root), "/")} {
		if matched, err := matcher.MatchesOrParentMatches(filepath.FromSlash(name)); name != "" && err == nil && matched {
			return true
		}
	}
	return false
}

// isBelow reports whether a file is named by a source of COPY, or is in a directory that it
// names. It returns the path that the source names.
func isBelow(source, file string) (root string, ok bool) {
	if source == "" || source == "." {
		return "", true
	}
	if strings.Contains(source, "**") {
		matcher, err := patternmatcher.New([]string{source})
		if err != nil {
			return "", false
		}
		matched, err := matcher.MatchesOrParentMatches(filepath.FromSlash(file))
		return file, err == nil && matched
	}
	parts := strings.Split(file, "/")
	depth := strings.Count(source, "/") + 1
	if depth > len(parts) {
		return "", false
	}
	root = strings.Join(parts[:depth], "/")
	matched, err := path.Match(source, root)
	return root, err == nil && matched || root == source
}
