package cluster

import (
	appsv1 "k8s.io/client-go/kubernetes/typed/apps/v1"
	authenticationv1 "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationv1 "k8s.io/client-go/kubernetes/typed/authorization/v1"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
)

// Clients has the clients of the API groups that slipway uses. A kubernetes.Interface is
// one as well. The binary does without that, because it has clients of all groups.
type Clients interface {
	CoreV1() corev1.CoreV1Interface
	AppsV1() appsv1.AppsV1Interface
	AuthenticationV1() authenticationv1.AuthenticationV1Interface
	AuthorizationV1() authorizationv1.AuthorizationV1Interface
}

type clients struct {
	core           *corev1.CoreV1Client
	apps           *appsv1.AppsV1Client
	authentication *authenticationv1.AuthenticationV1Client
	authorization  *authorizationv1.AuthorizationV1Client
}

func newClients(config *rest.Config) (*clients, error) {
	carrier, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	core, err := corev1.NewForConfigAndClient(config, carrier)
	if err != nil {
		return nil, err
	}
	apps, err := appsv1.NewForConfigAndClient(config, carrier)
	if err != nil {
		return nil, err
	}
	authentication, err := authenticationv1.NewForConfigAndClient(config, carrier)
	if err != nil {
		return nil, err
	}
	authorization, err := authorizationv1.NewForConfigAndClient(config, carrier)
	if err != nil {
		return nil, err
	}
	return &clients{core, apps, authentication, authorization}, nil
}

func (c *clients) CoreV1() corev1.CoreV1Interface { return c.core }

func (c *clients) AppsV1() appsv1.AppsV1Interface { return c.apps }

func (c *clients) AuthenticationV1() authenticationv1.AuthenticationV1Interface {
	return c.authentication
}

func (c *clients) AuthorizationV1() authorizationv1.AuthorizationV1Interface {
	return c.authorization
}
