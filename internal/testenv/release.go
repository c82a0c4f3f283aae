package testenv

import (
	"path/filepath"
	"testing"
)

// Goreleaser checks that goreleaser is there, which `go run mage.go release` runs.
func Goreleaser(t testing.TB) { component(t, "goreleaser", "goreleaser") }

// Installer returns the path of a program that installs or checks wheels or scripts: uv, uvx,
// twine, check-wheel-contents or shellcheck.
func Installer(t testing.TB, name string) string {
	return component(t, "installers (uv, twine and check-wheel-contents)", filepath.Join("installers", "bin", name))
}
