package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/state"
	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/transfer"
	"github.com/slipway-ci/slipway/tasks/report"
)

// data is the step that copies the data sets which the jobs need.
type data struct{ *Deployment }

// dataSet is a data set that was compared with where it goes.
type dataSet struct {
	*config.DataSet
	options transfer.Options
	summary *transfer.Summary
}

// checkPlaces returns an error for a data set that goes to a volume which slipway.yaml gives no access to.
func (s data) checkPlaces() error {
	var errs []error
	for _, set := range s.Config.DataOf(s.Jobs...) {
		if to, err := s.place(set.To); err == nil {
			errs = append(errs, platform.NoVolume(s.Project, to, "data", set.Name, "to"))
		}
	}
	return errors.Join(errs...)
}

// place reads an address of slipway.yaml.
func (s data) place(text string) (transfer.Place, error) { return transfer.ParsePlace(text, s.File) }

// compare compares each data set with where it goes, once. It changes nothing. What slipway.yaml names and
// is not there, or may not be read, is a *source.Error.
func (s data) compare(ctx context.Context) error {
	sets := s.Config.DataOf(s.Jobs...)
	if len(sets) == 0 || s.data != nil {
		return nil
	}
	if err := state.Make(s.Config.Dir); err != nil {
		return err
	}
	to := &platform.Volume{Platform: s.Platform, ReadOnly: true}
	defer to.Close(ctx)
	var all []*dataSet
	for _, set := range sets {
		one := &dataSet{DataSet: set}
		if err := s.open(ctx, one); err != nil {
			return err
		}
		s.Event(report.Start, "data", set.Name, "comparing "+set.From+" with "+set.To)
		dry := one.options
		dry.DryRun = true
		var err error
		if one.summary, err = to.Sync(ctx, dry, "data", set.Name, "to"); err != nil {
			return s.explain(ctx, one, err)
		}
		if copied, _, _ := one.summary.Totals(); one.summary.Unchanged == 0 && copied == 0 {
			return source.Errorf(s.Config.At("data", set.Name, "from"), "data.%s.from: %s has no files", set.Name, set.From)
		}
		all = append(all, one)
	}
	s.data = all
	return nil
}

// open finds both places of a data set.
func (s data) open(ctx context.Context, one *dataSet) error {
	from, err := s.place(one.From)
	if err != nil {
		return err
	}
	to, err := s.place(one.To)
	if err != nil {
		return err
	}
	if !from.Remote() {
		if err := s.checkInside(one); err != nil {
			return err
		}
	}
	var client *storage.Client
	if from.Remote() || to.Remote() {
		if client, err = platform.Storage(ctx, s.Project); err != nil {
			return fmt.Errorf("connect to Cloud Storage: %w", err)
		}
	}
	one.options = transfer.Options{
		From: from, To: to, Delete: one.Delete, Exclude: one.Exclude, Digest: true,
		Client: client, CacheDir: state.Dir(s.Config.Dir, "cache", "data"),
	}
	return nil
}

// checkInside returns a *source.Error for a directory that only a link out of the repository reaches. What is not there
// at all is found when it is read.
func (s data) checkInside(one *dataSet) error {
	root, err := os.OpenRoot(s.Config.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if _, err := root.Stat(filepath.FromSlash(one.From)); err == nil {
		return nil
	}
	if _, err := os.Stat(s.File(one.From)); err != nil {
		return nil //nolint:nilerr // it is not there, or may not be read
	}
	e := source.Errorf(s.Config.At("data", one.Name, "from"), "data.%s.from: %q has a link that is absolute or leads out of the repository", one.Name, one.From)
	e.Hint = "copy what is elsewhere to a bucket with `slipway data sync`, and name that"
	return e
}

// explain gives an error the position of what it is about, if it is about what slipway.yaml says.
func (s data) explain(ctx context.Context, one *dataSet, err error) error {
	if errors.As(err, new(*source.Error)) {
		return err
	}
	key, at, text := "from", new(transfer.PlaceError), transfer.Explain(ctx, one.options.Client, err, one.options.To)
	if errors.As(err, &at) && at.Place.Text == one.To {
		key = "to"
	}
	refused := storage.Is(err, 404) || storage.Is(err, 403) || storage.Is(err, 401) || storage.Is(err, 400)
	if !refused && !errors.As(err, new(*transfer.NameError)) {
		return fmt.Errorf("data.%s: %w", one.Name, text)
	}
	return &source.Error{Position: s.Config.At("data", one.Name, key), Message: fmt.Sprintf("data.%s.%s: %v", one.Name, key, text), Err: err}
}

// Plan implements Step.
func (s data) Plan(ctx context.Context, result *report.Result) (changes int, err error) {
	sets := s.Config.DataOf(s.Jobs...)
	if len(sets) == 0 {
		return 0, nil
	}
	if s.Offline || s.NoSecrets != "" {
		for _, set := range sets {
			result.Data = append(result.Data, report.DataSet{Name: set.Name, Action: report.ActionUnknown, From: set.From, To: set.To})
		}
		return len(sets), nil
	}
	if err := s.compare(ctx); err != nil {
		return 0, err
	}
	for _, one := range s.data {
		reported := reportOf(one)
		if reported.Action != report.ActionUnchanged {
			changes++
		}
		result.Data = append(result.Data, reported)
	}
	return changes, nil
}

// Apply implements Step.
func (s data) Apply(ctx context.Context, result *report.Result) error {
	if err := s.compare(ctx); err != nil {
		return ifInterrupted(ctx, err)
	}
	to := &platform.Volume{Platform: s.Platform}
	defer to.Close(ctx)
	for _, one := range s.data {
		if reportOf(one).Action == report.ActionUnchanged {
			result.Data = append(result.Data, reportOf(one))
			s.Event(report.Done, "data", one.Name, fmt.Sprintf("unchanged: %s at %s", printer.Count(one.summary.Unchanged, "file"), one.To))
			continue
		}
		Tell(s.Project, &one.options, one.Name)
		s.Event(report.Start, "data", one.Name, "copying "+one.From+" to "+one.To)
		done, err := to.Sync(ctx, one.options, "data", one.Name, "to")
		if done != nil {
			one.summary = done
			reported := reportOf(one)
			if reported.Action == report.ActionCopy {
				reported.Action = report.ActionCopied
			}
			result.Data = append(result.Data, reported)
		}
		if err != nil {
			s.Event(report.Failed, "data", one.Name, "not complete; the next deploy goes on there")
			return ifInterrupted(ctx, s.explain(ctx, one, err))
		}
		reported := reportOf(one)
		s.Event(report.Done, "data", one.Name, fmt.Sprintf("%d copied (%s), %d deleted, %d unchanged", reported.Copied, printer.Bytes(reported.Bytes), reported.Deleted, reported.Unchanged))
	}
	return nil
}

// reportOf reports what is to do for a data set.
func reportOf(one *dataSet) report.DataSet {
	r := report.DataSet{Name: one.Name, Action: report.ActionUnchanged, From: one.From, To: one.To, Unchanged: one.summary.Unchanged}
	r.Copied, r.Bytes, r.Deleted = one.summary.Totals()
	if len(one.summary.Changes) > 0 {
		r.Action = report.ActionCopy
	}
	return r
}

// dataDigests returns the digests of the data sets, by name. They are part of the deploy keys of the jobs
// that need them.
func (d *Deployment) dataDigests() map[string]string {
	all := map[string]string{}
	for _, one := range d.data {
		all[one.Name] = one.summary.Digest
	}
	return all
}
