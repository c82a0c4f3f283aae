package status

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/tasks/report"
)

// lookAtConnections finds the connections of Polyaxon's agent, and the volume, which may be
// one of them.
func (v *viewer) lookAtConnections(ctx context.Context) {
	if v.Embedded {
		for _, name := range sandbox.Connections() {
			v.found.Connections = append(v.found.Connections, report.Connection{Name: name})
		}
		v.found.Volume = &report.ClusterVolume{Directory: project.DisplayPath(sandbox.VolumeDir(v.StateDir()))}
		return
	}
	maps, err := v.Cluster.ConfigMaps(ctx)
	all, known, unread := cluster.AgentConnections(maps)
	switch {
	case !v.asked(connections, "list configmaps", err):
	case unread != nil:
		v.hide(connections, "", unread)
	case !known:
		v.hide(connections, "", errors.New("the namespace has no ConfigMap of Polyaxon's agent"))
	}
	for i := range all {
		c := &all[i]
		v.found.Connections = append(v.found.Connections, report.Connection{
			Name: c.Name, Kind: c.Kind, Mount: c.Mount, ReadOnly: c.ReadOnly, Store: c.Store, Secret: c.Secret,
			Source: cmp.Or(c.Claim, c.HostPath, bucket(c.Bucket), address(c.URL)),
		})
	}
	v.lookAtVolume(ctx, all, cmp.Or(err, unread))
}

// address returns the scheme, host and path of a URL. Every other part may be a credential.
func address(text string) string {
	at, err := url.Parse(text)
	if err != nil || at.Host == "" {
		return ""
	}
	return (&url.URL{Scheme: at.Scheme, Host: at.Host, Path: at.Path}).String()
}

// bucket returns the name of a bucket, without the signature or the password that its address
// may have.
func bucket(text string) string {
	text, _, _ = strings.Cut(text, "?")
	scheme, rest, found := strings.Cut(text, "://")
	if user, host, has := strings.Cut(rest, "@"); found && has && strings.Contains(user, ":") {
		return scheme + "://" + host
	}
	return text
}

// lookAtVolume finds the claim behind /polyaxon-v1-data, and how much of it is used. unread
// is why the connections are unknown, or nil.
func (v *viewer) lookAtVolume(ctx context.Context, all []cluster.Connection, unread error) {
	connection, claim := chosen(v.Platform, all)
	if claim == "" && unread != nil {
		v.hide(volume, "list configmaps", unread)
		return
	}
	if claim == "" {
		text := "slipway.yaml names no volume, and the agent has no connection with a claim for " + fill.VolumeMount
		if connection != "" {
			text = "the claim of connection " + connection + " is unknown"
		}
		v.hide(volume, "", errors.New(text))
		return
	}
	found, err := v.Cluster.Claim(ctx, claim)
	v.found.Volume = &report.ClusterVolume{Claim: claim, Connection: connection}
	if !v.asked(volume, "get persistentvolumeclaims", err) {
		return
	}
	shown := v.found.Volume
	if shown.Phase = "missing"; found != nil {
		describe(shown, found)
	}
	if shown.Phase != string(corev1.ClaimBound) {
		return
	}
	node, err := v.Cluster.Mounting(ctx, claim)
	if !v.asked(use, "list pods", err) {
		return
	}
	if node == "" {
		v.hide(use, "", errors.New("no running pod mounts it"))
		return
	}
	used, err := v.Cluster.ClaimUse(ctx, claim, node)
	switch {
	case !v.asked(use, "get nodes/proxy", err):
	case used == nil:
		v.hide(use, "", errors.New("the kubelet of node "+node+" does not report it"))
	default:
		shown.Used, shown.Capacity = &used.Used, &used.Capacity
	}
}

// describe fills in what a claim has or, while it is not bound, what it asks for.
func describe(shown *report.ClusterVolume, claim *corev1.PersistentVolumeClaim) {
	size, modes := claim.Spec.Resources.Requests[corev1.ResourceStorage], claim.Spec.AccessModes
	if claim.Status.Phase == corev1.ClaimBound {
		size, modes = claim.Status.Capacity[corev1.ResourceStorage], claim.Status.AccessModes
	}
	shown.Phase, shown.Size = string(claim.Status.Phase), size.String()
	if claim.Spec.StorageClassName != nil {
		shown.Class = *claim.Spec.StorageClassName
	}
	for _, mode := range modes {
		shown.Access = append(shown.Access, string(mode))
	}
}

// chosen returns the claim that jobs get at /polyaxon-v1-data, and its connection, as far
// as they are known.
func chosen(to *platform.Platform, all []cluster.Connection) (connection, claim string) {
	wanted := fill.VolumeConnection
	if cfg := to.Config.Volume; cfg != nil {
		if cfg.Claim != "" {
			return "", cfg.Claim
		}
		wanted, connection = cfg.Connection, cfg.Connection
	}
	at := slices.IndexFunc(all, func(c cluster.Connection) bool { return c.Name == wanted })
	if at < 0 && connection == "" {
		at = slices.IndexFunc(all, func(c cluster.Connection) bool { return c.Mount == fill.VolumeMount })
	}
	if at < 0 {
		return connection, ""
	}
	return all[at].Name, all[at].Claim
}
