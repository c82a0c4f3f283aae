// Package cluster accesses Kubernetes: one namespace of a cluster, and what slipway
// writes there by server-side apply.
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
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/timeouts"
)

// FieldManager is the name of slipway's field manager in server-side apply.
const FieldManager = "slipway"

// Cluster is one namespace of a cluster. Connect makes one.
type Cluster struct {
	Client    *Clients
	Namespace string
	// Name is the name of the cluster in messages.
	Name string
	// Pause waits between the attempts of a request. Nil means clock.Sleep.
	Pause func(context.Context, time.Duration) error

	// patient is config for requests whose answers may take a while.
	config, patient *rest.Config
	// carrier sends the requests of patient.
	carrier *http.Client
}

// limits bound how long an API server may be silent. A followed log and a watch may be
// silent without a limit once they have begun.
var limits = timeouts.Limits{Response: time.Minute, Chunk: time.Minute, Pace: 64 << 10, Endless: func(request *http.Request) bool {
	query := request.URL.Query()
	return query.Get("follow") == "true" || query.Get("watch") == "true" || query.Get("watch") == "1"
}}

// Connect returns access to a namespace with config. It sends no request.
func Connect(config *rest.Config, namespace, name string) (*Cluster, error) {
	config = rest.CopyConfig(config)
	// client-go's default of 5 requests a second would slow down plain loops.
	config.QPS, config.Burst = 50, 100
	config.UserAgent = FieldManager
	patient := rest.CopyConfig(config)
	patient.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return panics.Transport(contact{unauthorized{answers{throttle{timeouts.Transport(next, limits)}, maxAnswer}}, name, config.Host})
	})
	carrier, err := newPlugin().httpClient(patient)
	if err != nil {
		return nil, fmt.Errorf("access cluster %s: %w%s", name, err, outdated(config))
	}
	client, err := newClients(patient, carrier)
	if err != nil {
		return nil, fmt.Errorf("access cluster %s: %w", name, err)
	}
	return &Cluster{Client: client, Namespace: namespace, Name: name, config: config, patient: patient, carrier: carrier}, nil
}

// Kubeconfig returns the configuration that a kubeconfig describes, and the name of the
// cluster for messages. It reads the file at path, or the files that kubectl would read
// if path is empty. It uses the given context, or the current one if context is empty.
// The name is that of the context, or else the URL of the server. Like kubectl, it uses the
// service account of the pod that it runs in if there is no such file and path is empty.
func Kubeconfig(path, context string) (access *rest.Config, name string, err error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	if path != "" {
		rules.ExplicitPath = path
	}
	for _, one := range rules.GetLoadingPrecedence() {
		if err := source.CheckPath(one, "KUBECONFIG"); err != nil {
			return nil, "", err
		}
	}
	loaded := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: context})
	raw, unread := loaded.RawConfig()
	if access, err = loaded.ClientConfig(); err != nil {
		if clientcmd.IsEmptyConfig(err) && unread == nil && len(raw.Contexts) > 0 {
			return nil, "", fmt.Errorf("the kubeconfig has no current-context: name one of its contexts (%s) by cluster.kubeconfig.context",
				strings.Join(slices.Sorted(maps.Keys(raw.Contexts)), ", "))
		}
		if clientcmd.IsEmptyConfig(err) && unread == nil && path == "" {
			return nil, "", fmt.Errorf("there is no kubeconfig (%s), and no service account of a pod", strings.Join(rules.GetLoadingPrecedence(), ", "))
		}
		if clientcmd.IsEmptyConfig(err) && unread == nil && len(raw.Contexts) == 0 {
			return nil, "", fmt.Errorf("the kubeconfig %s has no contexts: it is empty, or another file", path)
		}
		if _, has := raw.Contexts[context]; unread == nil && context != "" && !has && len(raw.Contexts) > 0 {
			return nil, "", &NoContextError{Context: context, Contexts: slices.Sorted(maps.Keys(raw.Contexts))}
		}
		return nil, "", fmt.Errorf("read the kubeconfig: %w", err)
	}
	if used := raw.Contexts[cmp.Or(context, raw.CurrentContext)]; used != nil && used.AuthInfo != "" && raw.AuthInfos[used.AuthInfo] == nil {
		// client-go would go on as nobody.
		return nil, "", fmt.Errorf("the kubeconfig has no user %s, which its context %s names", used.AuthInfo, cmp.Or(context, raw.CurrentContext))
	}
	return access, cmp.Or(context, raw.CurrentContext, access.Host), nil
}

// NoContextError reports that a kubeconfig has no context of a name. Contexts are those that it has.
type NoContextError struct {
	Context  string
	Contexts []string
}

// Error implements error. It names the context that may be meant.
func (e *NoContextError) Error() string {
	if near, ok := source.Nearest(e.Context, e.Contexts); ok {
		return fmt.Sprintf("the kubeconfig has no context %s: did you mean %s?", e.Context, near)
	}
	return fmt.Sprintf("the kubeconfig has no context %s: it has %s", e.Context, strings.Join(e.Contexts, ", "))
}

// NoNamespaceError reports that a namespace does not exist.
type NoNamespaceError struct {
	Namespace, Cluster string
	// Similar is a namespace with a similar name. It is empty if there is none, or if the
	// credentials may not list namespaces.
	Similar string
	// Unseen reports that the namespace was only found to be missing when something was to be
	// written to it, as the credentials may not read namespaces.
	Unseen bool
	// Err is the answer to what was to be written, or nil.
	Err error
}

// Unwrap returns Err.
func (e *NoNamespaceError) Unwrap() error { return e.Err }

// Error implements error. It suggests Similar, and says what an unseen namespace needs.
func (e *NoNamespaceError) Error() string {
	text := fmt.Sprintf("cluster %s has no namespace %s", e.Cluster, e.Namespace)
	if e.Similar != "" {
		text += ": did you mean " + e.Similar + "?"
	}
	if e.Unseen {
		text += " (these credentials may not get namespaces, so this was not seen before: create it, or let them get namespaces and, with cluster.create-namespace, create and patch them)"
	}
	return text
}

// CheckNamespace returns a *NoNamespaceError if the namespace does not exist, and a *LeavingError
// if it is being deleted. It returns nil if the credentials may not read namespaces.
func (c *Cluster) CheckNamespace(ctx context.Context) error {
	found, err := retry(ctx, c, func() (*v1.Namespace, error) {
		return c.Client.CoreV1().Namespaces().Get(ctx, c.Namespace, metav1.GetOptions{})
	})
	switch {
	case err == nil && found.DeletionTimestamp != nil:
		return &LeavingError{c.Namespace, c.Name}
	case err == nil, apierrors.IsForbidden(err): // not allowed to look, so assume it exists
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
		none.Similar, _ = source.Nearest(c.Namespace, names)
	}
	return none
}

// EnsureNamespace creates the namespace if it does not exist.
func (c *Cluster) EnsureNamespace(ctx context.Context) error {
	err := c.CheckNamespace(ctx)
	if none := new(NoNamespaceError); !errors.As(err, &none) {
		return err
	}
	wanted := &v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: c.Namespace}}
	_, err = retry(ctx, c, func() (*v1.Namespace, error) {
		return c.Client.CoreV1().Namespaces().Apply(ctx, wanted, metav1.ApplyOptions{FieldManager: FieldManager})
	})
	if err != nil {
		return fmt.Errorf("create namespace %s in cluster %s: %w", c.Namespace, c.Name, err)
	}
	return nil
}
