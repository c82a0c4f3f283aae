package cluster

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/slipway-ci/slipway/internal/source"
)

// Service is a Kubernetes Service with one of its ports, through which slipway reaches its
// pods.
type Service struct {
	cluster *Cluster
	service *corev1.Service
	port    corev1.ServicePort
}

// NoServiceError reports that a namespace does not have a Service.
type NoServiceError struct {
	Name, Namespace, Cluster string
	// Similar are the Services that may be meant.
	Similar []string
}

// Error implements error. It names Similar.
func (e *NoServiceError) Error() string {
	text := fmt.Sprintf("namespace %s of cluster %s has no service %s", e.Namespace, e.Cluster, e.Name)
	if len(e.Similar) > 0 {
		text += ": did you mean svc/" + strings.Join(e.Similar, " or svc/") + "?"
	}
	return text
}

// AmbiguousServiceError reports that several Services may be meant.
type AmbiguousServiceError struct {
	What, Namespace, Cluster string
	Found                    []string
}

// Error implements error. It says how to choose one.
func (e *AmbiguousServiceError) Error() string {
	return fmt.Sprintf("namespace %s of cluster %s has more than one %s: choose one of svc/%s", e.Namespace, e.Cluster, e.What, strings.Join(e.Found, ", svc/"))
}

// NoPortError reports that a Service does not have a port, or that its pods cannot be found.
type NoPortError struct{ Service, Problem string }

// Error implements error.
func (e *NoPortError) Error() string { return "service " + e.Service + " " + e.Problem }

// Service returns a Service of the namespace with one of its ports, by name or number, or
// with its first port if port is empty. The error is a *NoServiceError or a *NoPortError if
// it does not have them.
func (c *Cluster) Service(ctx context.Context, name, port string) (*Service, error) {
	found, err := retry(ctx, c, func() (*corev1.Service, error) {
		return c.Client.CoreV1().Services(c.Namespace).Get(ctx, name, metav1.GetOptions{})
	})
	switch {
	case apierrors.IsNotFound(err):
		all, _ := c.Services(ctx) // without them, the error suggests none
		return nil, c.noService(name, all)
	case err != nil:
		return nil, fmt.Errorf("find service %s in cluster %s: %w", name, c.Name, err)
	}
	return c.reachable(found, port)
}

// noService returns the error for a Service that is not one of all.
func (c *Cluster) noService(name string, all []corev1.Service) *NoServiceError {
	none := &NoServiceError{Name: name, Namespace: c.Namespace, Cluster: c.Name}
	var names []string
	for i := range all {
		names = append(names, all[i].Name)
	}
	if near, ok := source.Nearest(name, names); ok {
		none.Similar = []string{near}
	}
	return none
}

// Services returns the Services of the namespace.
func (c *Cluster) Services(ctx context.Context) ([]corev1.Service, error) {
	list, err := retry(ctx, c, func() (*corev1.ServiceList, error) {
		return c.Client.CoreV1().Services(c.Namespace).List(ctx, metav1.ListOptions{})
	})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// reachable returns a Service with one of its ports. It returns a *NoPortError if the
// Service does not have the port, or selects no pods.
func (c *Cluster) reachable(s *corev1.Service, port string) (*Service, error) {
	if len(s.Spec.Selector) == 0 {
		return nil, &NoPortError{s.Name, "selects no pods (it has no selector), so nothing can be forwarded to it"}
	}
	var have []string
	for _, p := range s.Spec.Ports {
		number := strconv.Itoa(int(p.Port))
		if port == "" || port == number || port == p.Name {
			return &Service{c, s, p}, nil
		}
		if p.Name != "" {
			number += " (" + p.Name + ")"
		}
		have = append(have, number)
	}
	if len(have) == 0 {
		return nil, &NoPortError{s.Name, "has no port"}
	}
	return nil, &NoPortError{s.Name, fmt.Sprintf("has no port %s: it has %s", port, strings.Join(have, ", "))}
}

// Name returns the name of the Service.
func (s *Service) Name() string { return s.service.Name }

// Address returns the URL of the port for programs in the cluster.
func (s *Service) Address() string {
	return fmt.Sprintf("%s://%s.%s:%d", s.Scheme(), s.service.Name, s.service.Namespace, s.port.Port)
}

// Scheme returns the scheme of URLs of the port: https if its name or number says so.
func (s *Service) Scheme() string {
	if s.port.Name == "https" || s.port.Port == 443 {
		return "https"
	}
	return "http"
}

// selector returns the label selector of the pods.
func (s *Service) selector() string {
	return labels.SelectorFromSet(s.service.Spec.Selector).String()
}

// podPort returns the port of a pod that the port of the Service refers to.
func (s *Service) podPort(pod *corev1.Pod) (int, error) {
	if n := s.port.TargetPort.IntValue(); n > 0 {
		return n, nil
	}
	name := s.port.TargetPort.StrVal
	if name == "" {
		return int(s.port.Port), nil
	}
	for _, container := range pod.Spec.Containers {
		for _, p := range container.Ports {
			if p.Name == name {
				return int(p.ContainerPort), nil
			}
		}
	}
	return 0, fmt.Errorf("pod %s has no port named %s", pod.Name, name)
}
