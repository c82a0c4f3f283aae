package tasks

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var (
	// What a file has at its top that is a Polyaxonfile, by its kind or by its keys.
	polyaxonKind = regexp.MustCompile(`(?m)^["']?kind["']?:\s*["']?(?:component|operation)["']?\s*(?:#.*)?$`)
	polyaxonKeys = regexp.MustCompile(`(?m)^["']?(?:run|component|hubRef|pathRef|urlRef|isPreset)["']?:`)
	polyaxon11   = regexp.MustCompile(`(?m)^["']?version["']?:\s*["']?1\.1["']?\s*(?:#.*)?$`)
	jsonStart    = regexp.MustCompile(`^\s*\{`)
	jsonKind     = regexp.MustCompile(`"kind"\s*:\s*"(?:component|operation)"`)
)

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
		case entry.IsDir() && name != path && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules" || entry.Name() == "site-packages"):
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
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	head, err := io.ReadAll(io.LimitReader(file, sniffed))
	if err != nil || bytes.IndexByte(head, 0) >= 0 {
		return false
	}
	head = bytes.ReplaceAll(head, []byte("\r\n"), []byte("\n"))
	return polyaxonKind.Match(head) || polyaxon11.Match(head) && polyaxonKeys.Match(head) || jsonStart.Match(head) && jsonKind.Match(head)
}
