package cluster

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/version"
)

// Version returns the release of Kubernetes that the API server is, such as v1.34.1. Every user
// whom the server knows may ask for it.
func (c *Cluster) Version(ctx context.Context) (string, error) {
	text, err := retry(ctx, c, func() ([]byte, error) {
		return c.Client.CoreV1().RESTClient().Get().AbsPath("/version").Do(ctx).Raw()
	})
	if err != nil {
		return "", fmt.Errorf("ask cluster %s for its version: %w", c.Name, err)
	}
	var told version.Info
	if err := json.Unmarshal(text, &told); err != nil || told.GitVersion == "" {
		return "", fmt.Errorf("%s does not answer as a Kubernetes API server does", c.Name)
	}
	return told.GitVersion, nil
}
