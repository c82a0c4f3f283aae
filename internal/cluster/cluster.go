// Package cluster is access to Kubernetes: a namespace of a cluster, and what
// slipway writes there by server-side apply.
package cluster

import (
	"context"
	"fmt"
	"net/http"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway-ci/slipway/internal/silence"
)

// FieldManager is slipway's name in server-side apply.
const FieldManager = "slipway"

// Cluster is one namespace of a cluster.
type Cluster struct {
	Client    kubernetes.Interface
	Namespace string
	// Name is what users call the cluster.
	Name string
	// Pause waits between the attempts of a request; by the clock when nil.
	Pause func(context.Context, time.Duration) error

	config *rest.Config
}

// limits bound how long an API server may be silent: a log that is followed, and a
// watch, may be for ever once they have begun.
var limits = silence.Limits{Answer: time.Minute, Part: time.Minute, Pace: 64 << 10, Endless: func(request *http.Request) bool {
	query := request.URL.Query()
	return query.Get("follow") == "true" || query.Get("watch") == "true" || query.Get("watch") == "1"
}}

// Connect gives access with config; it asks the cluster nothing yet.
func Connect(config *rest.Config, namespace, name string) (*Cluster, error) {
	config = rest.CopyConfig(config)
	// client-go's default of 5 requests a second would pace plain loops.
	config.QPS, config.Burst = 50, 100
	config.UserAgent = FieldManager
	patient := rest.CopyConfig(config)
	patient.Wrap(func(next http.RoundTripper) http.RoundTripper { return silence.Transport(next, limits) })
	client, err := kubernetes.NewForConfig(patient)
	if err != nil {
		return nil, fmt.Errorf("access cluster %s: %w", name, err)
	}
	return &Cluster{Client: client, Namespace: namespace, Name: name, config: config}, nil
}

// Kubeconfig gives the access that a kubeconfig file describes: the file at path
// or, when it is empty, where kubectl finds it; its context, or the current one.
func Kubeconfig(path, context string) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	if path != "" {
		rules.ExplicitPath = path
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: context}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	return config, nil
}

// EnsureNamespace creates the namespace when it does not exist.
func (c *Cluster) EnsureNamespace(ctx context.Context) error {
	_, err := retry(ctx, c, func() (*v1.Namespace, error) {
		return c.Client.CoreV1().Namespaces().Get(ctx, c.Namespace, metav1.GetOptions{})
	})
	switch {
	case err == nil:
		return nil
	case apierrors.IsForbidden(err):
		return nil // those who may not look at namespaces are given one
	case !apierrors.IsNotFound(err):
		return fmt.Errorf("ask cluster %s for namespace %s: %w", c.Name, c.Namespace, err)
	}
	_, err = retry(ctx, c, func() (*v1.Namespace, error) {
		return c.Client.CoreV1().Namespaces().Apply(ctx, corev1.Namespace(c.Namespace), metav1.ApplyOptions{FieldManager: FieldManager})
	})
	if err != nil {
		return fmt.Errorf("create namespace %s in cluster %s: %w", c.Namespace, c.Name, err)
	}
	return nil
}
