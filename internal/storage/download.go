package storage

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// Download writes the content of an object from an offset on. After a broken connection it goes on
// where it was. It reads one generation, so that the content is that of o. The caller compares the
// checksum. The error of w is returned as a *WriteError.
func (c *Client) Download(ctx context.Context, o *Object, offset int64, w io.Writer) error {
	if offset >= o.Size {
		return nil
	}
	return c.retry(ctx, func() (bool, error) {
		n, err := c.download(ctx, o, offset, w)
		offset += n
		if err == nil && offset < o.Size {
			err = io.ErrUnexpectedEOF
		}
		return n > 0, err
	})
}

// download sends one request for the content from offset on, and returns how many bytes came.
func (c *Client) download(ctx context.Context, o *Object, offset int64, w io.Writer) (int64, error) {
	header := http.Header{"Accept-Encoding": {"gzip"}} // the content as it is kept: see cloud.google.com/storage/docs/transcoding
	if offset > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	q := url.Values{"alt": {"media"}, "generation": {strconv.FormatInt(o.Generation, 10)}}
	response, err := c.send(ctx, request{method: http.MethodGet, path: objectPath(o.Bucket, o.Name), query: q, header: header}, 0)
	if Is(err, http.StatusNotFound) {
		return 0, &ConflictError{Object: o.Address(), Err: err}
	}
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if offset > 0 && response.StatusCode != http.StatusPartialContent {
		return 0, fmt.Errorf("%s: Cloud Storage returns all of the content in place of a part: check whether a proxy changes requests", o.Address())
	}
	buffer := make([]byte, 128<<10)
	return io.CopyBuffer(writer{w}, io.LimitReader(response.Body, o.Size-offset), buffer)
}

// WriteError reports that content could not be written where it belongs.
type WriteError struct{ Err error }

// Error implements error.
func (e *WriteError) Error() string { return e.Err.Error() }

// Unwrap returns the writer's error.
func (e *WriteError) Unwrap() error { return e.Err }

// writer tells the errors of a writer from those of a connection.
type writer struct{ w io.Writer }

// Write implements io.Writer.
func (w writer) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if err != nil {
		err = &WriteError{err}
	}
	return n, err
}
