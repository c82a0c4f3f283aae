package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// download downloads the files of a run that has ended, if the options ask for it. If there
// are several runs, each one gets its own directory.
func (p *Pipeline) download(ctx context.Context, job string, e *JobResult) error {
	if p.Download == "" || e.UUID() == "" || !e.Status.Terminal() {
		return nil
	}
	if !p.several {
		_, job, _ = strings.Cut(job, "/") // the name of a matrix run is JOB/NUMBER: keep the number
	}
	directory := filepath.Join(p.ResolvePath(p.Download), filepath.FromSlash(job))
	r, err := p.Polyaxon.Run(ctx, p.Config.Project, e.UUID())
	if err != nil {
		return exit.IfInterrupted(ctx, fmt.Errorf("get run %s: %w", e.UUID(), err))
	}
	files, err := runs.Artifacts(ctx, p.Platform, r, directory)
	if err != nil {
		return exit.IfInterrupted(ctx, err)
	}
	e.described.OutputsAt = project.DisplayPath(filepath.Join(directory, "outputs"))
	p.Report(runs.DownloadEvent(e.UUID(), files, directory))
	return nil
}
