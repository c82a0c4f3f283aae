package polyaxon

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
)

// Artifact names a file or a directory of a run, relative to its root.
type Artifact struct{ Namespace, Project, UUID, Path string }

// Tree lists one directory of a run: files with their sizes in bytes, and
// directories. One that does not exist is an error that IsNotFound knows.
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
	if answer.Error != nil { // servers say so in an answer of 200
		return nil, nil, &Error{Method: http.MethodGet, Path: where, StatusCode: http.StatusNotFound, Kind: NotFound,
			Messages: []string{a.Path + ": " + plain(answer.Error)}}
	}
	return answer.Files, answer.Dirs, nil
}

// Artifact opens a file of a run; the caller closes it. One that is not there is
// an error that IsNotFound knows; of a directory, servers say that they failed.
func (c *Client) Artifact(ctx context.Context, a Artifact) (io.ReadCloser, error) {
	return c.stream(ctx, c.streams(a, "artifact"), url.Values{"path": {a.Path}, "stream": {"true"}, "force": {"true"}})
}

// Directory opens a directory of a run as a tar.gz, whose names are relative to it
// or begin with its own, by server; the caller closes it.
func (c *Client) Directory(ctx context.Context, a Artifact) (io.ReadCloser, error) {
	return c.stream(ctx, c.streams(a, "artifacts"), url.Values{"path": {a.Path}, "force": {"true"}})
}

// stream opens an answer of any size, again where that failed in a way that may pass.
func (c *Client) stream(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	ask := request{method: http.MethodGet, path: path, query: query, limit: c.limits.stream, stream: true}
	var body io.ReadCloser
	err := c.again(ctx, func() error {
		answer, err := c.open(ctx, ask)
		if err == nil {
			body = answer
		}
		return err
	})
	return body, err
}

// DeleteArtifact deletes a file of a run. One that is not there is no error; servers
// answer differently to that.
func (c *Client) DeleteArtifact(ctx context.Context, a Artifact) error {
	if a.Path == "" {
		return errNoPath
	}
	ask := request{method: http.MethodDelete, path: c.streams(a, "artifact"), query: url.Values{"path": {a.Path}}, limit: c.limits.change}
	err := c.again(ctx, func() error { return c.do(ctx, ask, nil) })
	if answered := new(Error); errors.As(err, &answered) && (answered.Kind == NotFound || answered.Kind == Invalid) {
		return nil
	}
	return err
}
