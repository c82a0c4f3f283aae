package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/slipway-ci/slipway/internal/admission"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
)

// surroundings is what the pods of runs find in a cluster.
type surroundings struct {
	// sandbox reports that the runs are on the sandbox. Its Polyaxon knows what this machine has, and
	// nothing there is kept from starting by labels of nodes.
	sandbox bool
	nodes   []corev1.Node
	quotas  []corev1.ResourceQuota
	limits  []corev1.LimitRange
	// unseen is what could not be asked.
	unseen []platform.Unseen
}

// look asks the cluster for everything that the jobs demand, at the same time: for each
// Secret, and once for each other kind that they name. On the sandbox, there are no nodes,
// quotas and limits.
func (d *Deployment) look(ctx context.Context, there *platform.Inventory, wanted []*demand) (*surroundings, error) {
	s := &surroundings{sandbox: d.Embedded}
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
	if !s.sandbox && !slices.ContainsFunc(s.unseen, func(u platform.Unseen) bool { return u.What == "nodes" }) {
		all = admission.Nodes(s.nodes, pods)
	}
	return append(append(all, admission.Limits(s.limits, pods)...), admission.Quotas(s.quotas, s.limits, pods)...)
}

// together returns notes about jobs that run side by side, and together ask for more than
// the namespace has free. Those that run one after the other are in different waves.
func (s *surroundings) together(waves [][]*config.Job, wanted []*demand) []string {
	var notes []string
	for _, wave := range waves {
		var names []string
		var runs [][]admission.Pod
		for _, w := range wanted {
			if pods := podsOf(w.compiled); len(pods) > 0 && slices.ContainsFunc(wave, func(j *config.Job) bool { return j.Name == w.job.Name }) {
				names, runs = append(names, w.job.Name), append(runs, pods)
			}
		}
		for _, text := range admission.Together(s.quotas, s.limits, runs) {
			notes = append(notes, fmt.Sprintf("jobs %s run side by side: %s", strings.Join(names, ", "), text))
		}
	}
	return notes
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
