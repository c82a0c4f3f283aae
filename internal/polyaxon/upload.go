package polyaxon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"path"
)

// errNoPath rejects a path that stands for the whole directory of a run.
var errNoPath = errors.New("no path given: it would replace or delete all files of the run")

// Upload stores content as the file a.Path of a run, and replaces an existing file. By
// default, servers unpack an upload and first delete the target, so the request always
// sets both options.
func (c *Client) Upload(ctx context.Context, a Artifact, content []byte) error {
	directory := path.Dir(a.Path)
	if directory == "." {
		directory = ""
	}
	return c.upload(ctx, a, "artifact", map[string]any{"untar": false, "path": directory, "overwrite": true}, path.Base(a.Path), content)
}

// UploadArchive unpacks a tar.gz as the directory a.Path of a run, and replaces what is
// there. It returns an error if a.Path is empty, since servers would replace the files of
// the whole run.
func (c *Client) UploadArchive(ctx context.Context, a Artifact, archive []byte) error {
	return c.upload(ctx, a, "artifacts", map[string]any{"untar": true, "path": a.Path, "overwrite": true}, "archive.tar.gz", archive)
}

// upload sends content as a form with options. It retries temporary errors.
func (c *Client) upload(ctx context.Context, a Artifact, what string, options map[string]any, name string, content []byte) error {
	if clean := path.Clean("/" + a.Path); clean == "/" {
		return errNoPath
	}
	text, err := json.Marshal(options)
	if err != nil {
		return err
	}
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	err = writer.WriteField("json", string(text))
	if err == nil {
		part, failed := writer.CreateFormFile("upload_file", name)
		if err = failed; err == nil {
			_, err = part.Write(content)
		}
	}
	if err = errors.Join(err, writer.Close()); err != nil {
		return fmt.Errorf("encode the upload of %s: %w", a.Path, err)
	}
	send := request{method: http.MethodPost, path: c.streams(a, what), body: form.Bytes(), contentType: writer.FormDataContentType(), limit: c.limits.stream}
	return c.retry(ctx, func() error { return c.do(ctx, send, nil) })
}
