package polyaxon

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
)

// Artifact names a file or a directory of a run. Path is relative to the run's root.
type Artifact struct{ Namespace, Project, UUID, Path string }

// Tree lists one directory of a run: its files with their sizes in bytes, and its
// directories. IsNotFound holds for the error if the directory does not exist.
func (c *Client) Tree(ctx context.Context, a Artifact) (map[string]int64, []string, error) {
	var answer struct {
		Files map[string]int64 `json:"files"`
		Dirs  []string         `json:"dirs"`
		Error any              `json:"error"`
	}
	where := c.streams(a, "artifacts", "tree")
	if err := c.get(ctx, where, url.Values{"path": {a.Path}, "force": {"true"}}, &answer); err != nil {
		return nil, nil, err
	}
	if answer.Error != nil { // servers report it in a response with status 200
		return nil, nil, &Error{Method: http.MethodGet, Path: where, StatusCode: http.StatusNotFound, Kind: NotFound,
			Messages: []string{a.Path + ": " + plain(answer.Error)}}
	}
	return answer.Files, answer.Dirs, nil
}

// Artifact opens a file of a run. The caller must close it. IsNotFound holds for the
// error if the file does not exist. For a directory, servers respond with a server error.
func (c *Client) Artifact(ctx context.Context, a Artifact) (io.ReadCloser, error) {
	return c.stream(ctx, c.streams(a, "artifact"), url.Values{"path": {a.Path}, "stream": {"true"}, "force": {"true"}})
}

// Directory opens a directory of a run as a tar.gz. The caller must close it. Depending
// on the server, the names in the archive are relative to the directory or begin with its
// name.
func (c *Client) Directory(ctx context.Context, a Artifact) (io.ReadCloser, error) {
	return c.stream(ctx, c.streams(a, "artifacts"), url.Values{"path": {a.Path}, "force": {"true"}})
}

// stream opens a response of any size. It retries temporary errors until the response
// begins.
func (c *Client) stream(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	ask := request{method: http.MethodGet, path: path, query: query, limit: c.limits.stream, stream: true}
	var body io.ReadCloser
	err := c.retry(ctx, func() error {
		answer, err := c.open(ctx, ask)
		if err == nil {
			body = answer
		}
		return err
	})
	return body, err
}

// DeleteArtifact deletes a file of a run. It returns nil if the file does not exist, for
// which servers send different responses.
func (c *Client) DeleteArtifact(ctx context.Context, a Artifact) error {
	if a.Path == "" {
		return errNoPath
	}
	ask := request{method: http.MethodDelete, path: c.streams(a, "artifact"), query: url.Values{"path": {a.Path}}, limit: c.limits.change}
	err := c.retry(ctx, func() error { return c.do(ctx, ask, nil) })
	if answered := new(Error); errors.As(err, &answered) && (answered.Kind == NotFound || answered.Kind == Invalid) {
		return nil
	}
	return err
}
