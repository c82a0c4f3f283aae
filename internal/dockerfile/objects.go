package dockerfile

import (
	"fmt"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// user is the user ID in the rootless image, and cache the path of its cache.
const (
	user  = 1000
	cache = "/home/user/.local/share/buildkit"
)

// labels returns the labels that select the pod and mark the objects as slipway's.
func labels() map[string]string {
	return map[string]string{"app.kubernetes.io/name": ObjectName, "app.kubernetes.io/managed-by": "slipway"}
}

func (k *Kubernetes) claim(size resource.Quantity) *corev1.PersistentVolumeClaim {
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: ObjectName, Namespace: k.Namespace, Labels: labels()},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: size}},
		},
	}
	if k.StorageClass != "" {
		claim.Spec.StorageClassName = &k.StorageClass
	}
	return claim
}

func (k *Kubernetes) deployment(level string) *appsv1.Deployment {
	selector := labels()
	maps.DeleteFunc(selector, func(key, _ string) bool { return key != "app.kubernetes.io/name" })
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: ObjectName, Namespace: k.Namespace, Labels: labels()},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(1)),
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}, // two pods cannot share a cache
			Selector: &metav1.LabelSelector{MatchLabels: selector},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels()}, Spec: k.pod(level)},
		},
	}
}

func (k *Kubernetes) pod(level string) corev1.PodSpec {
	address := fmt.Sprintf("tcp://127.0.0.1:%d", port)
	check := corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"buildctl", "--addr", address, "debug", "workers"}}}
	return corev1.PodSpec{
		AutomountServiceAccountToken: new(false), // the steps of a Dockerfile must not access the cluster
		// The owners of files in the cache are those of the images' files. They must not be
		// changed each time the volume is mounted.
		SecurityContext: &corev1.PodSecurityContext{FSGroup: new(int64(user)), FSGroupChangePolicy: new(corev1.FSGroupChangeOnRootMismatch)},
		Containers: []corev1.Container{{
			Name:  "buildkitd",
			Image: or(k.Image, DefaultImage),
			// A pod may not mount a new /proc for the steps of a build.
			Args:            []string{"--addr", address, "--oci-worker-no-process-sandbox"},
			ReadinessProbe:  &corev1.Probe{ProbeHandler: check, TimeoutSeconds: 10, PeriodSeconds: 2},
			LivenessProbe:   &corev1.Probe{ProbeHandler: check, TimeoutSeconds: 10, InitialDelaySeconds: 30, PeriodSeconds: 30},
			SecurityContext: k.security(level),
			VolumeMounts:    []corev1.VolumeMount{{Name: "cache", MountPath: cache}},
			Resources:       corev1.ResourceRequirements{Requests: k.Resources.Requests, Limits: k.Resources.Limits},
		}},
		Volumes: []corev1.Volume{{Name: "cache", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: ObjectName},
		}}},
	}
}

// security returns the security context that buildkitd needs to run without root, as far as
// the level allows.
func (k *Kubernetes) security(level string) *corev1.SecurityContext {
	context := &corev1.SecurityContext{RunAsUser: new(int64(user)), RunAsGroup: new(int64(user)), RunAsNonRoot: new(true)}
	switch {
	case k.Seccomp != "":
		context.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost, LocalhostProfile: &k.Seccomp}
	case level != "baseline":
		context.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
	}
	switch {
	case k.AppArmor != "":
		context.AppArmorProfile = &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeLocalhost, LocalhostProfile: &k.AppArmor}
	case level != "baseline":
		context.AppArmorProfile = &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined}
	}
	return context
}
