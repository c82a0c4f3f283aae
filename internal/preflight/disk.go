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

const (
	// spaceOfBuilds is how many bytes should be free where builds and the sandbox write. It is
	// what the first build of slipway's own image adds to Go's caches, and more than what the
	// images of docs/benchmarks.md take in the sandbox.
	spaceOfBuilds = 1 << 30
	// spaceOfFiles is the same where slipway only writes its own files, such as the records of
	// runs. They have some KB, so that a disk with less than this is as good as full.
	spaceOfFiles = 50 << 20
)

// place is a directory that slipway writes to, and the bytes that should be free there.
type place struct {
	dir, use, advice string
	wanted           uint64
}

// places returns the directories that a deploy of this project writes to.
func places(p *project.Project) []place {
	builds, wanted := len(p.Config.Images) > 0, uint64(spaceOfFiles)
	if builds || p.Config.Sandboxed() {
		wanted = spaceOfBuilds
	}
	all := []place{{p.Config.Dir, "the sandbox, the records of runs and the cache of images", "delete what you do not need there; slipway sandbox reset deletes the sandbox's images and runs", wanted}}
	if !builds {
		return all
	}
	all = append(all, place{os.TempDir(), "temporary files", "free some space, or set TMPDIR to a directory that has more", wanted})
	if dir, err := os.UserCacheDir(); err == nil {
		all = append(all, place{dir, "wheels, programs and compilers' caches", "free some space (uv cache prune, go clean -cache), or set XDG_CACHE_HOME to a directory that has more", wanted})
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
		case bytes < at.wanted:
			warn(at, "%s free in %s: a deploy may need %s", printer.Bytes(int64(bytes)), at.dir, printer.Bytes(int64(at.wanted))) //nolint:gosec // both are small
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
