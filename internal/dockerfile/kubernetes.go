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
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/panics"
)

const (
	// objectName is that of all that slipway creates for a buildkitd.
	objectName = "slipway-buildkitd"
	// DefaultImage is the buildkitd that is run in a cluster: of the client's version.
	DefaultImage = "moby/buildkit:v0.31.2-rootless"
	// port is where buildkitd listens, on its pod's loopback only: it is reached
	// through the API server, which asks who comes.
	port = 1234
)

// The defaults of Kubernetes.
const (
	defaultStorage = "50Gi"
	// defaultTimeout leaves time for a node that has to be added to the cluster.
	defaultTimeout = 10 * time.Minute
)

// Kubernetes runs a buildkitd in a namespace, as a Deployment of one pod with a
// volume for its cache, all of the name slipway-buildkitd. It is made when it is
// first needed, and stays, so that its cache is warm: Delete ends it.
//
// buildkitd runs without root. It sets up its containers in a user namespace, which
// takes programs with the set-user-ID bit, mounts, and system calls that the usual
// profiles of seccomp and AppArmor forbid: github.com/moby/buildkit/blob/master/docs/rootless.md.
// A namespace that enforces the Pod Security Standard restricted admits no such pod.
// One that enforces baseline admits it without the profiles switched off, and it then
// runs where the nodes have none, or have those of Seccomp and AppArmor.
type Kubernetes struct {
	// Config is the access to the cluster; it may create deployments and volume
	// claims, list pods and forward ports in Namespace.
	Config    *rest.Config
	Namespace string
	// Image replaces the default; a rootless buildkitd.
	Image string
	// Storage is the cache's size, such as 50Gi, for a claim that is not there yet;
	// StorageClass is its class, the cluster's default when empty.
	Storage, StorageClass string
	// Seccomp and AppArmor name profiles on the nodes that allow a user namespace
	// and mounts, for namespaces that enforce baseline.
	Seccomp, AppArmor string
	// Resources are the pod's.
	Resources corev1.ResourceRequirements
	// Timeout is how long to wait until it is ready; ten minutes when zero.
	Timeout time.Duration

	// every is how often the pod is looked at, and stuck how long one that cannot
	// start is waited for; a second and a minute when zero.
	every, stuck time.Duration
}

// builder makes sure that buildkitd runs, and gives it.
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
	return b, b.check(ctx, "see the log of the pod of deployment "+objectName)
}

func (k *Kubernetes) name() string { return "buildkitd in the Kubernetes namespace " + k.Namespace }

// dialer gives a function that connects with the pod, wherever it is at the time.
func (k *Kubernetes) dialer(connected *cluster.Cluster) func(context.Context) (*client.Client, error) {
	return func(ctx context.Context) (*client.Client, error) {
		return client.New(ctx, "", client.WithContextDialer(func(dialing context.Context, _ string) (connection net.Conn, err error) {
			defer panics.Keep(ctx, &err, k.name()) // gRPC calls it
			// The pod may have moved since, to another node.
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
	config.WarningHandler = rest.NoWarnings{} // client-go would print them
	return cluster.Connect(config, k.Namespace, "for buildkitd")
}

// apply brings the objects to what they have to be, by server-side apply. A claim
// that is there stays as it is: most of it cannot be changed.
func (k *Kubernetes) apply(ctx context.Context, clients kubernetes.Interface) error {
	level, err := k.enforced(ctx, clients)
	if err != nil {
		return err
	}
	if level == "restricted" {
		return fmt.Errorf("buildkitd cannot run in namespace %s: it enforces the Pod Security Standard restricted (label pod-security.kubernetes.io/enforce), "+
			"and buildkitd, though without root, takes a set-user-ID program and a seccomp profile that this forbids; "+
			"give buildkitd another namespace, or set BUILDKIT_HOST, or start Docker", k.Namespace)
	}
	size, err := resource.ParseQuantity(or(k.Storage, defaultStorage))
	if err != nil {
		return fmt.Errorf("the size of buildkitd's cache is %q: write it like %s", k.Storage, defaultStorage)
	}
	options := metav1.ApplyOptions{FieldManager: cluster.FieldManager, Force: true}
	claims := clients.CoreV1().PersistentVolumeClaims(k.Namespace)
	if _, err := claims.Get(ctx, objectName, metav1.GetOptions{}); apierrors.IsNotFound(err) {
		_, err = claims.Apply(ctx, k.claim(size), options)
		if err != nil {
			return k.explain(ctx, "create the volume claim of buildkitd", err)
		}
	} else if err != nil {
		return k.explain(ctx, "ask for the volume claim of buildkitd", err)
	}
	if _, err := clients.AppsV1().Deployments(k.Namespace).Apply(ctx, k.deployment(level), options); err != nil {
		return k.explain(ctx, "apply the deployment of buildkitd", err)
	}
	return nil
}

// enforced gives the Pod Security Standard that the namespace enforces; "" when it
// enforces none, or may not be asked.
func (k *Kubernetes) enforced(ctx context.Context, clients kubernetes.Interface) (string, error) {
	namespace, err := clients.CoreV1().Namespaces().Get(ctx, k.Namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsForbidden(err):
		return "", nil
	case err != nil:
		return "", k.explain(ctx, "ask for the namespace", err)
	}
	return namespace.Labels["pod-security.kubernetes.io/enforce"], nil
}

// Delete ends buildkitd and removes its cache. Where there is none, it does nothing.
func (k *Kubernetes) Delete(ctx context.Context) error {
	connected, err := k.connect()
	if err != nil {
		return err
	}
	clients := connected.Client
	policy := metav1.DeletePropagationForeground
	options := metav1.DeleteOptions{PropagationPolicy: &policy}
	var failures []error
	if err := clients.AppsV1().Deployments(k.Namespace).Delete(ctx, objectName, options); err != nil && !apierrors.IsNotFound(err) {
		failures = append(failures, k.explain(ctx, "delete the deployment of buildkitd", err))
	}
	if err := clients.CoreV1().PersistentVolumeClaims(k.Namespace).Delete(ctx, objectName, options); err != nil && !apierrors.IsNotFound(err) {
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
