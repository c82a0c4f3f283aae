package dockerfile

import (
	"fmt"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	appsapply "k8s.io/client-go/applyconfigurations/apps/v1"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"
)

// user is the user ID in the rootless image, and cache the path of its cache.
const (
	user  = 1000
	cache = "/home/user/.local/share/buildkit"
)

// labels returns the labels that select the pod and mark the objects as slipway's.
func labels() map[string]string {
	return map[string]string{"app.kubernetes.io/name": objectName, "app.kubernetes.io/managed-by": "slipway"}
}

func (k *Kubernetes) claim(size resource.Quantity) *coreapply.PersistentVolumeClaimApplyConfiguration {
	spec := coreapply.PersistentVolumeClaimSpec().
		WithAccessModes(corev1.ReadWriteOnce).
		WithResources(coreapply.VolumeResourceRequirements().WithRequests(corev1.ResourceList{corev1.ResourceStorage: size}))
	if k.StorageClass != "" {
		spec.WithStorageClassName(k.StorageClass)
	}
	return coreapply.PersistentVolumeClaim(objectName, k.Namespace).WithLabels(labels()).WithSpec(spec)
}

func (k *Kubernetes) deployment(level string) *appsapply.DeploymentApplyConfiguration {
	selector := labels()
	maps.DeleteFunc(selector, func(key, _ string) bool { return key != "app.kubernetes.io/name" })
	address := fmt.Sprintf("tcp://127.0.0.1:%d", port)
	probe := func() *coreapply.ProbeApplyConfiguration {
		return coreapply.Probe().WithExec(coreapply.ExecAction().WithCommand("buildctl", "--addr", address, "debug", "workers")).WithTimeoutSeconds(10)
	}
	container := coreapply.Container().
		WithName("buildkitd").
		WithImage(or(k.Image, DefaultImage)).
		// A pod may not mount a new /proc for the steps of a build.
		WithArgs("--addr", address, "--oci-worker-no-process-sandbox").
		WithReadinessProbe(probe().WithPeriodSeconds(2)).
		WithLivenessProbe(probe().WithInitialDelaySeconds(30).WithPeriodSeconds(30)).
		WithSecurityContext(k.security(level)).
		WithVolumeMounts(coreapply.VolumeMount().WithName("cache").WithMountPath(cache)).
		WithResources(coreapply.ResourceRequirements().WithRequests(k.Resources.Requests).WithLimits(k.Resources.Limits))
	pod := coreapply.PodSpec().
		WithAutomountServiceAccountToken(false). // the steps of a Dockerfile must not access the cluster
		// The owners of files in the cache are those of the images' files. They must not be
		// changed each time the volume is mounted.
		WithSecurityContext(coreapply.PodSecurityContext().WithFSGroup(user).WithFSGroupChangePolicy(corev1.FSGroupChangeOnRootMismatch)).
		WithContainers(container).
		WithVolumes(coreapply.Volume().WithName("cache").WithPersistentVolumeClaim(coreapply.PersistentVolumeClaimVolumeSource().WithClaimName(objectName)))
	return appsapply.Deployment(objectName, k.Namespace).WithLabels(labels()).WithSpec(appsapply.DeploymentSpec().
		WithReplicas(1).
		WithStrategy(appsapply.DeploymentStrategy().WithType(appsv1.RecreateDeploymentStrategyType)). // two pods cannot share a cache
		WithSelector(metaapply.LabelSelector().WithMatchLabels(selector)).
		WithTemplate(coreapply.PodTemplateSpec().WithLabels(labels()).WithSpec(pod)))
}

// security returns the security context that buildkitd needs to run without root, as far as
// the level allows.
func (k *Kubernetes) security(level string) *coreapply.SecurityContextApplyConfiguration {
	context := coreapply.SecurityContext().WithRunAsUser(user).WithRunAsGroup(user).WithRunAsNonRoot(true)
	switch {
	case k.Seccomp != "":
		context.WithSeccompProfile(coreapply.SeccompProfile().WithType(corev1.SeccompProfileTypeLocalhost).WithLocalhostProfile(k.Seccomp))
	case level != "baseline":
		context.WithSeccompProfile(coreapply.SeccompProfile().WithType(corev1.SeccompProfileTypeUnconfined))
	}
	switch {
	case k.AppArmor != "":
		context.WithAppArmorProfile(coreapply.AppArmorProfile().WithType(corev1.AppArmorProfileTypeLocalhost).WithLocalhostProfile(k.AppArmor))
	case level != "baseline":
		context.WithAppArmorProfile(coreapply.AppArmorProfile().WithType(corev1.AppArmorProfileTypeUnconfined))
	}
	return context
}
