package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/mlflow"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
	"github.com/slipway-ci/slipway/tasks/report"
)

const (
	// mlflowLimit is how long MLflow is asked each time. Gates judge its metrics, so that a busy server gets its time.
	mlflowLimit = 30 * time.Second
	// experimentLimit is how long it may take a service to create an experiment. It is the first request to
	// a server that has just started, which loads much of itself then.
	experimentLimit = time.Minute
	// silence is for how long MLflow is not asked again after it has not answered in time. The runs of a large
	// matrix would wait for it one after the other.
	silence = time.Minute
	// maxMLflow is how many runs of MLflow are read for a run, or for several of a job.
	maxMLflow = 2000
	// maxAlone is how many runs of a job are asked for one by one, if the job has more than maxMLflow.
	maxAlone = 100
)

// MLflow is the tracking server of slipway.yaml, as one command asks it. That it does not answer is a warning
// and changes nothing else. The same warning is given once.
type MLflow struct {
	*platform.Platform

	mu     sync.Mutex
	warned map[string]bool
	// silent is until when MLflow is not asked again.
	silent time.Time
}

// NewMLflow returns the tracking server of slipway.yaml, or nil if it has none.
func NewMLflow(to *platform.Platform) *MLflow {
	if to.Config.MLflow == nil {
		return nil
	}
	return &MLflow{Platform: to, warned: map[string]bool{}}
}

// Add adds MLflow's runs and their metrics to runs of a job. It waits for at most 30 s. A metric that a run has
// counts, also if its value is not finite. If MLflow cannot be asked, the runs say so in Unread. m may be nil.
func (m *MLflow) Add(ctx context.Context, job string, all ...*report.Run) {
	if m == nil || len(all) == 0 || !m.tracks(job) {
		return
	}
	unread := func(why error) {
		for _, r := range all {
			r.Unread = append(r.Unread, "MLflow cannot be read: "+why.Error())
		}
	}
	if m.isSilent() {
		unread(&noAnswerError{mlflowLimit})
		return
	}
	var found []mlflow.Run
	var page string
	err := askMLflow(ctx, m.Platform, mlflowLimit, func(ctx context.Context, t *trackingServer) (err error) {
		page = t.page
		found, err = m.search(ctx, t, job, all)
		return err
	})
	if err != nil {
		m.warn(ctx, job, "MLflow's runs and metrics are not shown: ", err)
		unread(err)
		return
	}
	for n := range found {
		for _, warning := range found[n].Warnings {
			m.warn(ctx, job, "", errors.New(warning))
		}
	}
	for _, r := range all {
		if r.UUID != "" {
			include(r, page, slices.DeleteFunc(slices.Clone(found), func(one mlflow.Run) bool { return one.Tags[fill.MLflowRunTag] != r.UUID }))
		}
	}
}

// search returns MLflow's runs of runs of a job. Several are found by one question. If the job has too many for that,
// those that it did not find are asked for one by one.
func (m *MLflow) search(ctx context.Context, t *trackingServer, job string, all []*report.Run) ([]mlflow.Run, error) {
	alone := func(r *report.Run) ([]mlflow.Run, error) {
		found, _, err := t.client.Runs(ctx, map[string]string{fill.MLflowRunTag: r.UUID}, maxMLflow)
		return found, err
	}
	if len(all) == 1 {
		return alone(all[0])
	}
	found, more, err := t.client.Runs(ctx, map[string]string{fill.MLflowProjectTag: m.Config.Project, fill.MLflowJobTag: job}, maxMLflow)
	if err != nil || !more {
		return found, err
	}
	missing := slices.DeleteFunc(slices.Clone(all), func(r *report.Run) bool {
		return r.UUID == "" || slices.ContainsFunc(found, func(one mlflow.Run) bool { return one.Tags[fill.MLflowRunTag] == r.UUID })
	})
	for n, r := range missing {
		if n >= maxAlone {
			r.Unread = append(r.Unread, "MLflow has too many runs")
			continue
		}
		of, err := alone(r)
		if err != nil {
			return nil, err
		}
		found = append(found, of...)
	}
	if left := len(missing) - maxAlone; left > 0 {
		m.warn(ctx, job, "", fmt.Errorf("MLflow has too many runs of %s: those of %d of its runs are not shown, with their metrics", job, left))
	}
	return found, nil
}

// include adds runs of MLflow, oldest first, to the run that has made them. The metrics of the newest one count,
// and those of a run that is nested in another only after those of all others.
func include(r *report.Run, page string, found []mlflow.Run) {
	for n := range found {
		one := report.MLflowRun{ID: found[n].ID, Name: found[n].Name, Experiment: found[n].Experiment, Nested: found[n].Nested(), Metrics: found[n].Metrics}
		if page != "" {
			one.Address = found[n].Page(page)
		}
		r.MLflow = append(r.MLflow, one)
	}
	slices.Reverse(found)
	slices.SortStableFunc(found, func(a, b mlflow.Run) int { return cmp.Compare(nesting(&a), nesting(&b)) })
	for n := range found {
		for name, value := range found[n].Metrics {
			if _, known := r.Metrics[name]; known || slices.Contains(r.NotFinite, name) {
				continue
			}
			if r.Metrics == nil {
				r.Metrics = map[string]float64{}
			}
			r.Metrics[name] = value
		}
		for _, name := range found[n].NotFinite {
			if _, known := r.Metrics[name]; !known && !slices.Contains(r.NotFinite, name) {
				r.NotFinite = append(r.NotFinite, name)
			}
		}
	}
	slices.Sort(r.NotFinite)
}

func nesting(r *mlflow.Run) int {
	if r.Nested() {
		return 1
	}
	return 0
}

// CreateExperiment creates the experiment of slipway.yaml, unless it is there. Runs that start together would
// each create it, and MLflow's client ends all of them but one. It waits for at most 1 min for a service of
// slipway.yaml, and otherwise 30 s.
func (m *MLflow) CreateExperiment(ctx context.Context) {
	name, limit := m.Config.MLflow.Experiment, mlflowLimit
	if name == "" {
		return
	}
	if m.Config.MLflow.Service() != "" {
		limit = experimentLimit
	}
	err := askMLflow(ctx, m.Platform, limit, func(ctx context.Context, t *trackingServer) error { return t.client.CreateExperiment(ctx, name) })
	switch {
	case errors.As(err, new(*mlflow.DeletedError)):
		m.warn(ctx, name, "MLflow's experiment "+name+" cannot be used, and runs that report to it fail: ", err)
	case err != nil:
		m.warn(ctx, name, "MLflow's experiment "+name+" cannot be created, and runs that start together may fail: ", err)
	}
}

// tracks reports whether runs of this name can have runs of MLflow. They need not be jobs of slipway.yaml.
func (m *MLflow) tracks(job string) bool {
	for _, j := range []*config.Job{m.Config.Jobs[job], m.Config.Services[job]} {
		if j != nil {
			return m.Config.MLflow.Tracks(j)
		}
	}
	return true
}

func (m *MLflow) isSilent() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Now().Before(m.silent)
}

// warn reports what MLflow does not do, and why, unless that was reported.
func (m *MLflow) warn(ctx context.Context, subject, what string, why error) {
	if ctx.Err() != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if errors.As(why, new(*noAnswerError)) {
		m.silent = m.Now().Add(silence)
	}
	if message := what + why.Error(); !m.warned[message] {
		m.warned[message] = true
		m.Report(report.Event{Kind: report.Warning, Step: "mlflow", Subject: subject, Message: message})
	}
}
