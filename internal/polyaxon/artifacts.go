package polyaxon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
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
	ask := request{method: http.MethodGet, path: c.streams(a, "artifact"), limit: streamLimit,
		query: url.Values{"path": {a.Path}, "stream": {"true"}, "force": {"true"}}}
	var body io.ReadCloser
	err := c.again(ctx, func() error {
		var err error
		body, err = c.open(ctx, ask)
		return err
	})
	return body, err
}

// Upload stores content as the file a.Path of a run, in place of one that is
// there. Servers unpack, and first delete the target, unless they are told not
// to: the request always says so.
func (c *Client) Upload(ctx context.Context, a Artifact, content []byte) error {
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	directory := path.Dir(a.Path)
	if directory == "." {
		directory = ""
	}
	options, err := json.Marshal(map[string]any{"untar": false, "path": directory, "overwrite": true})
	if err != nil {
		return err
	}
	if err := writer.WriteField("json", string(options)); err != nil {
		return fmt.Errorf("encode the upload of %s: %w", a.Path, err)
	}
	part, err := writer.CreateFormFile("upload_file", path.Base(a.Path))
	if err != nil {
		return fmt.Errorf("encode the upload of %s: %w", a.Path, err)
	}
	if _, err := part.Write(content); err != nil {
		return fmt.Errorf("encode the upload of %s: %w", a.Path, err)
	}
	if err := writer.Close(); err != nil {
		return fmt.Errorf("encode the upload of %s: %w", a.Path, err)
	}
	send := request{method: http.MethodPost, path: c.streams(a, "artifact"), body: form.Bytes(), contentType: writer.FormDataContentType(), limit: streamLimit}
	return c.again(ctx, func() error { return c.do(ctx, send, nil) })
}
