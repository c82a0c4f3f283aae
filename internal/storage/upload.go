package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"mime/multipart"
)

// MaxSingle is the size up to which an object is uploaded by one request. A larger upload goes on
// where it was after a failure. See cloud.google.com/storage/docs/resumable-uploads.
const MaxSingle = 1 << 20

// Upload is an object to write.
type Upload struct {
	Bucket, Name string
	// Content has Size bytes, with the checksum CRC32C. It may be read several times.
	Content io.ReaderAt
	Size    int64
	CRC32C  uint32
	// Metadata is kept with the object.
	Metadata map[string]string
	// Generation is the generation that the object must still have, 0 for none.
	Generation int64
	// Session is the address of an upload that another process began, or "".
	Session string
	// Began is told the address of the upload, before content is sent.
	Began func(session string)
	// Sent is told how many more bytes were read to be sent, and of each byte once, however often it is sent. It may
	// be nil, as Began and Had may.
	Sent func(n int64)
	// Had is told in place of Sent how many bytes the service had of an upload that another process began.
	Had func(n int64)
	// reached is how far Sent and Had were told that the upload is.
	reached *reached
}

// resource returns the metadata of the object.
func (u *Upload) resource() map[string]any {
	r := map[string]any{"name": u.Name, "crc32c": encode(u.CRC32C)}
	if len(u.Metadata) > 0 {
		r["metadata"] = u.Metadata
	}
	return r
}

// Upload writes an object. The error is a *ConflictError if the object does not have its generation
// any more, unless it has this content already. A refusal with the code 400 and without a bad name
// means that the content had another checksum.
func (c *Client) Upload(ctx context.Context, u Upload) (*Object, error) {
	if u.Sent == nil {
		u.Sent = func(int64) {}
	}
	if u.Had == nil {
		u.Had = u.Sent
	}
	if u.Began == nil {
		u.Began = func(string) {}
	}
	u.reached = &reached{}
	var done *Object
	var err error
	if u.Size <= MaxSingle {
		done, err = c.single(ctx, &u)
	} else {
		done, err = c.resumable(ctx, &u)
	}
	wanted := &Object{Bucket: u.Bucket, Name: u.Name, Size: u.Size, Checksum: encode(u.CRC32C)}
	if err != nil {
		done, err = c.settle(ctx, err, wanted)
	}
	if err != nil {
		return nil, err
	}
	u.reached.tell(u.Sent, u.Size)
	if done.Size != wanted.Size || done.Checksum != wanted.Checksum {
		return nil, &ChecksumError{wanted.Address()}
	}
	return done, nil
}

// query returns the query of an upload.
func (u *Upload) query(kind string) url.Values {
	return url.Values{"uploadType": {kind}, "ifGenerationMatch": {strconv.FormatInt(u.Generation, 10)}}
}

func (u *Upload) path() string { return "/upload" + bucketPath(u.Bucket) + "/o" }

// single uploads metadata and content by one request.
func (c *Client) single(ctx context.Context, u *Upload) (*Object, error) {
	resource, err := json.Marshal(u.resource())
	if err != nil {
		return nil, err
	}
	var frame bytes.Buffer
	parts := multipart.NewWriter(&frame)
	first, err := parts.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/json; charset=UTF-8"}})
	if err == nil {
		_, err = first.Write(resource)
	}
	if err == nil {
		_, err = parts.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/octet-stream"}})
	}
	if err != nil {
		return nil, err
	}
	before := bytes.Clone(frame.Bytes())
	frame.Reset()
	if err := parts.Close(); err != nil {
		return nil, err
	}
	after := frame.Bytes()
	body := func() io.Reader {
		return io.MultiReader(bytes.NewReader(before), io.NewSectionReader(u.Content, 0, u.Size), bytes.NewReader(after))
	}
	done := &Object{}
	return done, c.call(ctx, request{
		method: http.MethodPost, path: u.path(), query: u.query("multipart"), body: body, size: int64(len(before)+len(after)) + u.Size,
		header: http.Header{"Content-Type": {"multipart/related; boundary=" + parts.Boundary()}},
	}, done)
}

// resumable uploads an object by a session, which begins again only if the service has lost it.
func (c *Client) resumable(ctx context.Context, u *Upload) (*Object, error) {
	var done *Object
	var arrived int64 // what the service has
	session, known := u.Session, false
	err := c.retry(ctx, func() (progress bool, err error) {
		if session == "" {
			if session, err = c.begin(ctx, u); err != nil {
				return false, err
			}
			u.Began(session)
			known = true
		}
		offset := int64(0)
		if !known {
			if done, offset, err = c.offset(ctx, u, session); err != nil {
				// fake-gcs-server takes the question for the end of the content, which then has another checksum.
				if Is(err, http.StatusNotFound) || Is(err, http.StatusGone) || Is(err, http.StatusBadRequest) {
					session = ""
					return false, &Error{Code: http.StatusServiceUnavailable, Message: "the upload is lost and begins again"}
				}
				return false, err
			}
			if done != nil {
				u.reached.tell(u.Had, u.Size)
				return true, nil
			}
		}
		if offset > u.Size {
			return false, fmt.Errorf("the upload has %d bytes of %s already, which has %d", offset, u.Name, u.Size)
		}
		known = false
		u.reached.tell(u.Had, offset)
		progress, arrived = offset > arrived, max(arrived, offset)
		response, err := c.send(ctx, request{
			method: http.MethodPut, path: session, size: u.Size - offset,
			header: http.Header{"Content-Range": {fmt.Sprintf("bytes %d-%d/%d", offset, u.Size-1, u.Size)}},
			body: func() io.Reader {
				return &reporting{Reader: io.NewSectionReader(u.Content, offset, u.Size-offset), at: offset, upload: u}
			},
		}, http.StatusPermanentRedirect)
		if err != nil {
			return progress, err
		}
		if response.StatusCode == http.StatusPermanentRedirect { // it has a part of it
			_ = response.Body.Close()
			return progress, &Error{Code: http.StatusServiceUnavailable, Message: "only a part of the content arrived"}
		}
		done = &Object{}
		return true, decode(response, done)
	})
	return done, err
}

// Abandon ends an upload that was begun, so that the service keeps nothing of it. One that has ended already is
// no error. See cloud.google.com/storage/docs/performing-resumable-uploads#cancel-upload.
func (c *Client) Abandon(ctx context.Context, session string) error {
	const closed = 499 // how the service answers
	return c.retry(ctx, func() (bool, error) {
		response, err := c.send(ctx, request{method: http.MethodDelete, path: session}, closed)
		if Is(err, http.StatusNotFound) || Is(err, http.StatusGone) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		return false, response.Body.Close()
	})
}

// begin begins a session, and returns its address.
func (c *Client) begin(ctx context.Context, u *Upload) (string, error) {
	body, size, err := jsonBody(u.resource())
	if err != nil {
		return "", err
	}
	response, err := c.send(ctx, request{method: http.MethodPost, path: u.path(), query: u.query("resumable"), header: jsonHeader(), body: body, size: size}, 0)
	if err != nil {
		return "", err
	}
	_ = response.Body.Close()
	session := response.Header.Get("Location")
	if session == "" {
		return "", errors.New("the answer of Cloud Storage does not say where to upload the content")
	}
	return session, nil
}

// offset returns how much of the content the service has, or the object if it is complete.
func (c *Client) offset(ctx context.Context, u *Upload, session string) (*Object, int64, error) {
	response, err := c.send(ctx, request{
		method: http.MethodPut, path: session, header: http.Header{"Content-Range": {fmt.Sprintf("bytes */%d", u.Size)}},
		body: func() io.Reader { return http.NoBody },
	}, http.StatusPermanentRedirect)
	if err != nil {
		return nil, 0, err
	}
	if response.StatusCode != http.StatusPermanentRedirect {
		done := &Object{}
		return done, u.Size, decode(response, done)
	}
	_ = response.Body.Close()
	_, last, ok := strings.Cut(response.Header.Get("Range"), "-")
	if !ok {
		return nil, 0, nil
	}
	n, err := strconv.ParseInt(last, 10, 64)
	return nil, n + 1, err
}

// reporting reports what is read for the first time.
type reporting struct {
	io.Reader
	at     int64
	upload *Upload
}

// Read implements io.Reader.
func (r *reporting) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.at += int64(n)
	r.upload.reached.tell(r.upload.Sent, r.at)
	return n, err
}

// reached is how far an upload is, as it was reported. A broken request may still read its body while the next one is
// sent.
type reached struct {
	mu sync.Mutex
	at int64
}

// tell calls report with the bytes up to at that were not reported before.
func (r *reached) tell(report func(int64), at int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if more := at - r.at; more > 0 {
		r.at = at
		report(more)
	}
}
