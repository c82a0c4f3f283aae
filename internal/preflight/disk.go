package preflight

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/machine"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/report"
)

// wantedSpace is how many bytes should be free where slipway writes. It is what the first build of
// slipway's own image adds to Go's caches, and more than what the images of docs/benchmarks.md
// take in the sandbox.
const wantedSpace = 1 << 30

// place is a directory that slipway writes to.
type place struct{ dir, use, advice string }

// places returns the directories that builds and the sandbox write to.
func places(p *project.Project) []place {
	all := []place{
		{p.Config.Dir, "the sandbox and the cache of images", "delete what you do not need there; slipway sandbox reset deletes the sandbox's images and runs"},
		{os.TempDir(), "temporary files", "free some space, or set TMPDIR to a directory that has more"},
	}
	if dir, err := os.UserCacheDir(); err == nil {
		all = append(all, place{dir, "wheels, programs and compilers' caches", "free some space (uv cache prune, go clean -cache), or set XDG_CACHE_HOME to a directory that has more"})
	}
	return all
}

// Disk checks whether there is free space where slipway writes.
func Disk(p *project.Project) []report.Check { return disk(places(p), machine.Free) }

func disk(all []place, free func(dir string) (bytes uint64, files bool, err error)) []report.Check {
	least, warnings := uint64(0), []report.Check(nil)
	warn := func(at place, format string, args ...any) {
		warnings = append(warnings, report.Check{System: "disk", What: "space", Outcome: report.CheckWarning,
			Detail: fmt.Sprintf(format, args...) + ", where " + at.use + " go", Advice: at.advice})
	}
	for _, at := range all {
		bytes, files, err := free(existing(at.dir))
		switch {
		case err != nil: // writing there says why
		case bytes < wantedSpace:
			warn(at, "%s free in %s: builds may need %s", printer.Bytes(int64(bytes)), at.dir, printer.Bytes(wantedSpace)) //nolint:gosec // it is less than wantedSpace
		case !files:
			warn(at, "no more files can be created in %s: it is out of inodes", at.dir)
		default:
			least = cmp.Or(min(least, bytes), bytes)
		}
	}
	if len(warnings) > 0 || least == 0 {
		return warnings
	}
	return []report.Check{{System: "disk", What: "space", Outcome: report.CheckOK, Detail: printer.Bytes(int64(least)) + " free or more where files go"}} //nolint:gosec // no disk is that large
}

// existing returns the directory itself, or the nearest directory above it that exists.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || filepath.Dir(dir) == dir {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}
