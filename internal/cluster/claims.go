package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/slipway-ci/slipway/internal/secret"
)

// NewClaim describes a PersistentVolumeClaim to create. Class is "" for the default class
// of the cluster. Project is the project that the claim is labelled with.
type NewClaim struct {
	Name, Class, Project string
	Size                 resource.Quantity
	Access               corev1.PersistentVolumeAccessMode
}

// Claim returns the PersistentVolumeClaim with the name, or nil if there is none.
func (c *Cluster) Claim(ctx context.Context, name string) (*corev1.PersistentVolumeClaim, error) {
	found, err := retry(ctx, c, func() (*corev1.PersistentVolumeClaim, error) {
		return c.Client.CoreV1().PersistentVolumeClaims(c.Namespace).Get(ctx, name, metav1.GetOptions{})
	})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, c.explainClaim("get volume claim "+name, err)
	}
	return found, nil
}

// Claims returns the PersistentVolumeClaims of the namespace.
func (c *Cluster) Claims(ctx context.Context) ([]corev1.PersistentVolumeClaim, error) {
	list, err := c.Client.CoreV1().PersistentVolumeClaims(c.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list volume claims in namespace %s of cluster %s: %w", c.Namespace, c.Name, err)
	}
	return list.Items, nil
}

// Unusable says why no new pod can use a claim, or returns "".
func Unusable(claim *corev1.PersistentVolumeClaim) string {
	switch {
	case claim.DeletionTimestamp != nil:
		return "is being deleted, so no run can use it: wait until it is gone, or until nothing uses it any more"
	case claim.Status.Phase == corev1.ClaimLost:
		return "has lost its volume " + claim.Spec.VolumeName + ": no run can use it"
	}
	return ""
}

// CreateClaim creates a PersistentVolumeClaim, and returns it. If there already is one with
// its name, it returns that one unchanged.
func (c *Cluster) CreateClaim(ctx context.Context, n NewClaim) (*corev1.PersistentVolumeClaim, error) {
	return c.createClaim(ctx, n, nil)
}

// TryCreateClaim returns the error that CreateClaim would return. It creates nothing.
func (c *Cluster) TryCreateClaim(ctx context.Context, n NewClaim) error {
	_, err := c.createClaim(ctx, n, []string{metav1.DryRunAll})
	return err
}

func (c *Cluster) createClaim(ctx context.Context, n NewClaim, dryRun []string) (*corev1.PersistentVolumeClaim, error) {
	wanted := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: map[string]string{secret.LabelManagedBy: FieldManager, secret.LabelProject: n.Project}},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{n.Access},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: n.Size}},
		},
	}
	if n.Class != "" {
		wanted.Spec.StorageClassName = &n.Class
	}
	made, err := retry(ctx, c, func() (*corev1.PersistentVolumeClaim, error) {
		return c.Client.CoreV1().PersistentVolumeClaims(c.Namespace).Create(ctx, wanted, metav1.CreateOptions{FieldManager: FieldManager, DryRun: dryRun})
	})
	if apierrors.IsAlreadyExists(err) { // an attempt before had reached the server, or another deploy was faster
		return c.Claim(ctx, n.Name)
	}
	if err != nil {
		return nil, c.explainClaim("create volume claim "+n.Name, err)
	}
	return made, nil
}

// explainClaim returns an error that says which permissions are needed.
func (c *Cluster) explainClaim(what string, err error) error {
	where := fmt.Sprintf("%s in namespace %s of cluster %s", what, c.Namespace, c.Name)
	if homeless := c.homeless(err); homeless != nil {
		return fmt.Errorf("%s: %w", what, homeless)
	}
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("%s: not allowed; these credentials need get and create on persistentvolumeclaims, which slipway doctor prints as a Role, and a resource quota must not be exceeded: %w", where, err)
	}
	return fmt.Errorf("%s: %w", where, err)
}

// StorageClass is a class of volumes.
type StorageClass struct {
	Name string
	// Delayed reports whether a claim is bound only when a pod uses it.
	Delayed bool
	// Grows reports whether claims of the class can be made larger.
	Grows bool
	// Default reports whether the class is the one of claims that name none.
	Default bool
}

// StorageClasses returns the storage classes of the cluster.
func (c *Cluster) StorageClasses(ctx context.Context) ([]StorageClass, error) {
	text, err := retry(ctx, c, func() ([]byte, error) {
		return c.Client.CoreV1().RESTClient().Get().AbsPath("/apis/storage.k8s.io/v1/storageclasses").Do(ctx).Raw()
	})
	if err != nil {
		return nil, fmt.Errorf("list the storage classes of cluster %s: %w", c.Name, err)
	}
	var list struct {
		Items []struct {
			Metadata             metav1.ObjectMeta `json:"metadata"`
			VolumeBindingMode    string            `json:"volumeBindingMode"`
			AllowVolumeExpansion bool              `json:"allowVolumeExpansion"`
		} `json:"items"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("list the storage classes of cluster %s: the response cannot be read", c.Name)
	}
	var all []StorageClass
	for _, item := range list.Items {
		all = append(all, StorageClass{
			Name: item.Metadata.Name, Delayed: item.VolumeBindingMode == "WaitForFirstConsumer", Grows: item.AllowVolumeExpansion,
			Default: item.Metadata.Annotations["storageclass.kubernetes.io/is-default-class"] == "true" ||
				item.Metadata.Annotations["storageclass.beta.kubernetes.io/is-default-class"] == "true",
		})
	}
	return all, nil
}

// HasFreeVolume reports whether a volume of a class exists that a claim can get. Volumes that
// were made by hand may have a class of which there is no object.
func (c *Cluster) HasFreeVolume(ctx context.Context, class string) (bool, error) {
	list, err := retry(ctx, c, func() (*corev1.PersistentVolumeList, error) {
		return c.Client.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
	})
	if err != nil {
		return false, fmt.Errorf("list the volumes of cluster %s: %w", c.Name, err)
	}
	return slices.ContainsFunc(list.Items, func(v corev1.PersistentVolume) bool {
		taken := []corev1.PersistentVolumePhase{corev1.VolumeBound, corev1.VolumeReleased, corev1.VolumeFailed}
		return v.Spec.StorageClassName == class && !slices.Contains(taken, v.Status.Phase)
	}), nil
}

// ClaimEvents returns the events about a claim, oldest first. It returns at most 100.
func (c *Cluster) ClaimEvents(ctx context.Context, name string) ([]corev1.Event, error) {
	return c.events(ctx, "volume claim "+name, fields.Set{"involvedObject.kind": "PersistentVolumeClaim", "involvedObject.name": name})
}
