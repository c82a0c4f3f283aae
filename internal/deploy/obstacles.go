package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/slipway-ci/slipway/internal/admission"
	"github.com/slipway-ci/slipway/internal/checker"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/source"
)

// checkCluster returns an error for each thing that keeps a job from ever starting in the
// cluster, at the line that asks for it. It notes what only delays a job, and once what it
// could not look up.
func (d *Deployment) checkCluster(ctx context.Context, wanted []demand) error {
	there := d.Inventory()
	s, err := d.look(ctx, there, wanted)
	if err != nil {
		return err
	}
	if note := unseenNote(s.unseen); note != "" {
		d.Note(note)
	}
	c := &checker.Checker{Env: d.Env, Project: d.Project, Cluster: there}
	var errs []error
	for _, w := range wanted {
		problems, err := c.Missing(ctx, w.job, w.file, w.compiled)
		errs = append(errs, err)
		for _, problem := range problems {
			if problem.Severity == string(file.SeverityError) {
				errs = append(errs, &source.Error{Position: problem.Position, Message: problem.Message, Hint: problem.Hint})
			}
		}
		whose := strings.TrimSuffix(project.Section(w.job), "s") + " " + w.job.Name
		for _, o := range s.obstacles(podsOf(w.compiled)) {
			found := &source.Error{Position: d.placeOf(w, o.Path), Message: whose + " can never start: " + o.Message, Hint: o.Hint}
			if o.Never {
				errs = append(errs, found)
				continue
			}
			found.Message = whose + " cannot start now: " + o.Message
			d.Note(found.Error())
		}
	}
	return errors.Join(errs...)
}

// surroundings is what the pods of runs find in a cluster.
type surroundings struct {
	nodes  []corev1.Node
	quotas []corev1.ResourceQuota
	limits []corev1.LimitRange
	// unseen is what could not be asked.
	unseen []platform.Unseen
}

// look asks the cluster for everything that the jobs demand, at the same time: for each
// Secret, and once for each other kind that they name. On the sandbox, there are no nodes,
// quotas and limits.
func (d *Deployment) look(ctx context.Context, there *platform.Inventory, wanted []demand) (*surroundings, error) {
	s := &surroundings{}
	var needs []lint.Need
	var pods []admission.Pod
	for _, w := range wanted {
		needs = append(needs, lint.Needs(w.file, w.compiled)...)
		pods = append(pods, podsOf(w.compiled)...)
	}
	var missed []platform.Unseen
	failures := make([]error, 3)
	group, limited := panics.WithContext(ctx)
	group.Go(func() (err error) { missed, err = there.Load(limited, needs); return err })
	if !d.Embedded {
		ask := func(failure *error, request func(context.Context) error) {
			group.Go(func() error {
				soon, cancel := context.WithTimeout(limited, platform.OptionalTimeout)
				defer cancel()
				*failure = request(soon)
				return limited.Err()
			})
		}
		if slices.ContainsFunc(pods, func(p admission.Pod) bool { return p.Asks() }) {
			ask(&failures[0], func(ctx context.Context) (err error) { s.nodes, err = d.Cluster.Nodes(ctx); return err })
		}
		if len(pods) > 0 {
			ask(&failures[1], func(ctx context.Context) (err error) { s.quotas, err = d.Cluster.ResourceQuotas(ctx); return err })
			ask(&failures[2], func(ctx context.Context) (err error) { s.limits, err = d.Cluster.LimitRanges(ctx); return err })
		}
	}
	if err := errors.Join(group.Wait(), ctx.Err()); err != nil {
		return nil, err
	}
	s.unseen = missed
	for i, what := range []string{"nodes", "resource quotas", "limit ranges"} {
		if failures[i] != nil {
			s.unseen = append(s.unseen, platform.Unseen{What: what, Err: failures[i]})
		}
	}
	return s, nil
}

// obstacles returns what keeps the pods of one run from starting.
func (s *surroundings) obstacles(pods []admission.Pod) []admission.Obstacle {
	var all []admission.Obstacle
	if !slices.ContainsFunc(s.unseen, func(u platform.Unseen) bool { return u.What == "nodes" }) {
		all = admission.Nodes(s.nodes, pods)
	}
	return append(append(all, admission.Limits(s.limits, pods)...), admission.Quotas(s.quotas, s.limits, pods)...)
}

// unseenNote returns the note about what could not be looked up, or "".
func unseenNote(unseen []platform.Unseen) string {
	var forbidden, failed, parts []string
	var why error
	for _, u := range unseen {
		if apierrors.IsForbidden(u.Err) {
			forbidden = append(forbidden, u.What)
			continue
		}
		if failed = append(failed, u.What); why == nil {
			why = u.Err
		}
	}
	if len(forbidden) > 0 {
		parts = append(parts, "these credentials may not read "+strings.Join(forbidden, ", "))
	}
	switch {
	case errors.Is(why, context.DeadlineExceeded):
		parts = append(parts, fmt.Sprintf("the cluster did not answer within %s when asked for %s", platform.OptionalTimeout, strings.Join(failed, ", ")))
	case why != nil:
		parts = append(parts, fmt.Sprintf("the cluster could not be asked for %s: %v", strings.Join(failed, ", "), why))
	}
	if len(parts) == 0 {
		return ""
	}
	return "whether the cluster has all that the jobs need was not fully checked: " + strings.Join(parts, "; ")
}

// podsOf returns the pods of a run. It returns none if the run is not compiled, or if its
// pods cannot be read, which is reported elsewhere.
func podsOf(c *compile.Compiled) []admission.Pod {
	if c == nil || c.Schedule() != "" {
		return nil
	}
	run := c.Run()
	var pods []admission.Pod
	for key, template := range c.PodTemplates() {
		p := admission.Pod{Path: []string{"run"}, Count: 1}
		section := run
		if key != "" {
			for _, step := range strings.Split(key, ".") {
				p.Path = append(p.Path, step)
				section, _ = section[step].(map[string]any)
			}
			p.Count = replicas(section["replicas"])
		}
		text, err := json.Marshal(template["spec"])
		if err == nil && json.Unmarshal(text, &p.Spec) == nil {
			pods = append(pods, p)
		}
	}
	slices.SortFunc(pods, func(a, b admission.Pod) int { return slices.Compare(a.Path, b.Path) })
	return pods
}

// replicas returns the number of replicas, which is one when it is left out.
func replicas(value any) int64 {
	switch n := value.(type) {
	case int:
		return int64(n)
	case float64:
		return int64(n)
	}
	return 1
}

// placeOf returns the position of a value of an operation: in slipway.yaml if that sets it,
// and otherwise in the Polyaxonfile.
func (d *Deployment) placeOf(w demand, path []string) source.Position {
	if w.job.GPU != nil && path[len(path)-1] == "nvidia.com/gpu" {
		return d.Config.At(project.Section(w.job), w.job.Name, "gpu")
	}
	if w.job.Component != "" {
		return d.Config.At(project.Section(w.job), w.job.Name, "component")
	}
	if at, found := w.file.Locate(path); found {
		return at
	}
	return d.Config.At(project.Section(w.job), w.job.Name)
}
