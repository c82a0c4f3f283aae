package status

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/tasks/report"
)

// lookAtPolyaxon asks the Polyaxon server for its version, and returns the active runs.
func (v *viewer) lookAtPolyaxon(ctx context.Context) []report.Run {
	err := v.joined
	if !v.Embedded {
		err = v.Extend(ctx, platform.Uses{Runs: true})
	}
	if err != nil {
		v.hide(server, "list services", err)
		v.hide(active, "list services", err)
		return nil
	}
	installation, err := v.Polyaxon.Installation(ctx)
	shown := &report.ClusterPolyaxon{Host: v.Polyaxon.Host()}
	if err == nil {
		shown.Version, shown.Dist = installation.Version.String(), installation.Dist
	}
	v.setPolyaxon(shown)
	if err != nil {
		v.hide(server, "", err)
		v.hide(active, "", errors.New("the Polyaxon server did not answer"))
		return nil
	}
	running, err := runs.List(ctx, v.Platform, runs.Query{Active: true})
	if err != nil {
		v.hide(active, "", err)
	}
	return running
}

// setPolyaxon adds what one of two parts has found out about Polyaxon.
func (v *viewer) setPolyaxon(found *report.ClusterPolyaxon) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if p := v.found.Polyaxon; p != nil {
		found.Host, found.Version, found.Dist = cmp.Or(found.Host, p.Host), cmp.Or(found.Version, p.Version), cmp.Or(found.Dist, p.Dist)
		found.Unready = append(found.Unready, p.Unready...)
	}
	v.found.Polyaxon = found
}

// lookAtRelease finds the releases of Helm, how Polyaxon's Deployments are, and the
// Service of MLflow.
func (v *viewer) lookAtRelease(ctx context.Context) {
	if v.Embedded {
		return // the sandbox has no Helm, no Deployments and no MLflow
	}
	releases, unread := v.Cluster.Releases(ctx)
	services, err := v.Cluster.Services(ctx)
	labelled := releasesOf(services)
	if v.asked(mlflow, "list services", err) {
		v.lookAtMLflow(services)
	}
	if unread != nil {
		releases = labelled
	}
	if !apierrors.IsForbidden(unread) || len(labelled) == 0 { // otherwise, labels tell
		v.asked(release, "list secrets", unread)
	}
	for i := range releases {
		v.found.Releases = append(v.found.Releases, reportRelease(&releases[i]))
	}
	at := slices.IndexFunc(releases, func(r cluster.Release) bool { return strings.HasPrefix(r.Chart, "polyaxon") })
	if at < 0 {
		if unread != nil {
			v.hide(deployments, "list secrets", unread)
		}
		return
	}
	all, err := v.Cluster.DeploymentsOf(ctx, releases[at].Name)
	if !v.asked(deployments, "list deployments.apps", err) {
		return
	}
	found := &report.ClusterPolyaxon{}
	for _, d := range all {
		if d.Ready < d.Wanted {
			found.Unready = append(found.Unready, fmt.Sprintf("%s (%d of %d pods ready)", d.Name, d.Ready, d.Wanted))
		}
	}
	v.setPolyaxon(found)
}

// releasesOf returns the releases of Helm that the labels of Services name, by name.
func releasesOf(services []corev1.Service) []cluster.Release {
	var all []cluster.Release
	for i := range services {
		if r, found := cluster.ReleaseByLabels(services[i].Labels); found && !slices.ContainsFunc(all, func(x cluster.Release) bool { return x.Name == r.Name }) {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b cluster.Release) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func reportRelease(r *cluster.Release) report.Release {
	one := report.Release{Name: r.Name, Revision: r.Revision, Status: r.Status, Chart: r.Chart + "-" + r.Version, AppVersion: r.AppVersion}
	if !r.Updated.IsZero() {
		updated := r.Updated.UTC()
		one.Updated = &updated
	}
	return one
}

// lookAtMLflow finds the Service of MLflow. It is no news that there is none, unless
// mlflow.tracking-uri names one.
func (v *viewer) lookAtMLflow(services []corev1.Service) {
	configured := v.MLflowService()
	s, err := v.Cluster.ChooseMLflow(services, configured)
	if err != nil {
		if configured != "" || !errors.As(err, new(*cluster.NoServiceError)) {
			v.hide(mlflow, "", err)
		}
		return
	}
	found := &report.ClusterService{Name: s.Name, Address: s.Name + "." + s.Namespace, Configured: configured != ""}
	if len(s.Spec.Ports) > 0 {
		found.Address += fmt.Sprintf(":%d", s.Spec.Ports[0].Port)
	}
	v.found.MLflow = found
}
