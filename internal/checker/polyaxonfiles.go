package checker

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/source"
)

// skipDir reports whether a directory of this name is skipped: a hidden directory, or
// one of installed packages.
func skipDir(name string) bool {
	return strings.HasPrefix(name, ".") || name == "node_modules" || name == "site-packages"
}

// polyaxonfiles returns path itself if it is a file, and all Polyaxonfiles below it if it
// is a directory. Those are the .yml, .yaml and .json files that look like Polyaxonfiles.
// It skips directories whose names begin with a dot and those of installed packages.
func polyaxonfiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, nil //nolint:nilerr // a path that cannot be read is reported as a finding
	}
	var found []string
	err = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && name == path:
			return err
		case err != nil:
			return nil //nolint:nilerr // files and directories that cannot be read are skipped
		case entry.IsDir() && name != path && skipDir(entry.Name()):
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

// sniffLen is how many bytes at the beginning of a file are searched for keys.
const sniffLen = 64 << 10

// isPolyaxonfile reports whether the file at path looks like a Polyaxonfile. It returns
// false for binary files and for files that cannot be read.
func isPolyaxonfile(path string) bool {
	opened, err := source.Open(nil, path)
	if err != nil {
		return false
	}
	defer opened.Close()
	head, err := io.ReadAll(io.LimitReader(opened, sniffLen))
	if err != nil || bytes.IndexByte(head, 0) >= 0 {
		return false
	}
	return file.Recognize(head)
}
