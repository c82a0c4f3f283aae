// Package release makes of a compiled slipway what a release publishes: the wheels that pip
// and uv install, its SBOM, and the provenance of all files. It compares the program with its
// digest in the repository. The same program of the same commit gives the same bytes.
package release

import (
	"crypto/sha256"
	"debug/buildinfo"
	"debug/macho"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/slipway-ci/slipway/internal/attestation"
)

// license is the SPDX expression of slipway's license.
const license = "Apache-2.0"

// Source is what a program was compiled from. The program itself does not name its commit,
// because its digest is part of that commit.
type Source struct {
	// Version is such as v1.2.3, or a pseudo-version for a commit without a tag.
	Version string
	// Revision and Created are those of the commit.
	Revision string
	Created  time.Time
}

// Program is a compiled slipway.
type Program struct {
	Source
	// Path is that of its file.
	Path string
	// Tag is the Git tag of a release: the version, or empty for a commit without a tag.
	Tag string
	// OS and Arch are as in GOOS and GOARCH.
	OS, Arch string
	// SHA256 is the hash of the file, in hexadecimal.
	SHA256 string

	info *debug.BuildInfo
}

// Open reads a program. It returns an error if it was not built as a release is: static, and
// without paths of the machine and the commit.
func Open(path string, from Source) (*Program, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the build information of %s: %w", path, err)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	for key, want := range map[string]string{"CGO_ENABLED": "0", "-trimpath": "true"} {
		if settings[key] != want {
			return nil, fmt.Errorf("%s was built with %s=%s: a release needs %s", path, key, settings[key], want)
		}
	}
	if revision, found := settings["vcs.revision"]; found {
		return nil, fmt.Errorf("%s names the commit %s, and could not have been built before it: build it with -buildvcs=false", path, revision)
	}
	info.Main.Version = from.Version
	p := &Program{Source: from, Path: path, OS: settings["GOOS"], Arch: settings["GOARCH"], info: info}
	if version, err := parseVersion(p.Version); err != nil {
		return nil, err
	} else if version.isTag() {
		p.Tag = p.Version
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return nil, err
	}
	p.SHA256 = fmt.Sprintf("%x", sum.Sum(nil))
	return p, nil
}

// SBOM returns the SPDX document of the program.
func (p *Program) SBOM() ([]byte, error) {
	return attestation.ProgramSBOM(attestation.Program{
		Name: p.name(), Version: p.Version, Platform: p.OS + "/" + p.Arch, SHA256: p.SHA256, License: license,
		Modules: attestation.Modules(p.info), Created: p.Created,
	})
}

// name returns the name under which the program is installed.
func (p *Program) name() string {
	if p.OS == "windows" {
		return "slipway.exe"
	}
	return "slipway"
}

// loadBuildVersion is the load command LC_BUILD_VERSION of Mach-O (mach-o/loader.h). Its
// third word is the platform, and the fourth the oldest release that the program is for:
// 16 bits for the major version, and 8 for the minor one.
const loadBuildVersion = 0x32

// oldestMacOS returns the oldest release of macOS that the program is for, such as 12.0. Go's
// linker has written it into the program.
func (p *Program) oldestMacOS() (major, minor uint32, err error) {
	file, err := macho.Open(p.Path)
	if err != nil {
		return 0, 0, fmt.Errorf("read %s: %w", p.Path, err)
	}
	defer file.Close()
	for _, load := range file.Loads {
		raw := load.Raw()
		if len(raw) >= 16 && binary.LittleEndian.Uint32(raw) == loadBuildVersion {
			version := binary.LittleEndian.Uint32(raw[12:])
			return version >> 16, version >> 8 & 0xff, nil
		}
	}
	return 0, 0, errors.New(p.Path + " does not say which release of macOS it is for")
}
