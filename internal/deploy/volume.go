package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/report"
)

// volume is the step that creates the claim of the persistent volume if slipway.yaml says
// how and it is missing. It never changes a claim that is there.
type volume struct{ *Deployment }

// described reports whether slipway.yaml describes a claim for what is deployed: the jobs or, without
// any, the pods of the manifests and of others.
func (s volume) described() bool {
	v := s.Config.Volume
	return (len(s.Jobs) > 0 || s.withoutJobs) && v != nil && v.Create != nil
}

// noteUnused says so if the claim is not created because the sandbox needs none.
func (s volume) noteUnused() {
	if s.Embedded && s.described() {
		s.Note("volume.create has no effect on the sandbox: its persistent volume is a directory of this machine, without a limit of its size")
	}
}

// used reports whether the deploy has a claim to look after. The sandbox's volume is a
// directory, which needs no claim.
func (s volume) used() bool { return s.described() && !s.Embedded }

// check returns an error, before anything is built, for a claim that no run can use, or that
// could never be bound: it has to be created, and neither its storage class nor a free volume
// of that class exists. What cannot be asked is not an error, because creating the claim will
// show it. It sets claimMissing and claimErr.
func (s volume) check(ctx context.Context) error {
	if !s.used() || s.Cluster == nil {
		return nil
	}
	soon, cancel := context.WithTimeout(ctx, platform.OptionalTimeout)
	defer cancel()
	there, err := s.Cluster.Claim(soon, s.Config.Volume.Claim)
	if err != nil {
		s.claimErr = err
		return ctx.Err()
	}
	if there != nil {
		if why := cluster.Unusable(there); why != "" {
			return source.Errorf(s.Config.At("volume", "claim"), "volume claim %s %s", there.Name, why)
		}
		return nil
	}
	s.claimMissing = true
	classes, err := s.Cluster.StorageClasses(soon)
	if err != nil {
		return ctx.Err()
	}
	class := s.Config.Volume.Create.Class
	if slices.ContainsFunc(classes, func(c cluster.StorageClass) bool { return c.Name == class || class == "" && c.Default }) {
		return nil
	}
	if free, err := s.Cluster.HasFreeVolume(soon, class); err != nil || free {
		return ctx.Err()
	}
	if class == "" {
		e := source.Errorf(s.Config.At("volume", "create"), "cluster %s has no default storage class: the volume claim could never be bound", s.Cluster.Name)
		e.Hint = strings.TrimSuffix("name a class by volume.create.class: "+strings.Join(classNames(classes), ", "), ": ")
		return e
	}
	e := source.Errorf(s.Config.At("volume", "create", "class"), "storage class %s not found in cluster %s: the volume claim could never be bound", class, s.Cluster.Name)
	e.Hint = source.Suggest(class, "its storage classes are ", classNames(classes))
	return e
}

func classNames(classes []cluster.StorageClass) []string {
	names := make([]string, len(classes))
	for i, c := range classes {
		names[i] = c.Name
	}
	return names
}

// refusal returns an error if the cluster would refuse to create the claim that is missing:
// for a permission, or for a resource quota.
func (s volume) refusal(ctx context.Context) error {
	if !s.claimMissing || s.NamespaceToCreate != "" {
		return nil
	}
	soon, cancel := context.WithTimeout(ctx, platform.OptionalTimeout)
	defer cancel()
	err := s.Cluster.TryCreateClaim(soon, s.newClaim())
	if !apierrors.IsForbidden(err) && !apierrors.IsInvalid(err) {
		return ctx.Err() // other errors may be about trying alone
	}
	return &source.Error{Position: s.Config.At("volume", "create"), Message: err.Error()}
}

// Plan implements Step.
func (s volume) Plan(ctx context.Context, result *report.Result) (changes int, err error) {
	if !s.used() {
		return 0, nil
	}
	reported := s.wanted(report.ActionUnknown)
	asks, err := s.connectForPlan(ctx, "the volume claim", platform.Uses{Volume: true})
	if err != nil {
		return 0, err
	}
	if asks {
		there, err := s.look(ctx)
		switch {
		case err == nil && there == nil:
			reported.Action = report.ActionCreate
		case err == nil:
			reported = s.compared(ctx, there)
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case isUnreachable(err):
			s.noteUnreachable("the volume claim", err)
		default:
			return 0, err
		}
	}
	result.Volumes = append(result.Volumes, reported)
	if reported.Action == report.ActionCreate || reported.Action == report.ActionUnknown {
		changes = 1
	}
	return changes, ctx.Err()
}

// look returns the claim for a plan, or nil if there is none. What was not answered before is
// not asked again.
func (s volume) look(ctx context.Context) (*corev1.PersistentVolumeClaim, error) {
	if s.claimErr != nil {
		return nil, s.claimErr
	}
	soon, cancel := context.WithTimeout(ctx, platform.OptionalTimeout)
	defer cancel()
	return s.Cluster.Claim(soon, s.Config.Volume.Claim)
}

// Apply implements Step.
func (s volume) Apply(ctx context.Context, result *report.Result) error {
	if !s.used() {
		return nil
	}
	reported, err := s.apply(ctx)
	result.Volumes = append(result.Volumes, reported)
	if err != nil {
		s.Event(report.Failed, "volume", s.Config.Volume.Claim, "not ready")
	}
	return ifInterrupted(ctx, err)
}

func (s volume) apply(ctx context.Context) (report.Volume, error) {
	name := s.Config.Volume.Claim
	there, err := s.Cluster.Claim(ctx, name)
	if apierrors.IsForbidden(err) {
		s.Note("it is unknown whether the volume claim exists, so it is not created: " + err.Error())
		return s.wanted(report.ActionUnknown), nil
	}
	if err != nil {
		return s.wanted(report.ActionUnknown), err
	}
	if there != nil {
		reported := s.compared(ctx, there)
		bound, err := s.await(ctx, there)
		reported.Status = string(bound.Status.Phase)
		return reported, err
	}
	s.Event(report.Start, "volume", name, "creating")
	made, err := s.Cluster.CreateClaim(ctx, s.newClaim())
	if err != nil {
		return s.wanted(report.ActionCreate), err
	}
	if made == nil {
		return s.wanted(report.ActionCreate), fmt.Errorf("volume claim %s was deleted by someone else while it was created", name)
	}
	reported := s.wanted(report.ActionCreate)
	reported.Class = classOf(made)
	bound, err := s.await(ctx, made)
	if reported.Status = string(bound.Status.Phase); err == nil {
		s.Event(report.Done, "volume", name, "created: "+summaryOf(reported))
	}
	return reported, err
}

func summaryOf(v report.Volume) string {
	text := v.Size + ", " + v.Access
	if v.Class != "" {
		text += ", class " + v.Class
	}
	if v.Status == string(corev1.ClaimPending) {
		text += ", to be bound when the first run uses it"
	}
	return text
}

// newClaim returns the claim that slipway.yaml describes.
func (s volume) newClaim() cluster.NewClaim {
	v := s.Config.Volume
	return cluster.NewClaim{
		Name: v.Claim, Class: v.Create.Class, Project: s.Config.Project,
		Size: resource.MustParse(v.Create.Size), Access: corev1.PersistentVolumeAccessMode(v.Create.Access), // config has checked them
	}
}

// wanted reports the claim as slipway.yaml describes it.
func (s volume) wanted(action report.Action) report.Volume {
	v := s.Config.Volume
	return report.Volume{Claim: v.Claim, Action: action, Size: v.Create.Size, Access: v.Create.Access, Class: v.Create.Class}
}
