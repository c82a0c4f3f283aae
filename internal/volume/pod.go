// Package volume reaches the files of a persistent volume of a cluster, through a pod that mounts its claim.
package volume

import (
	"cmp"
	"context"
	"crypto/rand"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/secret"
)

const (
	// DefaultImage is the image of the pod. It has sh, tar, find, stat and sha256sum.
	DefaultImage = "busybox:1.37.0"
	// Mount is where the pod has the volume.
	Mount = "/volume"
	// maxLife is how long a pod runs that nobody deletes, because slipway was killed or has lost the network.
	maxLife = 6 * time.Hour
	// closeTimeout is how long the deletion of the pod may take.
	closeTimeout = 10 * time.Second
)

// Options say what the pod is.
type Options struct {
	// Claim is the PersistentVolumeClaim of the volume.
	Claim string
	// Image replaces DefaultImage.
	Image string
	// Project is the project that the pod is labelled with.
	Project string
	// ReadOnly mounts the volume so that nothing can be written to it.
	ReadOnly bool
	// Waits is told why the pod does not run yet.
	Waits func(why string)
	// Pause waits for a duration, or until the context ends.
	Pause func(context.Context, time.Duration) error
}

// Pod is a pod that mounts a volume.
type Pod struct {
	cluster *cluster.Cluster
	claim   string
	name    string
}

// Open starts a pod, and waits until it runs. The caller must close it. The error says why it does not run.
func Open(ctx context.Context, c *cluster.Cluster, o Options) (*Pod, error) {
	p := &Pod{cluster: c, claim: o.Claim, name: "slipway-volume-" + strings.ToLower(rand.Text()[:10])}
	if err := c.CreatePod(ctx, p.wanted(&o)); err != nil {
		return nil, err
	}
	if err := p.await(ctx, &o); err != nil {
		_ = p.Close(ctx) // the reason matters more
		return nil, err
	}
	return p, nil
}

// Name identifies the volume.
func (p *Pod) Name() string {
	return p.cluster.Name + "/" + p.cluster.Namespace + "/" + p.claim
}

// Close deletes the pod, also after ctx was canceled. A pod that cannot be deleted ends after six hours.
func (p *Pod) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return p.cluster.DeletePod(ctx, p.name)
}

// wanted returns the pod. It gets no token for Kubernetes, and needs few resources. It keeps its user and its
// capabilities, because the files of jobs have many owners.
func (p *Pod) wanted(o *Options) *corev1.Pod {
	life := int64(maxLife / time.Second)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: p.name, Labels: map[string]string{
			"app.kubernetes.io/name": "slipway-volume", secret.LabelManagedBy: cluster.FieldManager, secret.LabelProject: o.Project,
		}},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, ActiveDeadlineSeconds: &life,
			AutomountServiceAccountToken: new(false), EnableServiceLinks: new(false), TerminationGracePeriodSeconds: new(int64(1)),
			Containers: []corev1.Container{{
				Name: "volume", Image: cmp.Or(o.Image, DefaultImage), Command: []string{"sleep", "86400"},
				VolumeMounts: []corev1.VolumeMount{{Name: "volume", MountPath: Mount, ReadOnly: o.ReadOnly}},
				Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
					Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("256Mi")},
				},
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: new(false), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
				},
			}},
			Volumes: []corev1.Volume{{Name: "volume", VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: o.Claim},
			}}},
		},
	}
}
