// Package cluster is access to Kubernetes: a namespace of a cluster, and what
// slipway writes there by server-side apply.
package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/silence"
	"github.com/slipway-ci/slipway/internal/source"
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
	patient.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return panics.Transport(silence.Transport(next, limits))
	})
	client, err := kubernetes.NewForConfig(patient)
	if err != nil {
		return nil, fmt.Errorf("access cluster %s: %w", name, err)
	}
	return &Cluster{Client: client, Namespace: namespace, Name: name, config: config}, nil
}

// Kubeconfig gives the access that a kubeconfig file describes, and what users call the
// cluster: the file at path or, when it is empty, where kubectl finds it; its context,
// or the current one. Without either the cluster is called by its server.
func Kubeconfig(path, context string) (access *rest.Config, name string, err error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	if path != "" {
		rules.ExplicitPath = path
	}
	loaded := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: context})
	raw, unread := loaded.RawConfig()
	if access, err = loaded.ClientConfig(); err != nil {
		if clientcmd.IsEmptyConfig(err) && unread == nil && len(raw.Contexts) > 0 {
			return nil, "", fmt.Errorf("the kubeconfig has no current-context: name one of its contexts (%s) by cluster.kubeconfig.context",
				strings.Join(slices.Sorted(maps.Keys(raw.Contexts)), ", "))
		}
		return nil, "", fmt.Errorf("read the kubeconfig: %w", err)
	}
	return access, cmp.Or(context, raw.CurrentContext, access.Host), nil
}

// NoNamespaceError is a namespace that does not exist.
type NoNamespaceError struct {
	Namespace, Cluster string
	// Near is the one that may be meant, "" when there is none, or none may be seen.
	Near string
}

// Error names what may be meant.
func (e *NoNamespaceError) Error() string {
	text := fmt.Sprintf("cluster %s has no namespace %s", e.Cluster, e.Namespace)
	if e.Near != "" {
		text += ": did you mean " + e.Near + "?"
	}
	return text
}

// CheckNamespace gives a *NoNamespaceError when the namespace does not exist.
func (c *Cluster) CheckNamespace(ctx context.Context) error {
	_, err := retry(ctx, c, func() (*v1.Namespace, error) {
		return c.Client.CoreV1().Namespaces().Get(ctx, c.Namespace, metav1.GetOptions{})
	})
	switch {
	case err == nil, apierrors.IsForbidden(err): // those who may not look at namespaces are given one
		return nil
	case !apierrors.IsNotFound(err):
		return fmt.Errorf("ask cluster %s for namespace %s: %w", c.Name, c.Namespace, err)
	}
	none := &NoNamespaceError{Namespace: c.Namespace, Cluster: c.Name}
	if list, err := c.Client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{}); err == nil {
		var names []string
		for i := range list.Items {
			names = append(names, list.Items[i].Name)
		}
		none.Near, _ = source.Nearest(c.Namespace, names)
	}
	return none
}

// EnsureNamespace creates the namespace when it does not exist.
func (c *Cluster) EnsureNamespace(ctx context.Context) error {
	err := c.CheckNamespace(ctx)
	if none := new(NoNamespaceError); !errors.As(err, &none) {
		return err
	}
	_, err = retry(ctx, c, func() (*v1.Namespace, error) {
		return c.Client.CoreV1().Namespaces().Apply(ctx, corev1.Namespace(c.Namespace), metav1.ApplyOptions{FieldManager: FieldManager})
	})
	if err != nil {
		return fmt.Errorf("create namespace %s in cluster %s: %w", c.Namespace, c.Name, err)
	}
	return nil
}
