package cli

import (
	"os"
	"runtime/debug"
)

// Version returns the version of slipway that this program was built from. Builds without a
// version are identified by the modification time of the executable, so that a sandbox
// started by an older build is detected.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Path == module && info.Main.Version != "" && info.Main.Version != "(devel)" {
			return info.Main.Version
		}
		for _, dependency := range info.Deps {
			if dependency.Path == module {
				return dependency.Version
			}
		}
	}
	if executable, err := os.Executable(); err == nil {
		if info, err := os.Stat(executable); err == nil {
			return "devel-" + info.ModTime().UTC().Format("20060102T150405.000")
		}
	}
	return "devel"
}

// version is that of a release, which the linker writes here (goreleaser.yaml). A release names
// no commit in the program, and so the go command writes no version.
var version string

const module = "github.com/slipway-ci/slipway"
