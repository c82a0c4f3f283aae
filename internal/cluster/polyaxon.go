package cluster

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-ci/slipway/internal/panics"
)

// Gateway is the service of the gateway of the Polyaxon in a namespace.
type Gateway struct{ *Service }

// NoPolyaxonError reports that a namespace has no Polyaxon, or more than one.
type NoPolyaxonError struct {
	Namespace, Cluster string
	// Found are the names of the services that may be its gateway.
	Found []string
}

// Error implements error. It says what to do.
func (e *NoPolyaxonError) Error() string {
	if len(e.Found) > 0 {
		return fmt.Sprintf("namespace %s of cluster %s has more than one Polyaxon (%s): choose one with polyaxon.host", e.Namespace, e.Cluster, strings.Join(e.Found, ", "))
	}
	return fmt.Sprintf("namespace %s of cluster %s has no Polyaxon (the service of its gateway was not found): set cluster.namespace to its namespace, or polyaxon.host to its address", e.Namespace, e.Cluster)
}

// Polyaxon returns the gateway of the Polyaxon in the namespace. It looks for a service
// named RELEASE-polyaxon-gateway, as the chart names it in all releases from 1.11 on. It
// returns a *NoPolyaxonError if there is none or more than one.
func (c *Cluster) Polyaxon(ctx context.Context) (*Gateway, error) {
	all, err := c.Services(ctx)
	if err != nil {
		if apierrors.IsForbidden(err) {
			return nil, fmt.Errorf("find Polyaxon in cluster %s: %w (needs permission to list services; or set polyaxon.host)", c.Name, err)
		}
		return nil, fmt.Errorf("find Polyaxon in cluster %s: %w", c.Name, err)
	}
	var found *corev1.Service
	none := &NoPolyaxonError{Namespace: c.Namespace, Cluster: c.Name}
	for i := range all {
		if s := &all[i]; strings.HasSuffix(s.Name, "polyaxon-gateway") && len(s.Spec.Selector) > 0 {
			found = s
			none.Found = append(none.Found, s.Name)
		}
	}
	if len(none.Found) != 1 {
		return nil, none
	}
	s, err := c.reachable(found, "") // its first port leads to 80 in releases 1.x, to 8000 in releases 2.x
	if err != nil {
		return nil, err
	}
	return &Gateway{s}, nil
}

// Host returns the URL by which requests name the gateway. Use it with Transport.
func (g *Gateway) Host() string { return "http://" + g.service.Name + "." + g.service.Namespace }

// Transport returns a transport that sends every request to a pod of the gateway through
// the API server, whatever host the request names.
func (g *Gateway) Transport() *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (connection net.Conn, err error) {
			defer panics.Keep(ctx, &err, "the connection to "+g.service.Name)
			return g.dial(ctx)
		},
		MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute,
	}
}

// dial connects to a ready pod of the gateway.
func (g *Gateway) dial(ctx context.Context) (net.Conn, error) {
	pods, err := retry(ctx, g.cluster, func() (*corev1.PodList, error) {
		return g.cluster.Client.CoreV1().Pods(g.cluster.Namespace).List(ctx, metav1.ListOptions{LabelSelector: g.selector()})
	})
	if err != nil {
		return nil, fmt.Errorf("list the pods of %s: %w", g.service.Name, err)
	}
	for i := range pods.Items {
		if !Ready(&pods.Items[i]) {
			continue
		}
		port, err := g.podPort(&pods.Items[i])
		if err != nil {
			return nil, err
		}
		return g.cluster.DialPod(ctx, pods.Items[i].Name, port)
	}
	return nil, fmt.Errorf("%s has no ready pod (%d in total)", g.service.Name, len(pods.Items))
}

// Ready reports whether a pod is ready and is not being deleted.
func Ready(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil
		}
	}
	return false
}
