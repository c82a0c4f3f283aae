package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/report"
)

// compared reports a claim that is there, and warns of each difference from slipway.yaml.
func (s volume) compared(ctx context.Context, there *corev1.PersistentVolumeClaim) report.Volume {
	size := there.Spec.Resources.Requests[corev1.ResourceStorage]
	if has := there.Status.Capacity[corev1.ResourceStorage]; has.Cmp(size) > 0 {
		size = has
	}
	var modes []string
	for _, mode := range there.Spec.AccessModes {
		modes = append(modes, string(mode))
	}
	reported := report.Volume{Claim: there.Name, Action: report.ActionUnchanged, Size: size.String(), Access: strings.Join(modes, ","), Class: classOf(there), Status: string(there.Status.Phase)}
	n := s.newClaim()
	differs := func(key, format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		reported.Action = report.ActionDiffers
		reported.Differences = append(reported.Differences, text)
		e := &source.Error{Position: s.Config.At("volume", "create", key), Message: text}
		s.Event(report.Warning, "volume", there.Name, e.Error())
	}
	if size.Cmp(n.Size) < 0 {
		differs("size", "volume claim %s has %s, and slipway.yaml asks for %s: %s", n.Name, size.String(), n.Size.String(), s.growing(ctx, there, n))
	}
	if !slices.Contains(there.Spec.AccessModes, n.Access) {
		differs("access", "volume claim %s has the access mode %s, and slipway.yaml asks for %s: Kubernetes never changes it; create a claim with another name, and copy the data", n.Name, reported.Access, n.Access)
	}
	if n.Class != "" && reported.Class != n.Class {
		differs("class", "volume claim %s has the storage class %q, and slipway.yaml asks for %q: Kubernetes never changes it; create a claim with another name, and copy the data", n.Name, reported.Class, n.Class)
	}
	return reported
}

// growing says how a claim can be made larger. slipway does not do it, because that can
// never be undone.
func (s volume) growing(ctx context.Context, there *corev1.PersistentVolumeClaim, n cluster.NewClaim) string {
	command := fmt.Sprintf(`kubectl -n %s patch pvc %s -p '{"spec":{"resources":{"requests":{"storage":"%s"}}}}'`, s.Cluster.Namespace, n.Name, n.Size.String())
	switch class, _ := s.class(ctx, there); {
	case class == nil:
		return "if its storage class allows it, grow it with " + command
	case class.Grows:
		return "grow it with " + command
	}
	return "its storage class does not allow claims to grow; create a claim with another name, and copy the data"
}

// class returns the storage class of a claim, or nil if it has none.
func (s volume) class(ctx context.Context, claim *corev1.PersistentVolumeClaim) (*cluster.StorageClass, error) {
	ctx, cancel := context.WithTimeout(ctx, platform.OptionalTimeout)
	defer cancel()
	classes, err := s.Cluster.StorageClasses(ctx)
	if err != nil {
		return nil, err
	}
	for i := range classes {
		if classes[i].Name == classOf(claim) {
			return &classes[i], nil
		}
	}
	return nil, nil
}

func classOf(claim *corev1.PersistentVolumeClaim) string {
	if claim.Spec.StorageClassName == nil {
		return ""
	}
	return *claim.Spec.StorageClassName
}

// bindTimeout limits how long a claim is waited for. A new instance of Filestore takes some
// minutes, and its provisioner reports failures meanwhile. maxBindPause is the longest time
// between two looks.
const (
	bindTimeout  = 10 * time.Minute
	maxBindPause = 5 * time.Second
)

// await waits until a claim is bound, and returns it as it was last seen. It does not wait
// for a claim that is only bound when a pod uses it, nor for one that may be of this kind
// because neither its class nor its events may be read. Its error says why the claim is not
// bound, by the events about it.
func (s volume) await(ctx context.Context, claim *corev1.PersistentVolumeClaim) (*corev1.PersistentVolumeClaim, error) {
	why := ""
	var classErr error
	for waited, pause := time.Duration(0), time.Second; waited < bindTimeout; waited, pause = waited+pause, min(pause+time.Second, maxBindPause) {
		if unusable := cluster.Unusable(claim); unusable != "" {
			return claim, fmt.Errorf("volume claim %s %s", claim.Name, unusable)
		}
		if claim.Status.Phase == corev1.ClaimBound {
			return claim, nil
		}
		if waited == 0 {
			var class *cluster.StorageClass
			if class, classErr = s.class(ctx, claim); class != nil && class.Delayed {
				return claim, nil
			}
		}
		last, err := s.lastEvent(ctx, claim.Name)
		if err != nil && classErr != nil {
			s.Note("it is unknown whether the volume claim will be bound, so it is not waited for: " + err.Error())
			return claim, ctx.Err()
		}
		message := strings.TrimSpace(last.Message)
		switch {
		case last.Reason == "WaitForFirstConsumer", last.Reason == "WaitForPodScheduled":
			return claim, nil
		case message != "" && message != why:
			why = message
			s.Event(report.Advance, "volume", claim.Name, "not bound yet: "+why)
		case waited == 0:
			s.Event(report.Progress, "volume", claim.Name, "waiting until it is bound")
		}
		if err := s.Pause(ctx, pause); err != nil {
			return claim, err
		}
		now, err := s.Cluster.Claim(ctx, claim.Name)
		if err != nil {
			return claim, err
		}
		if now == nil {
			return claim, fmt.Errorf("volume claim %s was deleted by someone else", claim.Name)
		}
		claim = now
	}
	if why == "" {
		why = "the cluster does not say why (kubectl describe pvc " + claim.Name + ")"
	}
	return claim, fmt.Errorf("volume claim %s was not bound within %s: %s", claim.Name, bindTimeout, why)
}

// lastEvent returns the latest event about a claim, or an empty one.
func (s volume) lastEvent(ctx context.Context, name string) (last corev1.Event, err error) {
	ctx, cancel := context.WithTimeout(ctx, platform.OptionalTimeout)
	defer cancel()
	events, err := s.Cluster.ClaimEvents(ctx, name)
	if err == nil && len(events) > 0 {
		last = events[len(events)-1]
	}
	return last, err
}
