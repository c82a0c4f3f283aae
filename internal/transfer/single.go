package transfer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/slipway-ci/slipway/internal/storage"
)

// Copy copies the one file that From names to To. If To is a directory, or ends with a slash, the file
// keeps its name there. A file that is equal already is not copied.
func Copy(ctx context.Context, o Options) (summary *Summary, err error) {
	j := &job{Options: o}
	defer func() { err = errors.Join(err, j.close()) }()
	name, err := j.source(ctx)
	if err != nil {
		return nil, err
	}
	if err := j.destination(ctx, name); err != nil {
		return nil, err
	}
	j.openSums(filepath.Join(o.CacheDir, "cp"))
	from, to := j.from[name], j.to[name]
	if to != nil && from.size == to.size && (from.object != nil) == (to.object != nil || to.info != nil) {
		if same, err := j.equal(ctx, name, from, to); err != nil || same {
			return &Summary{Unchanged: 1}, err
		}
	}
	summary = &Summary{}
	summary.Changes, err = j.do(ctx, []Change{{Name: name, Bytes: from.size}})
	return summary, err
}

// source finds the file to copy, and returns its name.
func (j *job) source(ctx context.Context) (string, error) {
	if j.From.Remote() {
		if j.From.Prefix == "" || strings.HasSuffix(j.From.Prefix, "/") {
			return "", &NameError{j.From.Text, "is not an object: copy more than one with `slipway data sync`"}
		}
		object, err := j.Client.Stat(ctx, j.From.Bucket, j.From.Prefix)
		if storage.Is(err, 404) {
			return "", missingObject(ctx, j.Client, j.From, err)
		}
		if err != nil {
			return "", Explain(ctx, j.Client, err, j.From)
		}
		name := path.Base(object.Name)
		j.from = map[string]*file{name: {size: object.Size, object: object}}
		return name, nil
	}
	info, err := os.Stat(j.From.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", &NameError{j.From.Text, "does not exist"}
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", &NameError{j.From.Text, "is not a file: copy a directory with `slipway data sync`"}
	}
	name := filepath.Base(j.From.Dir)
	j.from = map[string]*file{name: {size: info.Size(), info: info}}
	j.From.Dir = filepath.Dir(j.From.Dir)
	j.fromRoot, err = os.OpenRoot(j.From.Dir)
	return name, err
}

// destination finds what is at the place that the file gets.
func (j *job) destination(ctx context.Context, name string) error {
	j.to = map[string]*file{}
	if j.To.Remote() {
		dir, base := path.Split(j.To.Prefix)
		j.To.Prefix = dir
		if j.as = base; base == "" {
			j.as = name
		}
		full := j.To.Prefix + j.as
		if problem := objectProblem(full); problem != "" {
			return &NameError{full, problem}
		}
		object, err := j.Client.Stat(ctx, j.To.Bucket, full)
		switch {
		case err == nil:
			j.to[name] = &file{size: object.Size, object: object}
		case !storage.Is(err, 404):
			return Explain(ctx, j.Client, err, j.To)
		case base != "":
			return j.noDirectory(ctx, full)
		}
		return nil
	}
	info, err := os.Stat(j.To.Dir)
	if err == nil && info.IsDir() || strings.HasSuffix(j.To.Text, "/") {
		j.as = name
	} else {
		j.as, j.To.Dir = filepath.Base(j.To.Dir), filepath.Dir(j.To.Dir)
	}
	if problem := GitProblem(name); problem != "" && j.From.foreign() && j.as == name {
		return &NameError{j.as, problem + "; give it another name"}
	}
	if problem := fileProblem(j.as); problem != "" {
		return &NameError{j.as, problem}
	}
	if j.From.foreign() {
		if err := j.checkLinksToGit([]string{name}); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(j.To.Dir, 0o755); err != nil {
		return err
	}
	if j.toRoot, err = os.OpenRoot(j.To.Dir); err != nil {
		return err
	}
	info, err = j.toRoot.Stat(j.as)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return &NameError{j.To.Text, "is not a file"}
	case err == nil:
		j.to[name] = &file{size: info.Size(), info: info}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return nil
}

// noDirectory returns a *NameError if objects of the target are in a directory of this name. An object beside them is
// easily overlooked, and no directory of a file system can have both.
func (j *job) noDirectory(ctx context.Context, name string) error {
	for _, err := range j.Client.List(ctx, j.To.Bucket, name+"/", "/") {
		if err != nil {
			return Explain(ctx, j.Client, err, j.To)
		}
		return &NameError{j.To.Text, "is a directory: write " + j.To.Text + "/ to copy into it"}
	}
	return nil
}
