package polyaxontest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
)

// succeeds follows a run that succeeds, and submits it again.
func (s *suite) succeeds(t *testing.T) {
	first := s.submit(t, "t-a1", "print=hello")
	seen := s.follow(t, first.Run.UUID, polyaxon.Succeeded)
	if !slices.Equal(seen.lines, []string{"hello"}) {
		t.Errorf("it printed %q", seen.lines)
	}
	if last := seen.statuses[len(seen.statuses)-1]; last != polyaxon.Succeeded || !slices.Contains(seen.statuses, polyaxon.Running) {
		t.Errorf("statuses %v", seen.statuses)
	}
	if again := s.submit(t, "t-a1", "print=hello"); again.How != run.UpToDate || again.Run.UUID != first.Run.UUID {
		t.Errorf("submitted again: %v, run %s", again.How, again.Run.UUID)
	}
	told, err := s.Client.Run(s.ctx, project, first.Run.UUID)
	must(t, err)
	if told.Kind != "job" || told.Project != project || told.CreatedAt.IsZero() || told.StartedAt.IsZero() || told.FinishedAt.IsZero() || !strings.Contains(told.Content, "print=hello") {
		t.Errorf("the run is returned as %+v", told)
	}
	s.operatorsTimes(t, told)
	if namespace, err := s.Client.Namespace(s.ctx, project, first.Run.UUID); err != nil || namespace == "" {
		t.Errorf("its namespace is %q, %v", namespace, err)
	}
}

// operatorsTimes checks the times of a run's conditions, which are those that Polyaxon's
// operator posts: starting sets the start of the run, and all later conditions keep its
// transition time.
func (s *suite) operatorsTimes(t *testing.T, told *polyaxon.Run) {
	t.Helper()
	_, conditions, err := s.Client.Statuses(s.ctx, project, told.UUID)
	must(t, err)
	n := slices.IndexFunc(conditions, func(c polyaxon.Condition) bool { return c.Type == polyaxon.Starting })
	if n < 0 || n == len(conditions)-1 {
		t.Fatalf("the conditions are %+v", conditions)
	}
	job := conditions[n]
	if told.StartedAt.After(job.At().Add(2*time.Second)) || n > 0 && told.StartedAt.Before(conditions[n-1].At().Add(-2*time.Second)) {
		t.Errorf("it has started at %s, and its job was made at %s", told.StartedAt, job.At())
	}
	for i, c := range conditions[n+1:] {
		if !c.LastTransitionTime.Equal(job.LastTransitionTime) || c.At().Before(conditions[n+i].At()) {
			t.Errorf("%s came at %s, its transition time is %s, and that of starting %s", c.Type, c.At(), c.LastTransitionTime, job.LastTransitionTime)
		}
	}
	times := run.TimesOf(told, conditions, nil, told.FinishedAt)
	if times.Queued == nil || times.Running == nil || *times.Queued+*times.Running > told.FinishedAt.Sub(told.CreatedAt)+time.Second {
		t.Errorf("its times are %+v", times)
	}
}

// fails follows a run that fails, and submits it again.
func (s *suite) fails(t *testing.T) {
	failed := s.submit(t, "t-a2", "exit=3")
	s.follow(t, failed.Run.UUID, polyaxon.Failed)
	if again := s.submit(t, "t-a2", "exit=3"); again.How != run.Created {
		t.Errorf("a failed run was not submitted anew: %v", again.How)
	}
}

// stopped stops a run.
func (s *suite) stopped(t *testing.T) {
	long := s.submit(t, "t-a3", "sleep=60")
	if again := s.submit(t, "t-a3", "sleep=60"); again.How != run.Attached || again.Run.UUID != long.Run.UUID {
		t.Errorf("an active run was not attached to: %v", again.How)
	}
	must(t, run.Stop(s.ctx, s.Client, s.target(long.Run.UUID)))
	s.follow(t, long.Run.UUID, polyaxon.Stopped)
	must(t, s.Client.Stop(s.ctx, project, long.Run.UUID)) // stopping it again is not an error
}

// clones restarts and copies a run.
func (s *suite) clones(t *testing.T) {
	first := s.create(t, polyaxon.CreateRun{Content: s.operation(nil, "print=first"), Name: "origin", Tags: []string{"a"}, MetaInfo: map[string]any{"origin": "t-b1"}})
	s.follow(t, first.UUID, polyaxon.Succeeded)
	restarted, err := s.Client.Restart(s.ctx, project, first.UUID, polyaxon.CreateRun{MetaInfo: map[string]any{"origin": "t-b2"}})
	must(t, err)
	if seen := s.follow(t, restarted.UUID, polyaxon.Succeeded); !slices.Equal(seen.lines, []string{"first"}) {
		t.Errorf("the restarted run printed %q", seen.lines)
	}
	told, err := s.Client.Run(s.ctx, project, restarted.UUID)
	must(t, err)
	if told.UUID == first.UUID || told.Original == nil || told.Original.UUID != first.UUID || told.Original.Kind != "restart" || told.Name != "origin" || told.MetaInfo["origin"] != "t-b2" {
		t.Errorf("the restarted run is returned as %+v, original %+v", told, told.Original)
	}
	command := `["` + strings.Join(append(append([]string{}, s.Program...), "print=changed"), `","`) + `"]`
	changed, err := s.Client.Restart(s.ctx, project, first.UUID, polyaxon.CreateRun{Name: "changed",
		Content: `{"isPreset":true,"patchStrategy":"replace","runPatch":{"container":{"image":"` + s.Image + `","command":` + command + `}}}`})
	must(t, err)
	if seen := s.follow(t, changed.UUID, polyaxon.Succeeded); !slices.Equal(seen.lines, []string{"changed"}) {
		t.Errorf("the changed run printed %q", seen.lines)
	}
	copied, err := s.Client.Copy(s.ctx, project, first.UUID, polyaxon.CreateRun{})
	must(t, err)
	s.follow(t, copied.UUID, polyaxon.Succeeded)
	if told, err := s.Client.Run(s.ctx, project, copied.UUID); err != nil || told.Original == nil || told.Original.Kind != "copy" {
		t.Errorf("the copy is returned as %+v, %v", told, err)
	}
	var refused *polyaxon.Error
	if _, err := s.Client.Restart(s.ctx, project, first.UUID, polyaxon.CreateRun{Content: "{"}); !errors.As(err, &refused) || refused.Kind != polyaxon.Invalid {
		t.Errorf("a preset that is not YAML: %v", err)
	}
}

// resumed resumes a run that was stopped.
func (s *suite) resumed(t *testing.T) {
	first := s.create(t, polyaxon.CreateRun{Content: s.operation(nil, "sleep=60")})
	s.becomes(t, first.UUID, polyaxon.Running)
	var refused *polyaxon.Error
	if _, err := s.Client.Resume(s.ctx, project, first.UUID); !errors.As(err, &refused) || refused.Kind != polyaxon.Invalid || !strings.Contains(err.Error(), "running") {
		t.Errorf("an active run was resumed: %v", err)
	}
	must(t, s.Client.Stop(s.ctx, project, first.UUID))
	s.becomes(t, first.UUID, polyaxon.Stopped)
	resumed, err := s.Client.Resume(s.ctx, project, first.UUID)
	must(t, err)
	if resumed.UUID != first.UUID {
		t.Errorf("run %s was resumed as %s", first.UUID, resumed.UUID)
	}
	s.becomes(t, first.UUID, polyaxon.Running)
	must(t, s.Client.Stop(s.ctx, project, first.UUID))
	s.becomes(t, first.UUID, polyaxon.Stopped)
}

// approved approves runs that wait for approval or for an upload, and skips one.
func (s *suite) approved(t *testing.T) {
	waits := func(r polyaxon.CreateRun) string {
		t.Helper()
		created := s.create(t, r)
		told, err := s.Client.Run(s.ctx, project, created.UUID)
		must(t, err)
		if told.Pending == "" || told.Status != polyaxon.Created && told.Status != polyaxon.Compiled {
			t.Errorf("the run does not wait: %s, pending %q", told.Status, told.Pending)
		}
		return created.UUID
	}
	own := func(operation, _, _ map[string]any) { operation["isApproved"] = false }
	for name, r := range map[string]polyaxon.CreateRun{
		"a request that says so":    {Content: s.operation(nil, "print=go"), Pending: "approval"},
		"an operation that says so": {Content: s.operation(own, "print=go")},
		"an upload":                 {Content: s.operation(nil, "print=go"), Pending: "upload"},
	} {
		uuid := waits(r)
		if r.Pending == "upload" {
			must(t, s.Client.Upload(s.ctx, s.artifact(uuid, "uploads/code.txt"), []byte("code")))
		}
		must(t, s.Client.Approve(s.ctx, project, uuid))
		if seen := s.follow(t, uuid, polyaxon.Succeeded); !slices.Equal(seen.lines, []string{"go"}) {
			t.Errorf("%s: it printed %q", name, seen.lines)
		}
		must(t, s.Client.Approve(s.ctx, project, uuid)) // nothing is left to approve
	}
	uuid := waits(polyaxon.CreateRun{Content: s.operation(nil, "print=never"), Pending: "approval"})
	if s.Version.Major == 1 {
		if err := s.Client.Skip(s.ctx, project, uuid); err == nil {
			t.Error("a server of 1.x skipped a run")
		}
		must(t, s.Client.Stop(s.ctx, project, uuid))
		s.becomes(t, uuid, polyaxon.Stopped)
		return
	}
	must(t, s.Client.Skip(s.ctx, project, uuid))
	s.becomes(t, uuid, polyaxon.Skipped)
}

// deleted deletes a run, also while it is followed.
func (s *suite) deleted(t *testing.T) {
	doomed := s.submit(t, "t-a5", "sleep=60")
	must(t, s.Client.Delete(s.ctx, project, doomed.Run.UUID))
	must(t, s.Client.Delete(s.ctx, project, doomed.Run.UUID))
	if found, err := run.Find(s.ctx, s.Client, run.Submission{Project: project, Name: "contract", Key: "t-a5"}); err != nil || found != nil {
		t.Errorf("found %v, %v", found, err)
	}
	if _, err := s.Client.Run(s.ctx, project, doomed.Run.UUID); !polyaxon.IsNotFound(err) {
		t.Errorf("a deleted run is returned: %v", err)
	}
	// A run, or its project, may be deleted while the run is followed.
	deleted := s.submit(t, "t-a7", "sleep=60")
	gone := make(chan error, 1)
	go func() {
		_, err := run.Follow(s.ctx, s.Client, s.target(deleted.Run.UUID), run.FollowOptions{Logs: true}, &sink{})
		gone <- err
	}()
	must(t, s.Client.Delete(s.ctx, project, deleted.Run.UUID))
	if err := <-gone; !polyaxon.IsNotFound(err) {
		t.Errorf("a deleted run was followed to %v", err)
	}
	must(t, s.Client.EnsureProject(s.ctx, "doomed"))
	inside, err := s.Client.CreateRun(s.ctx, "doomed", polyaxon.CreateRun{Content: s.operation(nil, "sleep=60")})
	must(t, err)
	target := s.target(inside.UUID)
	target.Project = "doomed"
	ended := make(chan error, 1)
	go func() {
		_, err := run.Follow(s.ctx, s.Client, target, run.FollowOptions{Logs: true}, &sink{})
		ended <- err
	}()
	must(t, s.Client.DeleteProject(s.ctx, "doomed"))
	if err := <-ended; !polyaxon.IsNotFound(err) {
		t.Errorf("the run of a deleted project was followed to %v", err)
	}
}

// found searches, sorts and pages runs.
func (s *suite) found(t *testing.T) {
	for _, name := range []string{"find-1", "find-2", "find-3"} {
		created := s.create(t, polyaxon.CreateRun{Content: s.operation(nil, "print=x"), Name: name, MetaInfo: map[string]any{"find": "t-c1"}})
		s.follow(t, created.UUID, polyaxon.Succeeded)
	}
	names := func(q polyaxon.Query) string {
		t.Helper()
		runs, count, err := s.Client.Runs(s.ctx, project, q)
		must(t, err)
		var all []string
		for _, r := range runs {
			all = append(all, r.Name)
		}
		if count < len(all) {
			t.Errorf("%+v: %d of %d", q, len(all), count)
		}
		return strings.Join(all, " ")
	}
	for want, q := range map[string]polyaxon.Query{
		"find-3 find-2 find-1": {Query: "meta_info.find:t-c1", Sort: "-created_at"},
		"find-1 find-2 find-3": {Query: "meta_info.find:t-c1,status:succeeded", Sort: "created_at"},
		"find-2":               {Query: "name:find-2"},
		"find-3 find-1":        {Query: "meta_info.find:t-c1,name:~find-2", Sort: "-created_at"},
		"find-1 ":              {Query: "meta_info.find:t-c1", Sort: "-created_at", Limit: 1, Offset: 2},
		"find-1 find-2":        {Query: "meta_info.find:t-c1,name:find-1|find-2", Sort: "created_at"},
		"":                     {Query: "meta_info.find:t-other"},
	} {
		if got := names(q); got != strings.TrimSpace(want) {
			t.Errorf("%+v finds %q, want %q", q, got, want)
		}
	}
	for _, q := range []polyaxon.Query{{Query: "bogus:1"}} {
		var refused *polyaxon.Error
		if _, _, err := s.Client.Runs(s.ctx, project, q); !errors.As(err, &refused) || refused.Kind != polyaxon.Invalid || len(refused.Messages) == 0 {
			t.Errorf("%+v: %v", q, err)
		}
	}
	if _, _, err := s.Client.Runs(s.ctx, "nowhere", polyaxon.Query{}); !polyaxon.IsNotFound(err) {
		t.Errorf("the runs of no project: %v", err)
	}
}

// race submits the same operation concurrently. Exactly one run must result.
func (s *suite) race(t *testing.T) {
	results := make(chan *run.Submitted, 4)
	errs := make(chan error, 4)
	for range 4 {
		go func() {
			submitted, err := run.Submit(s.ctx, s.Client, run.Submission{Project: project, Name: "race", Content: s.operation(nil, "sleep=60"), Key: "t-a6"})
			results <- submitted
			errs <- err
		}()
	}
	winners := map[string]bool{}
	for range 4 {
		must(t, <-errs)
		winners[(<-results).Run.UUID] = true
	}
	if len(winners) != 1 {
		t.Errorf("%d runs won: %v", len(winners), winners)
	}
	for uuid := range winners {
		must(t, s.Client.Stop(s.ctx, project, uuid))
	}
}
