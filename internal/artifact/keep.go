package artifact

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/state"
	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/transfer"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// parallel is how many files are copied at once.
const parallel = 4

// Keep copies the artifacts of a job's run that succeeded, and what is there already is not copied again. gate
// is project.GateMet or project.GateFailed, or "" if the job requires nothing. metrics are those of the run with
// MLflow's, or nil for those that Polyaxon has. ended is when the run ended, zero if that is not known: one that was
// resumed since the copy may have left something else. The files are complete before
// the manifest is written. The error is an *exit.ArtifactError, before anything is copied, if a pattern
// matches no file.
func (s *Store) Keep(ctx context.Context, j *config.Job, target run.Target, gate string, requirements []report.Requirement, metrics map[string]float64, ended time.Time) (*report.Kept, error) {
	k := &keeping{Store: s, job: j, target: target, ended: ended, prefix: s.run(j.Name, target.UUID)}
	kept := &report.Kept{Address: s.Address(j.Name, target.UUID), Gate: gate}
	patterns, err := identity(j.Artifacts)
	if err != nil {
		return nil, err
	}
	before, err := s.stat(ctx, k.prefix+manifestName)
	if err != nil {
		return nil, err
	}
	if isKept(before, patterns, gate) && isOf(before, ended) {
		kept.Action, kept.Gate = report.ActionUpToDate, before.Metadata[gateKey]
		kept.Files, _ = strconv.Atoi(before.Metadata[filesKey])
		kept.Bytes, _ = strconv.ParseInt(before.Metadata[bytesKey], 10, 64)
		return kept, nil
	}
	m, err := k.manifest(ctx)
	if err != nil {
		return nil, err
	}
	m.Gate, m.Requirements = gate, requirements
	if len(metrics) > 0 {
		m.Metrics = metrics
	}
	if err := s.mask(m); err != nil {
		return nil, err
	}
	kept.Action, kept.Gate, kept.Files, kept.Bytes = report.ActionCopied, m.Gate, len(m.Files), m.bytes()
	generation := int64(0)
	if before != nil {
		generation = before.Generation
	}
	u, err := m.upload(s.at.Bucket, k.prefix+manifestName, patterns, generation)
	if err != nil {
		return nil, err
	}
	u.Metadata[endedKey] = endOf(ended)
	if _, err := s.client.Upload(ctx, u); err != nil {
		return nil, fmt.Errorf("write the manifest of run %s: %w", target.UUID, transfer.Explain(ctx, s.client, err, s.at))
	}
	s.Report(report.Event{Kind: report.Done, Step: step, Subject: j.Name, Run: target.UUID, Message: fmt.Sprintf("%s, %s, in %s", printer.Count(kept.Files, "file"), printer.Bytes(kept.Bytes), kept.Address)})
	return kept, nil
}

// isKept reports whether a manifest, which may be nil, is for the same artifacts, and says what came of the gate.
func isKept(manifest *storage.Object, patterns, gate string) bool {
	if manifest == nil || manifest.Metadata[patternsKey] != patterns {
		return false
	}
	was := manifest.Metadata[gateKey]
	return was == gate || gate == "" && was != project.GateFailed
}

// endOf returns the end of a run as the metadata of what it has left says it.
func endOf(ended time.Time) string {
	if ended.IsZero() {
		return ""
	}
	return ended.UTC().Format(time.RFC3339Nano)
}

// isOf reports whether an object is of a run that ended then, as far as both are known.
func isOf(o *storage.Object, ended time.Time) bool {
	was := o.Metadata[endedKey]
	return was == "" || ended.IsZero() || was == endOf(ended)
}

// Kept returns what Keep has done, or would have to do, for a run, with ActionCopy for the latter. gate is as for
// Keep, and so is ended. It changes nothing.
func (s *Store) Kept(ctx context.Context, j *config.Job, uuid, gate string, ended time.Time) (*report.Kept, error) {
	kept := &report.Kept{Address: s.Address(j.Name, uuid), Action: report.ActionCopy}
	patterns, err := identity(j.Artifacts)
	if err != nil {
		return nil, err
	}
	there, err := s.stat(ctx, s.run(j.Name, uuid)+manifestName)
	if err == nil && isKept(there, patterns, gate) && isOf(there, ended) {
		kept.Action, kept.Gate = report.ActionUpToDate, there.Metadata[gateKey]
	}
	return kept, err
}

// step is the name of the step in events.
const step = "bucket"

// keeping copies the artifacts of one run.
type keeping struct {
	*Store
	job    *config.Job
	target run.Target
	ended  time.Time
	// prefix begins the names of the run's objects, and there are those that the bucket has.
	prefix string
	there  map[string]*storage.Object

	mu       sync.Mutex
	progress report.Amount
}

// manifest copies the files, and returns the manifest that belongs to them.
func (k *keeping) manifest(ctx context.Context) (*Manifest, error) {
	files, err := run.Artifacts(ctx, k.Polyaxon, k.target)
	if err != nil {
		return nil, fmt.Errorf("list the artifacts of run %s: %w", k.target.UUID, err)
	}
	found, none, err := matching(k.job.Artifacts, files)
	if err != nil {
		return nil, err
	}
	if len(none) > 0 {
		return nil, k.missing(none, files)
	}
	outcome, err := run.Summarize(ctx, k.Polyaxon, k.target, nil)
	if err != nil {
		return nil, fmt.Errorf("get run %s: %w", k.target.UUID, err)
	}
	m := describe(k.Config.Project, k.job.Name, outcome)
	chosen := map[string]bool{}
	for name, paths := range found {
		m.Artifacts[name] = Group{Pattern: k.job.Artifacts[name], Files: paths}
		for _, path := range paths {
			chosen[path] = true
		}
	}
	files = slices.DeleteFunc(files, func(f run.File) bool { return !chosen[f.Path] })
	if m.Files, err = k.copy(ctx, files); err != nil {
		return nil, err
	}
	return m, nil
}

// missing returns the error for patterns that match nothing.
func (k *keeping) missing(names []string, files []run.File) error {
	e := &exit.ArtifactError{Job: k.job.Name, UUID: k.target.UUID}
	for _, name := range names {
		at := k.Config.At(project.Section(k.job), k.job.Name, "artifacts", name)
		e.Missing = append(e.Missing, fmt.Sprintf("%s: %s (%s)", name, k.job.Artifacts[name], at))
	}
	for _, f := range files {
		e.Has = append(e.Has, f.Path)
	}
	return e
}

// copy copies the files that are not in the bucket.
func (k *keeping) copy(ctx context.Context, files []run.File) ([]File, error) {
	err := k.checkNames(files)
	if err == nil && k.SandboxBuckets() {
		err = k.create(ctx)
	}
	if err == nil {
		err = state.Make(k.Config.Dir)
	}
	if err == nil {
		k.there, err = k.list(ctx, k.prefix)
	}
	if err != nil {
		return nil, err
	}
	k.progress = report.Amount{PartsTotal: len(files), Unit: "file"}
	for _, f := range files {
		k.progress.BytesTotal += f.Size
	}
	k.Event(report.Start, step, k.job.Name, fmt.Sprintf("copying %s, %s, to %s", printer.Count(len(files), "file"), printer.Bytes(k.progress.BytesTotal), k.Address(k.job.Name, k.target.UUID)))
	copied := make([]File, len(files))
	group, working := panics.WithContext(ctx)
	group.SetLimit(parallel)
	for n, f := range files {
		group.Go(func() error {
			if working.Err() != nil {
				return working.Err()
			}
			object, err := k.file(working, f)
			if err != nil {
				return fmt.Errorf("copy %s of run %s: %w", f.Path, k.target.UUID, transfer.Explain(working, k.client, err, k.at))
			}
			copied[n] = File{Path: f.Path, Bytes: f.Size, SHA256: object.Metadata[sha256Key], CRC32C: object.Checksum}
			k.advance(0, 1)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		k.Event(report.Failed, step, k.job.Name, "not complete; deploy again to go on")
		return nil, errors.Join(err, ctx.Err())
	}
	return copied, nil
}

// checkNames returns an error for a file that cannot have its name in the bucket.
func (k *keeping) checkNames(files []run.File) error {
	for _, f := range files {
		if f.Path == manifestName {
			return fmt.Errorf("run %s has a file %s, which is the name of the manifest in the bucket: give it another name", k.target.UUID, manifestName)
		}
		if _, err := transfer.ParsePlace("gs://"+k.at.Bucket+"/"+k.prefix+f.Path, k.ResolvePath); err != nil {
			return err
		}
	}
	return nil
}

// advance reports how far the copy is.
func (k *keeping) advance(bytes int64, files int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.progress.Bytes += bytes
	k.progress.Parts += files
	now := k.progress
	k.Report(report.Event{Kind: report.Progress, Step: step, Subject: k.job.Name, Run: k.target.UUID, Amount: &now})
}
