package dockerfile

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/moby/buildkit/client"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/panics"
)

const (
	// ObjectName is the name of all objects that slipway creates for a buildkitd in a cluster.
	ObjectName = "slipway-buildkitd"
	// DefaultImage is the image of the buildkitd in a cluster. Its version is the client's.
	DefaultImage = "moby/buildkit:v0.31.2-rootless"
	// port is the port of buildkitd. It listens only on its pod's loopback interface, and
	// is reached through the API server, which authenticates the client.
	port = 1234
)

// The defaults of Kubernetes.
const (
	defaultStorage = "50Gi"
	// defaultTimeout is enough for a node to be added to the cluster.
	defaultTimeout = 10 * time.Minute
)

// Kubernetes runs a buildkitd in a namespace, as a Deployment of one pod with a volume for
// its cache. All objects have the name slipway-buildkitd. They are created when they are
// first needed, and kept so that the cache is warm. Delete deletes them.
//
// buildkitd runs without root. It sets up its containers in a user namespace. For that it
// needs programs with the set-user-ID bit, mounts, and system calls that the usual profiles
// of seccomp and AppArmor forbid: github.com/moby/buildkit/blob/master/docs/rootless.md. A
// namespace that enforces the Pod Security Standard restricted does not admit such a pod.
// One that enforces baseline admits it only with the profiles on. It then runs on nodes
// that have no such profiles, or with those in Seccomp and AppArmor.
type Kubernetes struct {
	// Config is the access to the cluster. It must be allowed to create deployments and
	// volume claims, to list pods and to forward ports in Namespace.
	Config    *rest.Config
	Namespace string
	// Image replaces DefaultImage. It must be a rootless buildkitd.
	Image string
	// Storage is the size of the cache, such as 50Gi, for a new volume claim. StorageClass
	// is its class; if it is empty, the cluster's default is used.
	Storage, StorageClass string
	// Seccomp and AppArmor are the names of profiles on the nodes that allow a user
	// namespace and mounts. They are for namespaces that enforce baseline.
	Seccomp, AppArmor string
	// Resources are the requests and limits of the container.
	Resources corev1.ResourceRequirements
	// Timeout is how long to wait until buildkitd is ready. Zero means ten minutes.
	Timeout time.Duration

	// every is the interval at which the pod is checked, a second if zero. stuck is how
	// long to wait for a pod that cannot start, a minute if zero.
	every, stuck time.Duration
}

// builder makes sure that buildkitd runs, and returns a Builder for it.
func (k *Kubernetes) builder(ctx context.Context, waiting func(string)) (*Builder, error) {
	connected, err := k.connect()
	if err != nil {
		return nil, err
	}
	clients := connected.Client
	if err := k.apply(ctx, clients); err != nil {
		return nil, err
	}
	if _, err := k.ready(ctx, clients, waiting); err != nil {
		return nil, err
	}
	b := &Builder{Name: k.name(), dial: k.dialer(connected)}
	return b, b.check(ctx, "see the log of the pod of deployment "+ObjectName)
}

func (k *Kubernetes) name() string { return "buildkitd in the Kubernetes namespace " + k.Namespace }

// dialer returns a function that connects to the pod that is ready at the time.
func (k *Kubernetes) dialer(connected *cluster.Cluster) func(context.Context) (*client.Client, error) {
	return func(ctx context.Context) (*client.Client, error) {
		return client.New(ctx, "", client.WithContextDialer(func(dialing context.Context, _ string) (connection net.Conn, err error) {
			defer panics.Keep(ctx, &err, k.name()) // gRPC calls it
			// The pod may have been replaced since, on another node.
			pod, err := k.ready(dialing, connected.Client, nil)
			if err != nil {
				return nil, err
			}
			return connected.DialPod(dialing, pod, port)
		}))
	}
}

func (k *Kubernetes) connect() (*cluster.Cluster, error) {
	config := rest.CopyConfig(k.Config)
	config.WarningHandler = rest.NoWarnings{} // client-go would print warnings
	return cluster.Connect(config, k.Namespace, "for buildkitd")
}

// apply applies the objects by server-side apply. A volume claim that exists is not
// changed, because most of its fields are immutable.
func (k *Kubernetes) apply(ctx context.Context, clients *cluster.Clients) error {
	level, err := k.enforced(ctx, clients)
	if err != nil {
		return err
	}
	if err := k.admits(level); err != nil {
		return err
	}
	size, err := resource.ParseQuantity(or(k.Storage, defaultStorage))
	if err != nil {
		return fmt.Errorf("the size of buildkitd's cache is %q: write it like %s", k.Storage, defaultStorage)
	}
	options := metav1.ApplyOptions{FieldManager: cluster.FieldManager, Force: true}
	claims := clients.CoreV1().PersistentVolumeClaims(k.Namespace)
	if _, err := claims.Get(ctx, ObjectName, metav1.GetOptions{}); apierrors.IsNotFound(err) {
		_, err = claims.Apply(ctx, k.claim(size), options)
		if err != nil {
			return k.explain(ctx, "create the volume claim of buildkitd", err)
		}
	} else if err != nil {
		return k.explain(ctx, "get the volume claim of buildkitd", err)
	}
	if _, err := clients.AppsV1().Deployments(k.Namespace).Apply(ctx, k.deployment(level), options); err != nil {
		return k.explain(ctx, "apply the deployment of buildkitd", err)
	}
	return nil
}

// enforced returns the Pod Security Standard that the namespace enforces. It returns "" if
// the namespace enforces none, or if the user may not read the namespace.
func (k *Kubernetes) enforced(ctx context.Context, clients *cluster.Clients) (string, error) {
	namespace, err := clients.CoreV1().Namespaces().Get(ctx, k.Namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsForbidden(err):
		return "", nil
	case err != nil:
		return "", k.explain(ctx, "get the namespace", err)
	}
	return namespace.Labels["pod-security.kubernetes.io/enforce"], nil
}

// Delete deletes buildkitd and its cache. Objects that do not exist are not an error.
func (k *Kubernetes) Delete(ctx context.Context) error {
	connected, err := k.connect()
	if err != nil {
		return err
	}
	clients := connected.Client
	policy := metav1.DeletePropagationForeground
	options := metav1.DeleteOptions{PropagationPolicy: &policy}
	var failures []error
	if err := clients.AppsV1().Deployments(k.Namespace).Delete(ctx, ObjectName, options); err != nil && !apierrors.IsNotFound(err) {
		failures = append(failures, k.explain(ctx, "delete the deployment of buildkitd", err))
	}
	if err := clients.CoreV1().PersistentVolumeClaims(k.Namespace).Delete(ctx, ObjectName, options); err != nil && !apierrors.IsNotFound(err) {
		failures = append(failures, k.explain(ctx, "delete the volume claim of buildkitd", err))
	}
	return errors.Join(failures...)
}

func (k *Kubernetes) explain(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%s in namespace %s: %w", doing, k.Namespace, err)
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
