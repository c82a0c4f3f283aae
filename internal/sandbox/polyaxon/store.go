package polyaxon

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

// The statuses of a run.
const (
	created       = "created"
	compiled      = "compiled"
	queued        = "queued"
	scheduled     = "scheduled"
	starting      = "starting"
	running       = "running"
	stopping      = "stopping"
	stopped       = "stopped"
	succeeded     = "succeeded"
	failed        = "failed"
	skipped       = "skipped"
	upstream      = "upstream_failed"
	unschedulable = "unschedulable"
	warning       = "warning"
	retrying      = "retrying"
	resuming      = "resuming"
)

func statuses() []string {
	return []string{
		created, "on_schedule", resuming, compiled, queued, scheduled, starting, running, "processing", stopping, warning, unschedulable,
		retrying, "unknown", succeeded, failed, upstream, stopped, skipped, "done",
	}
}

func terminal(status string) bool {
	return slices.Contains([]string{succeeded, failed, upstream, stopped, skipped}, status)
}

// condition is one change of a run's status, as in responses.
type condition struct {
	Type               string    `json:"type"`
	Reason             string    `json:"reason"`
	Status             string    `json:"status"`
	Message            string    `json:"message"`
	LastUpdateTime     time.Time `json:"last_update_time"`
	LastTransitionTime time.Time `json:"last_transition_time"`
}

type original struct {
	UUID string `json:"uuid"`
	Name string `json:"name"`
	Kind string `json:"kind"`
}

// record is a run as it is stored.
type record struct {
	UUID        string         `json:"uuid"`
	Project     string         `json:"project"`
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Kind        string         `json:"kind"`
	Runtime     string         `json:"runtime"`
	Status      string         `json:"status"`
	Pending     string         `json:"pending"`
	ManagedBy   string         `json:"managed_by"`
	Tags        []string       `json:"tags"`
	MetaInfo    map[string]any `json:"meta_info"`
	Inputs      map[string]any `json:"inputs"`
	Outputs     map[string]any `json:"outputs"`
	Content     string         `json:"content"`
	RawContent  string         `json:"raw_content"`
	CreatedAt   time.Time      `json:"created_at"`
	UpdatedAt   time.Time      `json:"updated_at"`
	StartedAt   time.Time      `json:"started_at"`
	FinishedAt  time.Time      `json:"finished_at"`
	Conditions  []condition    `json:"conditions"`
	Original    *original      `json:"original"`
	Lineage     []any          `json:"lineage"`
	Deleted     bool           `json:"deleted"`
	// Pods are what happened to the pods of its attempts.
	Pods []podState `json:"pods,omitempty"`
	// Grants limit what a run that a job submitted may use. They are nil for a run that
	// the user submitted.
	Grants *grants `json:"grants,omitempty"`
	// Submitter is the run whose container submitted this one, or empty.
	Submitter string `json:"submitter,omitempty"`
}

// project is a project as it is stored.
type project struct {
	UUID        string    `json:"uuid"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Tags        []string  `json:"tags"`
	CreatedAt   time.Time `json:"created_at"`
}

// store holds projects and runs, in memory and in one file each on disk.
type store struct {
	dir      string
	now      func() time.Time
	owns     func() bool
	mu       sync.Mutex
	projects map[string]*project
	runs     map[string]*record
	// changed is closed, and replaced, when a run changes.
	changed chan struct{}
}

func openStore(dir string, now func() time.Time, owns func() bool) (*store, error) {
	s := &store{dir: dir, now: now, owns: owns, projects: map[string]*project{}, runs: map[string]*record{}, changed: make(chan struct{})}
	err := load(filepath.Join(dir, "projects"), func(p *project) { s.projects[p.Name] = p })
	if err == nil {
		err = load(filepath.Join(dir, "runs"), func(r *record) { s.runs[r.UUID] = r })
	}
	if err != nil {
		return nil, fmt.Errorf("open the sandbox's Polyaxon: %w", err)
	}
	return s, nil
}

func load[T any](dir string, add func(*T)) error {
	texts, err := disk.Read(dir, "*.json")
	for _, text := range texts {
		value := new(T)
		if json.Unmarshal(text, value) == nil {
			add(value)
		}
	}
	return err
}

func (s *store) save(kind, name string, value any) error {
	if !s.owns() {
		return errors.New("the sandbox's directory was deleted")
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return disk.Write(filepath.Join(s.dir, kind, name+".json"), text, 0o600)
}

// run returns a copy of a run, and whether it exists.
func (s *store) run(uuid string) (record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.runs[uuid]
	if !ok {
		return record{}, false
	}
	return *r, true
}

// change changes a run and stores it.
func (s *store) change(uuid string, change func(*record)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.runs[uuid]
	if !ok {
		return fmt.Errorf("run %s not found", uuid)
	}
	next := *r
	next.Conditions = slices.Clone(r.Conditions)
	before := len(r.Conditions)
	change(&next)
	next.UpdatedAt = s.now()
	err := s.save("runs", uuid, &next)
	if err == nil || next.Status != r.Status || len(next.Conditions) != before {
		s.runs[uuid] = &next // clients see the status of a running run even if the disk does not take it
		s.wake()
	}
	return err
}

// note changes a run in memory. The next change stores it.
func (s *store) note(uuid string, change func(*record)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.runs[uuid]; ok {
		next := *r
		change(&next)
		s.runs[uuid] = &next
		s.wake()
	}
}

// wake tells those who wait for a change of a run. The caller must hold mu.
func (s *store) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// add stores a new run. Its time of creation is set while it becomes visible to others,
// because clients that submit at the same moment must agree on which run is the oldest.
func (s *store) add(r *record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.CreatedAt = s.now()
	r.UpdatedAt = r.CreatedAt
	if err := s.save("runs", r.UUID, r); err != nil {
		return err
	}
	s.runs[r.UUID] = r
	s.wake()
	return nil
}

// replaceProject stores a changed project and moves its runs to its new name.
func (s *store) replaceProject(old string, p *project) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.save("projects", p.Name, p); err != nil {
		return err
	}
	s.projects[p.Name] = p
	if p.Name == old {
		return nil
	}
	for uuid, r := range s.runs {
		if r.Project != old {
			continue
		}
		next := *r
		next.Project = p.Name
		if err := s.save("runs", uuid, &next); err != nil {
			return err
		}
		s.runs[uuid] = &next
	}
	delete(s.projects, old)
	return disk.Remove(filepath.Join(s.dir, "projects", old+".json"))
}

// ofProject returns copies of a project's runs, newest first.
func (s *store) ofProject(name string) []record {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []record
	for _, r := range s.runs {
		if r.Project == name && !r.Deleted {
			list = append(list, *r)
		}
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].CreatedAt.Equal(list[j].CreatedAt) {
			return list[i].UUID > list[j].UUID
		}
		return list[i].CreatedAt.After(list[j].CreatedAt)
	})
	return list
}

// set changes a run's status by the server's rules. Unless forced, nothing changes after
// a final status, and stopping is followed by a final status only. Setting the same
// status again replaces its reason and message.
func (s *store) set(uuid, status, reason, message string, force bool) error {
	return s.change(uuid, func(r *record) { r.set(status, reason, message, force, s.now()) })
}

// report sets a status as a run's operator does. As in Polyaxon, every status after
// `starting` gets the transition time of `starting`.
func (s *store) report(uuid, status, reason, message string) error {
	return s.change(uuid, func(r *record) {
		if !r.set(status, reason, message, false, s.now()) {
			return
		}
		for i := len(r.Conditions) - 1; i >= 0 && r.Conditions[i].Type != resuming; i-- {
			if r.Conditions[i].Type == starting {
				r.Conditions[len(r.Conditions)-1].LastTransitionTime = r.Conditions[i].LastTransitionTime
				return
			}
		}
	})
}

func (r *record) set(status, reason, message string, force bool, now time.Time) bool {
	if !force && (terminal(r.Status) || r.Status == stopping && !terminal(status)) || status == created && r.Status != "" {
		return false
	}
	if n := len(r.Conditions); n > 0 && r.Conditions[n-1].Type == status {
		last := &r.Conditions[n-1]
		last.Reason, last.Message, last.LastUpdateTime = reason, message, now
		return true
	}
	r.Status = status
	r.Conditions = append(r.Conditions, condition{
		Type: status, Reason: reason, Status: "True", Message: message, LastUpdateTime: now, LastTransitionTime: now,
	})
	switch {
	case (status == starting || status == running) && r.StartedAt.IsZero():
		r.StartedAt = now
	case terminal(status):
		r.FinishedAt = now
	}
	return true
}
