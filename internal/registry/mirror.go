package registry

import (
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// dockerHub are the names of the registry of references without one.
var dockerHub = []string{"docker.io", name.DefaultRegistry, "registry-1.docker.io"}

// Mirror returns where a reference is read: in the mirror of its registry, or else in the registry
// itself.
func (c *Client) Mirror(reference name.Reference) (name.Reference, error) {
	mirror := c.mirrorOf(reference.Context().RegistryStr())
	if mirror == "" {
		return reference, nil
	}
	at, err := c.Parse(strings.TrimSuffix(mirror, "/") + "/" + reference.Context().RepositoryStr() + separator(reference) + reference.Identifier())
	if err != nil {
		return nil, fmt.Errorf("the mirror %s is not a valid registry: %w", mirror, err)
	}
	return at, nil
}

// mirrorOf returns the mirror of a registry, or "". Docker Hub has several names.
func (c *Client) mirrorOf(host string) string {
	if mirror, ok := c.Mirrors[host]; ok || host != name.DefaultRegistry {
		return mirror
	}
	for _, other := range dockerHub {
		if mirror, ok := c.Mirrors[other]; ok {
			return mirror
		}
	}
	return ""
}

// separator returns what stands before the tag or the digest of a reference.
func separator(reference name.Reference) string {
	if _, ok := reference.(name.Digest); ok {
		return "@"
	}
	return ":"
}
