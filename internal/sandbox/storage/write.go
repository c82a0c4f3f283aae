package storage

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

// upload receives an object in one of the ways of cloud.google.com/storage/docs/uploads-downloads.
func (s *Server) upload(w http.ResponseWriter, r *http.Request, bucket string) error {
	if _, err := s.bucket(bucket); err != nil {
		return err
	}
	q := r.URL.Query()
	if id := q.Get("upload_id"); id != "" {
		return s.goOn(w, r, bucket, id)
	}
	c, err := conditionsOf(q, "if")
	if err != nil {
		return err
	}
	o := &object{}
	body := io.Reader(r.Body)
	switch q.Get("uploadType") {
	case "resumable":
		return s.begin(w, r, bucket, c)
	case "multipart":
		if body, err = related(r, o); err != nil {
			return err
		}
	case "media":
		o.ContentType = r.Header.Get("Content-Type")
	default:
		return refusal(http.StatusBadRequest, "badRequest", "uploadType must be media, multipart or resumable")
	}
	o.fill(q)
	return s.write(w, bucket, o, c, func(to io.Writer) error {
		_, err := io.Copy(to, body)
		return err
	}, nil)
}

// fill sets what only the query of an upload has.
func (o *object) fill(q url.Values) {
	o.Name, o.Encoding = cmp.Or(o.Name, q.Get("name")), cmp.Or(o.Encoding, q.Get("contentEncoding"))
}

// write writes an object with the content that fill writes, and responds with answer of it, or with
// its metadata.
func (s *Server) write(w http.ResponseWriter, bucket string, o *object, c conditions, fill func(io.Writer) error, answer func(*object) any) error {
	if !validObject(o.Name) {
		return refusal(http.StatusBadRequest, "invalid", fmt.Sprintf("Invalid object name: %q", o.Name))
	}
	o.Bucket = bucket
	file, err := s.temporary(bucket)
	if err != nil {
		return err
	}
	sum := crc32.New(castagnoli())
	count := &counter{}
	if err := fill(io.MultiWriter(file, sum, count)); err != nil {
		return disk.Explain(file.Name(), errors.Join(err, file.Close(), disk.Remove(file.Name())))
	}
	done, err := s.commit(file, o, count.n, sum.Sum32(), c)
	if err != nil {
		return err
	}
	if answer == nil {
		return respond(w, done)
	}
	return respond(w, answer(done))
}

// counter counts bytes.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// temporary creates a file for content that is not an object yet.
func (s *Server) temporary(bucket string) (*os.File, error) {
	return disk.Edit(s.sessionPath(bucket, rand.Text()))
}

// related reads the metadata of a body of two parts into o, and returns the second part.
func related(r *http.Request, o *object) (io.Reader, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/related" {
		return nil, refusal(http.StatusBadRequest, "badContent", "a multipart upload has the content type multipart/related")
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	first, err := parts.NextPart()
	if err != nil {
		return nil, refusal(http.StatusBadRequest, "badContent", "the body has no metadata")
	}
	if err := json.NewDecoder(io.LimitReader(first, maxMetadata)).Decode(o); err != nil {
		return nil, refusal(http.StatusBadRequest, "parseError", "Parse Error")
	}
	second, err := parts.NextPart()
	if err != nil {
		return nil, refusal(http.StatusBadRequest, "badContent", "the body has no content")
	}
	if o.ContentType == "" {
		o.ContentType = second.Header.Get("Content-Type")
	}
	return second, nil
}

// compose joins objects of one bucket to one.
func (s *Server) compose(w http.ResponseWriter, r *http.Request, bucket, name string) error {
	var wanted struct {
		Sources []struct {
			Name       string
			Generation json.Number
			Conditions struct {
				Match *json.Number `json:"ifGenerationMatch"`
			} `json:"objectPreconditions"`
		} `json:"sourceObjects"`
		Destination object
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&wanted); err != nil {
		return refusal(http.StatusBadRequest, "parseError", "Parse Error")
	}
	if n := len(wanted.Sources); n < 1 || n > 32 {
		return refusal(http.StatusBadRequest, "invalid", "The number of source components provided must be between 1 and 32")
	}
	c, err := conditionsOf(r.URL.Query(), "if")
	if err != nil {
		return err
	}
	o := wanted.Destination
	o.Name, o.Components = name, len(wanted.Sources)
	return s.write(w, bucket, &o, c, func(to io.Writer) error {
		for _, source := range wanted.Sources {
			from, err := s.find(bucket, source.Name, source.Generation.String())
			if err != nil {
				return err
			}
			if want := source.Conditions.Match; want != nil && want.String() != strconv.FormatInt(from.Generation, 10) {
				return refusal(http.StatusPreconditionFailed, "conditionNotMet", "a precondition of a source did not hold")
			}
			if err := s.copyTo(to, from); err != nil {
				return err
			}
		}
		return nil
	}, nil)
}

// copyTo writes the content of an object.
func (s *Server) copyTo(to io.Writer, o *object) error {
	file, content, err := s.open(o)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(to, content)
	return err
}

// rewrite copies an object.
func (s *Server) rewrite(w http.ResponseWriter, r *http.Request, bucket, name, toBucket, toName string) error {
	q := r.URL.Query()
	from, err := s.find(bucket, name, q.Get("sourceGeneration"))
	if err != nil {
		return err
	}
	source, err := conditionsOf(q, "ifSource")
	if err == nil {
		err = source.check(from)
	}
	if err != nil {
		return err
	}
	c, err := conditionsOf(q, "if")
	if err != nil {
		return err
	}
	if _, err := s.bucket(toBucket); err != nil {
		return err
	}
	o := &object{Name: toName, Metadata: from.Metadata, ContentType: from.ContentType, Encoding: from.Encoding}
	return s.write(w, toBucket, o, c, func(to io.Writer) error { return s.copyTo(to, from) }, func(done *object) any {
		size := strconv.FormatInt(done.Size, 10)
		return map[string]any{"kind": "storage#rewriteResponse", "done": true, "objectSize": size, "totalBytesRewritten": size, "resource": done}
	})
}
