package release

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"
)

// modules are the Python files of a wheel: they find the program and start it.
//
//go:embed python/*.py
var modules embed.FS

// member is a file of a wheel.
type member struct {
	name string
	mode os.FileMode
	open func() (io.ReadCloser, error)
}

// WriteWheel writes the wheel of a program into a directory and returns its path. The root
// of the repository has the license and the README. notices are those of Notices.
//
// The program itself is a script of the wheel, as those of ruff and uv are: installers put
// it on the PATH, and no Python runs when it starts. uvx starts the script that is called
// like the package, so there is one more, of Python, which starts the first.
func (p *Program) WriteWheel(root, dir string, notices []byte) (string, error) {
	parsed, err := parseVersion(p.Version)
	if err != nil {
		return "", err
	}
	platforms, err := p.platforms()
	if err != nil {
		return "", err
	}
	version := parsed.python()
	members, err := p.members(root, version, platforms, notices)
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, fmt.Sprintf("%s-%s-py3-none-%s.whl", distribution, version, strings.Join(platforms, ".")))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	file, err := os.Create(name)
	if err != nil {
		return "", err
	}
	if err := writeArchive(file, members, distribution+"-"+version+".dist-info/RECORD", p.Created); err != nil {
		_ = file.Close()
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	return name, file.Close()
}

// members returns the files of a wheel but its RECORD, which is the last.
func (p *Program) members(root, version string, platforms []string, notices []byte) ([]member, error) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		return nil, err
	}
	own, err := os.ReadFile(filepath.Join(root, "LICENSE"))
	if err != nil {
		return nil, err
	}
	sbom, err := p.SBOM()
	if err != nil {
		return nil, err
	}
	var all []member
	entries, err := modules.ReadDir("python")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		content, err := modules.ReadFile(path.Join("python", entry.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, text(distribution+"/"+entry.Name(), content))
	}
	stem := distribution + "-" + version
	description := "Wheel-Version: 1.0\nGenerator: slipway " + p.Version + "\nRoot-Is-Purelib: false\n"
	for _, platform := range platforms {
		description += "Tag: py3-none-" + platform + "\n"
	}
	info := stem + ".dist-info/"
	return append(all,
		member{name: stem + ".data/scripts/" + p.name(), mode: 0o755, open: func() (io.ReadCloser, error) { return os.Open(p.Path) }},
		text(info+"METADATA", []byte(p.metadata(version, string(readme), []string{"LICENSE", NoticesName}))),
		text(info+"WHEEL", []byte(description)),
		text(info+"entry_points.txt", []byte("[console_scripts]\n"+Distribution+" = "+distribution+".__main__:main\n")),
		text(info+"licenses/LICENSE", own),
		text(info+"licenses/"+NoticesName, notices),
		text(info+"sboms/slipway.spdx.json", sbom),
	), nil
}

// text returns a member that is not executable.
func text(name string, content []byte) member {
	return member{name: name, mode: 0o644, open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
}

// writeArchive writes the members and a RECORD of their hashes. All have the time of the
// commit.
func writeArchive(to io.Writer, members []member, record string, at time.Time) error {
	archive := zip.NewWriter(to)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	var lines strings.Builder
	for _, m := range members {
		sum := sha256.New()
		size, err := m.write(archive, sum, at)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		_, _ = fmt.Fprintf(&lines, "%s,sha256=%s,%d\n", m.name, base64.RawURLEncoding.EncodeToString(sum.Sum(nil)), size)
	}
	lines.WriteString(record + ",,\n")
	if _, err := text(record, []byte(lines.String())).write(archive, io.Discard, at); err != nil {
		return fmt.Errorf("%s: %w", record, err)
	}
	return archive.Close()
}

// write adds the file to an archive and returns its size.
func (m member) write(archive *zip.Writer, sum io.Writer, at time.Time) (int64, error) {
	content, err := m.open()
	if err != nil {
		return 0, err
	}
	defer content.Close()
	header := &zip.FileHeader{Name: m.name, Method: zip.Deflate, Modified: at.UTC()}
	header.SetMode(m.mode)
	to, err := archive.CreateHeader(header)
	if err != nil {
		return 0, err
	}
	return io.Copy(io.MultiWriter(to, sum), content)
}
