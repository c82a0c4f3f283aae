package devtools

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/release"
)

// WriteDigests compiles HEAD of the working directory as the release of a tag, which need not
// exist yet, and writes the digests into action/digests.txt. platforms are such as linux/amd64;
// with none, it compiles for all platforms of goreleaser.yaml.
func WriteDigests(ctx context.Context, o Options, tag string, platforms ...string) error {
	if !release.IsTag(tag) {
		return fmt.Errorf("%q is not a version such as v1.2.3 or v1.2.3-rc.1", tag)
	}
	changes, err := output(ctx, "git", "status", "--porcelain")
	if err != nil {
		return err
	}
	if changes != "" {
		return errors.New("the digests are those of a commit, and there are changes that are not committed:\n" + strings.TrimSuffix(changes, "\n"))
	}
	digests, err := release.ReadDigests(".")
	if err != nil {
		return err
	}
	build, err := readBuild("goreleaser.yaml")
	if err != nil {
		return err
	}
	if len(platforms) == 0 {
		platforms = build.platforms()
	}
	dir, err := os.MkdirTemp("", "slipway-digests")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	clone := filepath.Join(dir, "slipway") // without files that git ignores
	if err := run(ctx, o, nil, "git", "clone", "--quiet", ".", clone); err != nil {
		return err
	}
	sources, err := sourcesDigest(ctx, clone)
	if err != nil {
		return err
	}
	programs := map[string]string{}
	for _, platform := range platforms {
		if programs[platform], err = build.digest(ctx, o, clone, tag, platform); err != nil {
			return err
		}
	}
	if err := digests.Replace(tag, sources, platforms, programs).Write("."); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(o.Log, "action/digests.txt has the digests of %s. Next: commit it, and tag that commit %s.\n", tag, tag)
	return nil
}

// checkDigests returns an error unless the sources of the working directory are those of the
// digests of a tag. The programs are compared when goreleaser has built them.
func checkDigests(ctx context.Context, tag string) error {
	digests, err := release.ReadDigests(".")
	if err != nil {
		return err
	}
	sources, err := sourcesDigest(ctx, ".")
	if err != nil {
		return err
	}
	return digests.CheckSources(tag, sources)
}

// goToolchain returns the name of the Go toolchain in go.mod.
func goToolchain(ctx context.Context, dir string) (string, error) {
	text, err := output(ctx, "go", "mod", "edit", "-json", filepath.Join(dir, "go.mod"))
	if err != nil {
		return "", err
	}
	var module struct{ Toolchain string }
	return module.Toolchain, json.Unmarshal([]byte(text), &module)
}

// sourcesDigest returns the digest of the sources in a checkout, as the action computes it.
func sourcesDigest(ctx context.Context, dir string) (string, error) {
	text, err := output(ctx, "bash", filepath.Join(dir, "action", "install.sh"), "sources", dir)
	return strings.TrimSpace(text), err
}

// build is how goreleaser.yaml has slipway compiled.
type build struct {
	Main         string
	Env, Flags   []string
	Ldflags      []string
	Goos, Goarch []string
	Goamd64      []string
	Goarm64      []string
}

// readBuild reads the one build of goreleaser.yaml.
func readBuild(config string) (build, error) {
	text, err := os.ReadFile(config)
	if err != nil {
		return build{}, err
	}
	var all struct{ Builds []build }
	if err := yaml.Unmarshal(text, &all); err != nil {
		return build{}, fmt.Errorf("%s: %w", config, err)
	}
	if len(all.Builds) != 1 {
		return build{}, fmt.Errorf("%s has %d builds", config, len(all.Builds))
	}
	return all.Builds[0], nil
}

// platforms returns all platforms that slipway is compiled for.
func (b build) platforms() (all []string) {
	for _, system := range b.Goos {
		for _, machine := range b.Goarch {
			all = append(all, system+"/"+machine)
		}
	}
	return all
}

// args returns the arguments of the go command that compile the release of a tag.
func (b build) args(tag string) []string {
	ldflags := strings.ReplaceAll(strings.Join(b.Ldflags, " "), "{{ .Version }}", strings.TrimPrefix(tag, "v"))
	return append(append([]string{"build"}, b.Flags...), "-ldflags="+ldflags)
}

// digest compiles the release of a tag for a platform in a checkout, and returns its SHA-256.
func (b build) digest(ctx context.Context, o Options, dir, tag, platform string) (string, error) {
	system, machine, _ := strings.Cut(platform, "/")
	// Not a newer one, if this machine has it: the release workflow takes this, too.
	toolchain, err := goToolchain(ctx, dir)
	if err != nil {
		return "", err
	}
	env := append([]string{"GOTOOLCHAIN=" + toolchain, "GOOS=" + system, "GOARCH=" + machine, "GOFLAGS=", "GOWORK=off", "GOAMD64=" + b.Goamd64[0], "GOARM64=" + b.Goarm64[0]}, b.Env...)
	program, err := filepath.Abs(filepath.Join(dir, "..", "program"))
	if err != nil {
		return "", err
	}
	args := b.args(tag)
	args = append([]string{args[0], "-C", dir}, append(args[1:], "-o", program, b.Main)...)
	if err := run(ctx, o, env, "go", args...); err != nil {
		return "", err
	}
	file, err := os.Open(program)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	return fmt.Sprintf("%x", sum.Sum(nil)), err
}
