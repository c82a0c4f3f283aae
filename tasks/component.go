package tasks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/source"
	components "github.com/slipway-ci/slipway/polyaxon"
	"github.com/slipway-ci/slipway/tasks/report"
)

// ComponentList lists the components that come with slipway, with their descriptions.
func ComponentList(_ context.Context, _ *Env) (*Result, error) {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, name := range components.Names() {
		content, err := components.Read(name)
		if err != nil {
			return nil, err
		}
		file, err := check.Parse("component "+name, content)
		if err != nil {
			return nil, err
		}
		description, _ := file.Root()["description"].(string)
		fmt.Fprintf(table, "%s\t%s\n", name, description)
	}
	if err := table.Flush(); err != nil {
		return nil, err
	}
	return &report.Result{Command: "component list", Text: text.String()}, nil
}

// ComponentShowOptions are the options of ComponentShow.
type ComponentShowOptions struct {
	// Name is the name of the component.
	Name string `arg:"NAME" complete:"component"`
}

// ComponentShow returns the text of a component that comes with slipway.
func ComponentShow(_ context.Context, _ *Env, o ComponentShowOptions) (*Result, error) {
	result := &report.Result{Command: "component show"}
	text, err := components.Read(o.Name)
	if err != nil {
		return result, job.UnknownComponent(source.Position{}, o.Name)
	}
	result.Text = string(text)
	return result, nil
}

// ComponentEjectOptions are the options of ComponentEject.
type ComponentEjectOptions struct {
	// Name is the name of the component.
	Name string `arg:"NAME" complete:"component"`
	// Path is the file to write, relative to env.Dir. If it is empty, it is polyaxon/NAME.yml.
	Path string `arg:"[PATH]" help:"write the component to this file"`
}

// ComponentEject writes a component that comes with slipway into the repository, so that it
// can be changed there. It never overwrites an existing file.
func ComponentEject(_ context.Context, env *Env, o ComponentEjectOptions) (*Result, error) {
	name, path := o.Name, o.Path
	opened, err := env.project()
	if err != nil {
		return nil, err
	}
	result := opened.Result("component eject")
	text, err := components.Read(name)
	if err != nil {
		return result, job.UnknownComponent(source.Position{}, name)
	}
	if path == "" {
		path = filepath.Join("polyaxon", name+".yml")
	}
	shown := path
	path = opened.ResolvePath(path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return result, fmt.Errorf("write component %s: %w", name, err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return result, &source.Error{Position: source.Position{File: shown}, Message: "already exists, and is not overwritten", Hint: "choose another path: slipway component eject " + name + " PATH"}
	}
	if err != nil {
		return result, fmt.Errorf("write component %s: %w", name, err)
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err != nil {
		return result, fmt.Errorf("write component %s: %w", name, err)
	}
	opened.Event(report.Done, "eject", name, shown+"; refer to it by polyaxonfile instead of component")
	return result, nil
}
