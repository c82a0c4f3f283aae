package polyaxon

import (
	"context"
	"fmt"
	"net/http"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// Installation describes a server.
type Installation struct {
	Key string
	// Version is zero, which stands for any version, if the server's cannot be parsed.
	Version schema.Version
	Dist    string // ce, ee
	Mode    string // 2.x only
}

// Installation requests the server's version. The error is an *Error of kind Unsupported
// for releases older than 1.11.3, and of kind NotPolyaxon for a server that is not
// Polyaxon.
func (c *Client) Installation(ctx context.Context) (Installation, error) {
	var told struct {
		Key     text `json:"key"`
		Version text `json:"version"`
		Dist    text `json:"dist"`
		Mode    text `json:"mode"`
	}
	ask := request{method: http.MethodGet, path: "/api/v1/installation"}
	if err := c.get(ctx, ask.path, nil, &told); err != nil {
		return Installation{}, err
	}
	if told.Version == "" {
		return Installation{}, ask.unexpected(c.host + " responds, but not as a Polyaxon server does")
	}
	version, err := schema.ParseVersion(string(told.Version))
	if oldest := (schema.Version{Major: 1, Minor: 11, Patch: 3}); err == nil && version.Before(oldest) {
		return Installation{}, &Error{Method: ask.method, Path: ask.path, StatusCode: http.StatusOK, Kind: Unsupported,
			Messages: []string{fmt.Sprintf("%s is Polyaxon %s, which is not supported: slipway needs %s or newer", c.host, version, oldest)}}
	}
	c.version.Store(&version)
	return Installation{Key: string(told.Key), Version: version, Dist: string(told.Dist), Mode: string(told.Mode)}, nil
}

// release returns the server's version. It is requested once.
func (c *Client) release(ctx context.Context) (schema.Version, error) {
	if known := c.version.Load(); known != nil {
		return *known, nil
	}
	installation, err := c.Installation(ctx)
	return installation.Version, err
}
