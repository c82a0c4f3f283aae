package platform

import (
	"context"
	"time"

	"github.com/slipway-ci/slipway/internal/kubeconfig"
	"github.com/slipway-ci/slipway/internal/secret"
)

// gkeKubectl is a cluster of GKE for kubectl.
type gkeKubectl struct{ *Platform }

// Entry implements Kubectl. It asks Google for the cluster.
func (g gkeKubectl) Entry(ctx context.Context) (kubeconfig.Entry, error) {
	access, err := g.Access(ctx)
	if err != nil {
		return kubeconfig.Entry{}, err
	}
	return kubeconfig.Entry{Name: access.Name, Server: access.Config.Host, Authority: access.Config.CAData, Namespace: g.RunNamespace}, nil
}

// Token implements Kubectl. The token is Google's.
func (g gkeKubectl) Token(ctx context.Context) (token secret.Value, expires time.Time, err error) {
	credentials, err := g.Google(ctx)
	if err != nil {
		return secret.Value{}, time.Time{}, err
	}
	got, err := credentials.TokenSource(ctx).Token()
	if err != nil {
		return secret.Value{}, time.Time{}, err
	}
	return secret.NewValue([]byte(got.AccessToken)), got.Expiry, nil
}
