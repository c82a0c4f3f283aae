package pipeline

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/tasks/report"
)

// calledAt matches a line of a traceback of Python.
var calledAt = lazyregexp.New(`\bFile "([^"]+)", line ([0-9]{1,9})`)

// raisedAt returns the place of the last call in a traceback of Python that lies in a file
// which slipway put into the image, or the zero Position. The path is that of the file in dir,
// the directory of slipway.yaml. What a Dockerfile copies is not known.
func raisedAt(dir string, of *config.Image, lines []string) report.Position {
	if of == nil || of.NeedsBuildKit() {
		return report.Position{}
	}
	for _, line := range slices.Backward(lines) {
		found := calledAt.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		below, ok := strings.CutPrefix(path.Clean(found[1]), strings.TrimSuffix(path.Clean(of.Workdir), "/")+"/")
		name := filepath.FromSlash(below)
		if !ok || !filepath.IsLocal(name) || !isBelow(below, of.Files) {
			continue
		}
		name = filepath.Join(dir, name)
		if info, err := os.Lstat(name); err != nil || !info.Mode().IsRegular() {
			continue
		}
		number, err := strconv.Atoi(found[2])
		if err != nil {
			continue
		}
		return report.Position{File: name, Line: number}
	}
	return report.Position{}
}

// isBelow reports whether a path is one of the files and directories of an image, or below one.
func isBelow(name string, files []string) bool {
	return slices.ContainsFunc(files, func(file string) bool {
		file = path.Clean(filepath.ToSlash(file))
		return file == "." || name == file || strings.HasPrefix(name, file+"/")
	})
}
