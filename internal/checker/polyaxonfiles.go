package checker

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// What a file has at its top that is a Polyaxonfile: a kind that only Polyaxon has, or
// a version of Polyaxonfiles and one of the keys that say what there is to do. Files of
// Polyaxon 0.x have both, and so has one whose kind is misspelt.
var (
	polyaxonKind    = regexp.MustCompile(`(?m)^["']?kind["']?[ \t]*:[ \t]*["']?(?:component|operation)["']?[ \t]*(?:#.*)?$`)
	polyaxonVersion = regexp.MustCompile(`(?m)^["']?version["']?[ \t]*:[ \t]*["']?(?:1(?:\.[0-9]{1,2})?|0\.[0-9]{1,2})["']?[ \t]*(?:#.*)?$`)
	polyaxonKeys    = regexp.MustCompile(`(?m)^["']?(?:kind|run|component|build|hubRef|pathRef|urlRef|isPreset)["']?[ \t]*:`)
	braces          = regexp.MustCompile(`^\s*\{`)
	kindInBraces    = regexp.MustCompile(`["']?kind["']?\s*:\s*["']?(?:component|operation)\b`)
)

// notSearched are the directories that hold what others wrote.
func notSearched(name string) bool {
	return strings.HasPrefix(name, ".") || name == "node_modules" || name == "site-packages"
}

// polyaxonfiles gives path itself when it is a file, and all Polyaxonfiles below
// it when it is a directory: .yml, .yaml and .json files that look like one.
// Directories whose names begin with a dot, and those of installed packages, are
// left out.
func polyaxonfiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, nil //nolint:nilerr // what cannot be read is a finding of its own
	}
	var found []string
	err = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && name == path:
			return err
		case err != nil:
			return nil //nolint:nilerr // what may not be read holds nothing of ours
		case entry.IsDir() && name != path && notSearched(entry.Name()):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		switch strings.ToLower(filepath.Ext(name)) {
		case ".yml", ".yaml", ".json":
			if isPolyaxonfile(name) {
				found = append(found, name)
			}
		}
		return nil
	})
	return found, err
}

// sniffed is how many bytes of a file are looked at.
const sniffed = 64 << 10

func isPolyaxonfile(path string) bool {
	file, err := source.Open(nil, path)
	if err != nil {
		return false
	}
	defer file.Close()
	head, err := io.ReadAll(io.LimitReader(file, sniffed))
	if err != nil || bytes.IndexByte(head, 0) >= 0 {
		return false
	}
	return looksLikePolyaxonfile(head)
}

// looksLikePolyaxonfile tells a Polyaxonfile by the beginning of its text.
func looksLikePolyaxonfile(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	head = bytes.ReplaceAll(head, []byte("\r\n"), []byte("\n"))
	if braces.Match(head) {
		var keys map[string]json.RawMessage
		if json.Unmarshal(head, &keys) != nil {
			return kindInBraces.Match(head)
		}
		var top bytes.Buffer
		for key, value := range keys {
			if top.WriteString(key + ": "); len(value) < 40 {
				top.Write(bytes.ReplaceAll(value, []byte("\n"), []byte(" ")))
			}
			top.WriteString("\n")
		}
		head = top.Bytes()
	}
	return polyaxonKind.Match(head) || polyaxonVersion.Match(head) && polyaxonKeys.Match(head)
}
