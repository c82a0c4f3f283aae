package testenv

import (
	"context"
	"fmt"
	"path"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// The annotations of a claim that say who makes its volume, and on which node the first pod
// that uses it will be (kubernetes.io/docs/reference/labels-annotations-taints).
const (
	provisionerAnnotation = "volume.kubernetes.io/storage-provisioner"
	nodeAnnotation        = "volume.kubernetes.io/selected-node"
)

// volumes is the directory of the node that has a directory for each volume.
const volumes = "/run/slipway-volumes"

// Provision creates a storage class and provisions its volumes until the test ends, as
// Rancher's local-path-provisioner does: for each claim it creates a volume of type hostPath,
// which Kubernetes then binds. With delayed, it does so when a pod uses the claim.
func Provision(t testing.TB, clients kubernetes.Interface, class string, delayed bool) {
	t.Helper()
	p := provisioner{clients: clients, class: class, delayed: delayed}
	mode := storagev1.VolumeBindingImmediate
	if delayed {
		mode = storagev1.VolumeBindingWaitForFirstConsumer
	}
	_, err := clients.StorageV1().StorageClasses().Create(t.Context(), &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: class}, Provisioner: p.name(), VolumeBindingMode: &mode}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	ctx := t.Context()
	running.Go(func() {
		for ctx.Err() == nil {
			if err := p.provision(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("provision volumes of class %s: %v", class, err)
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	t.Cleanup(running.Wait) // ctx is done before
}

// provisioner makes the volumes of a storage class.
type provisioner struct {
	clients kubernetes.Interface
	class   string
	delayed bool
}

func (p provisioner) name() string { return "slipway.test/" + p.class }

// provision creates the volumes of claims that wait for them.
func (p provisioner) provision(ctx context.Context) error {
	claims, err := p.clients.CoreV1().PersistentVolumeClaims(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range claims.Items {
		c := &claims.Items[i]
		if c.Spec.VolumeName != "" || c.Annotations[provisionerAnnotation] != p.name() || p.delayed && c.Annotations[nodeAnnotation] == "" {
			continue
		}
		_, err := p.clients.CoreV1().PersistentVolumes().Create(ctx, p.volume(c), metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("create the volume of claim %s: %w", c.Name, err)
		}
	}
	return nil
}

func (p provisioner) volume(c *corev1.PersistentVolumeClaim) *corev1.PersistentVolume {
	name, kind := "pvc-"+string(c.UID), corev1.HostPathDirectoryOrCreate
	v := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": p.name()}},
		Spec: corev1.PersistentVolumeSpec{
			Capacity: c.Spec.Resources.Requests, AccessModes: c.Spec.AccessModes, StorageClassName: p.class, PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: path.Join(volumes, name), Type: &kind}},
			ClaimRef:               &corev1.ObjectReference{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: c.Namespace, Name: c.Name, UID: c.UID, ResourceVersion: c.ResourceVersion},
		},
	}
	if node := c.Annotations[nodeAnnotation]; node != "" {
		v.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{
			{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{node}}}}}}}
	}
	return v
}
