package job

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/source"
	components "github.com/slipway-ci/slipway/polyaxon"
)

// File returns the Polyaxonfile or the component that a job names. It is read once per
// command, and must not be changed. Errors are *source.Error, possibly joined.
func File(ctx context.Context, p *project.Project, j *config.Job) (*file.File, error) {
	name := "component " + j.Component
	if j.Component == "" {
		name = p.File(j.Polyaxonfile)
	}
	return p.FileCache.File(name, func() (*file.File, error) { return readFile(ctx, p, j) })
}

func readFile(ctx context.Context, p *project.Project, j *config.Job) (*file.File, error) {
	if j.Component != "" {
		text, err := components.Read(j.Component)
		if err != nil {
			at := p.Config.At(project.Section(j), j.Name, "component")
			return nil, UnknownComponent(at, j.Component)
		}
		return check.Parse("component "+j.Component, text)
	}
	file, err := check.Read(ctx, Reader(p), p.File(j.Polyaxonfile))
	if err != nil {
		if absent := MissingFiles(p, j); absent != nil {
			return nil, absent
		}
	}
	return file, project.WithPosition(p.Config.At(project.Section(j), j.Name, "polyaxonfile"), err)
}

// Reader returns the reader of Polyaxonfiles and of the files and addresses that they
// refer to. It reads each of them once per command. What is planned, hashed into the
// deploy key and sent is therefore what was checked, even hours later.
func Reader(p *project.Project) file.Reader {
	reader := file.Reader{Transport: p.Public, Root: p.Config.Dir, Cache: p.FileCache}
	if repository := p.Config.Repository(); repository != "" {
		reader.Root = repository
	}
	if p.Config.References != nil {
		reader.Hosts = p.Config.References.Hosts
	}
	return reader
}

// MissingFiles returns, joined, a *source.Error for each file that a job names and that does
// not exist, at its position in slipway.yaml. It returns nil if all files exist.
func MissingFiles(p *project.Project, j *config.Job) error {
	var errs []error
	look := func(name string, at ...string) {
		if _, err := os.Stat(p.File(name)); errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, &source.Error{
				Position: p.Config.At(append([]string{project.Section(j), j.Name}, at...)...),
				Message:  name + " not found", Hint: source.SuggestFile(os.DirFS(p.Config.Dir), name, "paths are relative to the directory of slipway.yaml"),
			})
		}
	}
	if j.Polyaxonfile != "" {
		look(j.Polyaxonfile, "polyaxonfile")
	}
	for i, preset := range j.Presets {
		look(preset, "presets", strconv.Itoa(i))
	}
	return errors.Join(errs...)
}

// UnknownComponent returns a *source.Error at a position for the name of a component that does
// not exist. Its hint is the nearest name or the list of all names.
func UnknownComponent(at source.Position, name string) error {
	e := source.Errorf(at, "component %s not found", name)
	e.Hint = source.Suggest(name, "known names are ", components.Names())
	return e
}
